"""What the generated `plans.py` of a wheel says of its kernels: enough to run them, or parts of them, somewhere else.

What: records that hold names, types and functions of the parameters. Why here: the generated module is written in these words, and the
targets read them. A function takes the values of a plan's `params` in that order; those about a chunk take the chunk's ends as well:
values of the loop's iterator where its step is one, else numbers of iterations.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

if TYPE_CHECKING:
    import numpy as np

Box = tuple[tuple[int, int], ...]
"""Per axis: the first index and the one after the last."""


class Field(NamedTuple):
    """A field of a kernel's struct of arguments.

    kind: `data` the address of an array's first element; `stride` elements from one index of `axis` to the next; `param`; `input` a scalar;
    `result` the address of a scalar result. source: the array or parameter that it is about. dtype: of the field itself.
    """

    name: str
    kind: Literal["data", "stride", "param", "input", "result"]
    source: str
    dtype: str
    axis: int = 0


class Array(NamedTuple):
    """An array that the stages know: shape from the parameters, C order unless `order` says Fortran's."""

    name: str
    dtype: str
    shape: Callable[..., tuple[int, ...]]
    order: Literal["C", "F"] = "C"


class Stage(NamedTuple):
    """A kernel of the extension, by its symbol.

    loop: lower end, upper end and step of its parallel loop; None where it is to run in one piece. reads, writes: the boxes that a chunk
    [lo, hi) needs and writes, by array; what it writes no other chunk does. work: units of the whole stage, from the plan's values and the
    units of slow operations. group: iterations that the compiled loop does at once.
    """

    symbol: str
    fields: tuple[Field, ...]
    work: Callable[..., float]
    loop: Callable[..., tuple[int, int, int]] | None = None
    reads: Callable[..., Mapping[str, Box]] | None = None
    writes: Callable[..., Mapping[str, tuple[Box, ...]]] | None = None
    group: int = 1

    def pieces(self, values: tuple[int, ...]) -> int:
        """Into how many chunks the loop can be cut; 0 for none."""
        if self.loop is None:
            return 0
        lower, upper, step = self.loop(*values)
        return max(0, -((lower - upper) // (step * self.group)))

    def chunk(self, values: tuple[int, ...], first: int, last: int) -> Chunk:
        """Some of the pieces."""
        if self.loop is None or self.reads is None or self.writes is None:
            raise ValueError(f"{self.symbol} runs in one piece")
        lower, upper, step = self.loop(*values)
        if step == 1:  # counted by the iterator; the compiled loop by numbers if it does several at once
            lo, hi = lower + first * self.group, min(upper, lower + last * self.group)
            native = (lo, hi) if self.group == 1 else (first, last)
        else:
            lo, hi = native = (first, last)
        return Chunk(*native, self.reads(*values, lo, hi), self.writes(*values, lo, hi))


class Chunk(NamedTuple):
    """A part of a stage's loop: its ends for `_native.run`, what it reads, and what it writes."""

    lower: int
    upper: int
    reads: Mapping[str, Box]
    writes: Mapping[str, tuple[Box, ...]]


class Plan(NamedTuple):
    """A kernel, and what else can be done with it.

    fields: of its own struct. params: what functions take. results: the arrays that are made for the call. temporaries: arrays that live
    from stage to stage. scalars: scalar results, which the stages know as arrays of one element. safety: as in `polyopt explain`.
    library: it calls functions of NumPy or libm, whose bits depend on their version. work: as a stage's. touched: bytes of the arrays that
    the kernel reads and that it writes. stages: for a cluster; empty where `why_not` says why. devices: the
    same with stages whose chunks GPUs can run (`gpu_plans` has them, by the stages' symbols).
    """

    symbol: str
    params: tuple[str, ...]
    fields: tuple[Field, ...]
    results: frozenset[str]
    safety: Literal["proved", "fresh", "undo"]
    library: bool
    work: Callable[..., float]
    touched: Callable[..., tuple[float, float]]
    temporaries: tuple[Array, ...] = ()
    scalars: tuple[Array, ...] = ()
    stages: tuple[Stage, ...] = ()
    why_not: str = ""
    devices: Plan | None = None

    def values(self, args: bytes) -> tuple[int, ...]:
        """What the plan's functions take, from the bytes of the kernel's struct."""
        record = unpack(self.fields, args)
        return tuple(int(record[item.name]) for name in self.params for item in self.fields if item.source == name)


@cache
def layout(fields: tuple[Field, ...]) -> np.dtype[Any]:
    """The struct as a NumPy type: C's own alignment."""
    import numpy as np

    return np.dtype([(item.name, item.dtype) for item in fields] or [("nothing", "int64")], align=True)


def unpack(fields: tuple[Field, ...], args: bytes) -> Any:
    """A struct's bytes as a record whose fields can be read and set by name."""
    import numpy as np

    return np.frombuffer(args, layout(fields)).copy()[0]
