"""What a Ray task does: a part of a stage's parallel loop, on the blocks of arrays that were sent along.

What: `run_chunk` is the task; the rest is about memory. A kernel's subscripts are those of the whole arrays, so it is given, for each
array, the address that the element of index zero would have, and the strides of the block. Why here: it is all that a worker imports.
"""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from .plan import Box, Field, layout

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]


class State:
    """active: this process runs tasks, so nothing in it is sent elsewhere."""

    active = False


class Part(NamedTuple):
    """What a task knows of an array. room: the box that must have memory. fixed: strides that the kernel takes for granted, in elements.
    fortran: the first axis is the one that lies together. pieces: the boxes that are sent. writes: those that go back."""

    name: str
    dtype: str
    room: Box
    fixed: tuple[int | None, ...]
    fortran: bool
    pieces: tuple[Box, ...]
    writes: tuple[Box, ...]


class Order(NamedTuple):
    """A task. identity: of the sender's wheel; library: with the libraries that the kernel calls. scalars: parameters and inputs. device:
    the task has a GPU of its own."""

    package: str
    identity: str
    library: bool
    symbol: str
    fields: tuple[Field, ...]
    scalars: Mapping[str, Any]
    parts: tuple[Part, ...]
    lower: int
    upper: int
    threads: int
    device: bool = False


class Memory(NamedTuple):
    """Where the element of index zero is or would be, and the strides, in elements."""

    address: int
    strides: tuple[int, ...]


def run_chunk(order: Order, *pieces: Array) -> tuple[tuple[int, int, str] | str, list[Array]]:
    """How the kernel ended (status, floating-point flags, and why not on the task's GPU, or only in words why it could not run), and the
    blocks that it wrote."""
    State.active = True
    if identity(order.package, order.library) != order.identity:
        return f"a worker ({platform.node()}) has another build of {order.package} or other libraries", []
    given = iter(pieces)
    blocks = {part.name: (part, _block(part, [next(given) for _ in part.pieces])) for part in order.parts}
    memory = {name: address(block, [low for low, _ in part.room]) for name, (part, block) in blocks.items()}
    args = struct(order.fields, order.scalars, memory)
    ended, note = _on_device(order, args, blocks) if order.device else (None, "")
    if ended is None:
        ended = _native(order.package).run(order.symbol, args, order.lower, order.upper, order.threads)
    return (*ended, note), [_cut(block, box, part) for part, block in blocks.values() for box in part.writes]


def _on_device(order: Order, args: bytes, blocks: Mapping[str, tuple[Part, Array]]) -> tuple[tuple[int, int] | None, str]:
    """The chunk on the task's GPU; or None, and perhaps why, where the native kernel has to run (nothing has been written then)."""
    from . import gpu_target

    plan = import_module(f"{order.package}.gpu_plans").PLANS.get(order.symbol)
    if plan is None:
        return None, ""
    given = {name: gpu_target.Block(block, tuple(low for low, _ in part.room)) for name, (part, block) in blocks.items()}
    try:
        status, flags = gpu_target.run_part(plan, args, given, (order.lower, order.upper))
    except gpu_target.Unavailable as error:
        return None, f"{platform.node()}: {error}"
    return (None, "") if status else ((status, flags), "")


@cache
def _native(package: str) -> Any:
    """The extension, told how to ask about the NumPy at hand."""
    native = import_module(f"{package}._native")
    try:
        native.bind("", {}, import_module(f"{package}.facts").signature)
    except LookupError:  # no module has that name: it was about the question
        pass
    return native


@cache
def identity(package: str, library: bool) -> str:
    """The content of a package's native code, its ABI, and with `library` what else its bits depend on."""
    import numpy as np

    folder = Path(import_module(package).__file__ or "").parent
    text = hashlib.sha256()
    for path in sorted([*folder.glob("_native*"), *folder.glob("*plans.py"), *folder.glob("*.cu")]):
        text.update(path.read_bytes())
    if library:
        core = getattr(np, "_core", None) or np.core
        features = sorted(name for name, there in core._multiarray_umath.__cpu_features__.items() if there)
        text.update(repr((np.__version__, platform.libc_ver(), features)).encode())
    return text.hexdigest()


def _block(part: Part, pieces: Sequence[Array]) -> Array:
    """The memory of an array's room, with what was sent."""
    if len(pieces) == 1 and not part.writes and part.pieces == (part.room,) and _has_strides(pieces[0], part.fixed):
        return pieces[0]
    block = _empty(part)
    for box, piece in zip(part.pieces, pieces, strict=True):
        block[_inside(box, part.room)] = piece
    return block


def _has_strides(block: Array, fixed: Sequence[int | None]) -> bool:
    """Whether a block lies as the kernel expects."""
    along = zip(block.shape, block.strides, fixed, strict=True)
    return all(want is None or extent <= 1 or stride == want * block.itemsize for extent, stride, want in along)


def _empty(part: Part) -> Array:
    """Memory for the room, with the strides that the kernel expects."""
    import numpy as np

    shape = [high - low for low, high in part.room]
    block = np.empty(shape, part.dtype, order="F" if part.fortran else "C")
    if _has_strides(block, part.fixed):
        return block
    # all strides are taken for granted: those of the whole array, of which only the room is ever touched
    strides = [0 if step is None else step for step in part.fixed]
    span = 1 + sum((extent - 1) * step for extent, step in zip(shape, strides, strict=True))
    return np.lib.stride_tricks.as_strided(np.empty(span, part.dtype), shape, [step * block.itemsize for step in strides])


def _inside(box: Box, room: Box) -> tuple[slice, ...]:
    return tuple(slice(low - first, high - first) for (low, high), (first, _) in zip(box, room, strict=True))


def _cut(block: Array, box: Box, part: Part) -> Array:
    """A block as it travels: contiguous."""
    import numpy as np

    found = block[_inside(box, part.room)]
    return np.asfortranarray(found) if part.fortran else np.ascontiguousarray(found)


def address(block: Array, first: Sequence[int] = ()) -> Memory:
    """How a kernel sees an array, or a block of one that begins at `first`."""
    strides = tuple(stride // block.itemsize for stride in block.strides)
    before = sum(index * stride for index, stride in zip(first, block.strides, strict=False))
    return Memory((block.ctypes.data - before) % 2**64, strides)


def struct(fields: tuple[Field, ...], scalars: Mapping[str, Any], memory: Mapping[str, Memory]) -> bytes:
    """The bytes of a kernel's struct of arguments."""
    import numpy as np

    record = np.zeros((), layout(fields))
    for item in fields:
        match item.kind:
            case "data":
                record[item.name] = memory[item.source].address
            case "stride":
                record[item.name] = memory[item.source].strides[item.axis]
            case "param" | "input":
                record[item.name] = scalars[item.source]
            case "result":
                raise ValueError(f"{item.name}: a stage has no scalar results")
    return record.tobytes()
