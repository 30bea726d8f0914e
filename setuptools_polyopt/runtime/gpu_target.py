"""Runs kernels on a GPU through CuPy.

What: `run` takes the arguments of a native kernel, copies to the device what the kernel reads, launches the plan's kernels with the arrays
kept there, looks at their status, and copies back what they have written. Nothing of the caller's is touched before all has succeeded.
CuPy is never imported before the first run that may use it. No driver, no device of a known architecture, no memory left: the answer is
None and the native kernel runs.

One run at a time, since the kernels of a region tell their status in one place; the lock is held until the status has been read.
"""

from __future__ import annotations

import ctypes
import re
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol

import numpy as np

from .gpu_plan import FLAGS, HEADERS, GpuPlan
from .plan import unpack

THREADS = 256
_GRID = (2**31 - 1, 65535, 65535)
LOCK = threading.Lock()
_MODULES: dict[tuple[str, str, int], Any] = {}
_HERE = Path(__file__).parent


class Unavailable(Exception):
    """Why a run cannot take place on a GPU, as a clause that ends a sentence."""


class Call(Protocol):
    """What the hook was called with."""

    args: bytes
    arrays: Sequence[Any]

    def note(self, text: str) -> None:
        """Why the run does not take place here, for POLYOPT_TRACE."""


Box = tuple[tuple[int, int], ...]
"""Per axis: the first index and the one after the last."""


class Block(NamedTuple):
    """A part of an array. origin: the index of its first element."""

    array: Any
    origin: tuple[int, ...]


class Device(NamedTuple):
    """An array on the device: the address of its element of index zero, and the steps of its axes in elements. buffer: what is there of it,
    from `origin` (else index zero) on, in one piece of that shape and order, or the caller's array."""

    at: np.int64
    steps: tuple[int, ...]
    buffer: Any
    shape: tuple[int, ...]
    order: str
    origin: tuple[int, ...] = ()

    def part(self, *box: tuple[int, int]) -> Any:
        """A box of it as CuPy knows arrays."""
        whole = self.buffer if self.buffer.shape == self.shape else self.buffer.reshape(self.shape, order=self.order)
        first = self.origin or (0,) * len(box)
        return whole[tuple(slice(low - start, max(low, high) - start) for (low, high), start in zip(box, first, strict=True))]


def run(plan: GpuPlan | None, call: Call) -> tuple[int, int] | None:
    """Run a kernel: (status, floating-point flags), or None where it cannot run on a GPU; then nothing has changed.

    A status other than zero: the original statements have to run; nothing has been written.
    """
    if plan is None:
        call.note("it has no GPU variant")
        return None
    hosts = dict(zip((field.source for field in plan.fields if field.kind == "data"), call.arrays, strict=True))
    try:
        return _run(plan, call.args, hosts)
    except Unavailable as error:
        call.note(str(error))
        return None


def run_part(plan: GpuPlan, args: bytes, blocks: Mapping[str, Block], ends: tuple[int, int]) -> tuple[int, int]:
    """A chunk of a stage: (status, floating-point flags). blocks: what is at hand of each array. A status other than zero: nothing has
    been written. Raises Unavailable."""
    arrays = {name: block.array for name, block in blocks.items()}
    return _run(plan, args, arrays, {name: block.origin for name, block in blocks.items()}, ends)


def _run(
    plan: GpuPlan,
    args: bytes,
    hosts: Mapping[str, Any],
    origins: Mapping[str, tuple[int, ...]] = MappingProxyType({}),
    ends: tuple[int, ...] = (),
) -> tuple[int, int]:
    with LOCK:
        started = Run(load(plan), plan, hosts, origins)
        plan.launch(started, *plan.values(args, ends))
        status, flags = started.status()
        if not status:
            started.copy_back()
            started.store_scalars(unpack(plan.fields, args))
        return status, flags


class Loaded(NamedTuple):
    """CuPy, and the module that holds a region's kernels on the current device."""

    cupy: Any
    module: Any


def load(plan: GpuPlan) -> Loaded:
    """The kernels of a plan on the current device. Raises Unavailable."""
    try:
        import cupy

        if cupy.cuda.runtime.getDeviceCount() < 1:
            raise Unavailable("there is no GPU")
        device = cupy.cuda.Device()
        key = (str(_HERE), plan.code, device.id)
        if key not in _MODULES:
            _MODULES[key] = _read_module(cupy, plan.code, str(device.compute_capability))
        if isinstance(_MODULES[key], Unavailable):
            raise _MODULES[key]
        return Loaded(cupy, _MODULES[key])
    except Unavailable:
        raise
    except ImportError:
        raise Unavailable("CuPy is not installed") from None
    except Exception as error:  # noqa: BLE001 -- whatever a driver or a device may lack
        raise Unavailable(f"the GPU cannot be used: {_told(error)}") from None


def _told(error: Exception) -> str:
    return f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}".removesuffix(": ")


def _read_module(cupy: Any, code: str, capability: str) -> Any:
    """The best of what the wheel holds: a cubin for this architecture, PTX for an older one, or the source; or why there is none, which
    will not change."""
    best = image([path.name for path in _HERE.glob(f"{code}.*")], code, capability)
    if best is None:
        return Unavailable(f"the wheel holds no code of {code} for a GPU of compute capability {capability}")
    path = _HERE / best
    try:
        if not best.endswith(".cu"):
            return cupy.RawModule(path=str(path))
        return cupy.RawModule(code=whole_source(path.read_text(encoding="utf-8")), options=FLAGS)
    except Exception as error:  # noqa: BLE001 -- a compiler's message, or a driver's
        return Unavailable(f"{best} cannot be loaded: {_told(error)}")


def image(files: Sequence[str], code: str, capability: str) -> str | None:
    """The file to load on a device of a compute capability ("86"): cubins run on later minor versions, PTX on everything later."""
    device = int(capability[:-1]), int(capability[-1])
    cubins, ptx = [], []
    for file in files:
        found = re.fullmatch(rf"{re.escape(code)}\.(sm|compute)_(\d+)(\d)\.(cubin|ptx)", file)
        version = (int(found[2]), int(found[3])) if found else (99, 0)
        if found and version <= device:
            if found[1] == "compute":
                ptx.append((version, file))
            elif version[0] == device[0]:
                cubins.append((version, file))
    if cubins or ptx:
        return max(cubins or ptx)[1]
    return f"{code}.cu" if f"{code}.cu" in files else None


def whole_source(text: str) -> str:
    """CUDA source with the text of the headers in place of their names."""
    for _ in range(2):
        for name in HEADERS:
            if f'#include "{name}"' in text:
                text = text.replace(f'#include "{name}"', (_HERE / name).read_text(encoding="utf-8"))
    return text


class Run:
    """One run: what a plan's function calls. hosts: the caller's arrays by name, NumPy's or CuPy's. origins: where those of them begin that
    are parts of arrays."""

    def __init__(
        self, loaded: Loaded, plan: GpuPlan, hosts: Mapping[str, Any], origins: Mapping[str, tuple[int, ...]] = MappingProxyType({})
    ) -> None:
        self.cupy, self.module = loaded
        self.plan = plan
        self.hosts = hosts
        self.origins = origins
        self.devices: dict[str, Device] = {}
        self.saved: dict[str, Any] = {}
        self.outputs: list[tuple[Any, Device, Box, Box]] = []  # the written section, and the boxes that are touched and written
        self.finite: list[Any] = []
        self.word = self.guarded(self._status_word)

    def guarded(self, action: Any, *args: Any, **keywords: Any) -> Any:
        """Call CuPy; what it raises means that the run cannot take place."""
        try:
            return action(*args, **keywords)
        except Exception as error:  # noqa: BLE001 -- out of memory, a lost device, a driver's error
            self.restore()
            if "OutOfMemory" in type(error).__name__:
                raise Unavailable("the GPU has not enough memory") from None
            raise Unavailable(f"the GPU failed: {_told(error)}") from None

    def _status_word(self) -> Any:
        word = self.cupy.ndarray((2,), np.uint32, memptr=self.module.get_global("polyopt_status"))
        word.fill(0)
        return word

    # what a plan's function calls

    def argument(
        self, name: str, extents: tuple[int, ...], touched: Box | None = None, written: Box | None = None, order: str = "C"
    ) -> Device:
        """The argument or result of that name on the device, with its contents if they matter.

        touched: the box of indices that the kernel reads or writes, and `written` the one in it that it writes, where that is not all.
        """
        spec = self.plan.array(name)
        extents = tuple(max(0, int(extent)) for extent in extents)
        host = self.hosts.get(name)
        if host is not None and not isinstance(host, np.ndarray):
            self.devices[name] = self._resident(name, host, spec.writes)
            return self.devices[name]
        origin = self.origins.get(name, (0,) * len(extents))
        if host is not None and name not in self.origins:
            host = _shaped(host, extents)
        at_hand = extents if host is None else host.shape
        box = _clipped(touched, tuple((low, low + extent) for low, extent in zip(origin, at_hand, strict=True)))
        device = self.temporary(spec.dtype, tuple(high - low for low, high in box), order)
        if host is not None and spec.reads and device.buffer.size:
            self.guarded(device.buffer.set, _section(host, box, origin).ravel(order=order))
        shift = sum(low * step for (low, _), step in zip(box, device.steps, strict=True))
        origin_there = tuple(low for low, _ in box)
        device = device._replace(at=np.int64(int(device.at) - shift * device.buffer.dtype.itemsize), origin=origin_there)
        self.devices[name] = device
        if host is not None and spec.writes:
            section = _clipped(written or touched, box)
            self.outputs.append((_section(host, section, origin), device, box, section))
        return device

    def _resident(self, name: str, array: Any, keep: bool) -> Device:
        """A CuPy array as it is; what a failure would have to restore is copied."""
        if keep:
            self.saved[name] = self.guarded(array.copy)
        steps = tuple(step // array.dtype.itemsize for step in array.strides)
        return Device(np.int64(array.data.ptr), steps, array, array.shape, "C")

    def temporary(self, dtype: str, extents: tuple[int, ...], order: str = "C") -> Device:
        """Fresh memory with undefined contents."""
        shape = tuple(max(0, extent) for extent in extents)
        steps, step = [], 1
        for extent in shape if order == "F" else reversed(shape):
            steps.append(step)
            step *= extent
        buffer = self.guarded(self.cupy.empty, step, dtype)
        return Device(np.int64(buffer.data.ptr), tuple(steps if order == "F" else reversed(steps)), buffer, shape, order)

    def launch(self, kernel: str, extents: tuple[int, ...], *args: Any) -> None:
        """Start a kernel with a thread for each iteration, as far as a grid goes. extents: iterations, outer loop first."""
        if any(extent <= 0 for extent in extents):
            return
        self._launch(kernel, *geometry(extents), args)

    def launch_blocks(self, kernel: str, extents: tuple[int, ...], *args: Any) -> None:
        """The same with a block for each iteration."""
        if all(extent > 0 for extent in extents):
            grid = [min(extent, most) for extent, most in zip(reversed(extents), _GRID, strict=False)]
            self._launch(kernel, (*grid, *(1,) * (3 - len(grid))), (THREADS, 1, 1), args)

    def launch_tiles(self, kernel: str, extents: tuple[int, ...], sides: tuple[int, ...], *args: Any) -> None:
        """The same with blocks that do as many iterations of each loop as `sides` says."""
        if all(extent > 0 for extent in extents):
            grid = [min(-(-extent // side), most) for extent, side, most in zip(extents[::-1], sides[::-1], _GRID, strict=False)]
            padding = (1,) * (3 - len(grid))
            self._launch(kernel, (*grid, *padding), (*sides[::-1], *padding), args)

    def multiply_add(self, target: Any, left: Any, right: Any) -> None:
        """`target += left @ right` by the library. Whether all numbers are finite is looked at in the end."""
        if target.size and left.size:
            self.guarded(self._multiply_add, target, left, right)

    def _multiply_add(self, target: Any, left: Any, right: Any) -> None:
        target += self.cupy.matmul(left, right)
        self.finite.append(self.cupy.isfinite(target).all())

    def _launch(self, kernel: str, grid: tuple[int, ...], block: tuple[int, ...], args: tuple[Any, ...]) -> None:
        typed = tuple(np.int64(arg) if isinstance(arg, int) else arg for arg in args)
        self.guarded(self.guarded(self.module.get_function, kernel), grid, block, typed)

    # the end of a run

    def status(self) -> tuple[int, int]:
        """Wait for the device: whether something failed, and the floating-point flags. After a failure arrays are as they were."""
        failed, flags = (int(part) for part in self.guarded(self.word.get))
        failed = failed or int(not all(self.guarded(bool, item) for item in self.finite))
        if failed:
            self.restore()
        return failed, flags | self.plan.flags

    def restore(self) -> None:
        """CuPy arrays as they were before the run."""
        for name, copy in self.saved.items():
            self.hosts[name][...] = copy
        self.saved.clear()

    def copy_back(self) -> None:
        """What was written into the caller's NumPy arrays. Of each array only the rows that hold some of it are brought."""
        for section, device, touched, written in self.outputs:
            if not section.size:
                continue
            axis = len(touched) - 1 if device.order == "F" else 0
            first, last = (end - touched[axis][0] for end in written[axis])
            step = device.steps[axis]
            rows = self.guarded(device.buffer[first * step : last * step].get)
            shape = tuple(last - first if k == axis else extent for k, extent in enumerate(device.shape))
            brought = rows.reshape(shape, order=device.order)
            inside = [
                slice(None) if k == axis else slice(low - start, high - start)
                for k, ((start, _), (low, high)) in enumerate(zip(touched, written, strict=True))
            ]
            section[...] = brought[tuple(inside)]

    def store_scalars(self, values: Any) -> None:
        """Scalar results through their addresses."""
        for field in self.plan.fields:
            if field.kind == "result":
                content = self.guarded(self.devices[field.source].buffer.get).tobytes()
                ctypes.memmove(int(values[field.name]), content, len(content))


def _shaped(host: Any, shape: tuple[int, ...]) -> Any:
    """The array with the extents that the kernel sees (rows of contiguous arrays may have been joined), on the same memory."""
    if host.shape == shape:
        return host
    view = host.reshape(shape)
    if not np.may_share_memory(view, host):
        raise Unavailable("the arrays' layout does not fit the kernel's")
    return view


def _clipped(box: Box | None, room: Box) -> Box:
    """The part of a box inside another; all of that for None."""
    if box is None:
        return room
    lows = [min(max(int(low), first), last) for (low, _), (first, last) in zip(box, room, strict=True)]
    return tuple((low, max(low, min(int(high), last))) for low, (_, high), (_, last) in zip(lows, box, room, strict=True))


def _section(array: Any, box: Box, origin: Sequence[int]) -> Any:
    return array[tuple(slice(low - first, high - first) for (low, high), first in zip(box, origin, strict=True))]


def geometry(extents: Sequence[int]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Grid and block for loops over threads, innermost along x: rows of 32 threads, longer ones where there is one loop only."""
    sizes = list(reversed(extents)) or [1]
    block: list[int] = []
    left = THREADS if extents else 1
    for axis, size in enumerate(sizes):
        most = min(left, 32) if axis == 0 and len(sizes) > 1 and sizes[1] >= 8 else left
        most = min(most, 64) if axis == 2 else most
        block.append(min(most, 1 << max(0, size - 1).bit_length()))
        left //= block[-1]
    grid = [min(most, -(-size // width)) for size, width, most in zip(sizes, block, _GRID, strict=False)]
    padding = (1,) * (3 - len(grid))
    return (*grid, *padding), (*block, *padding)
