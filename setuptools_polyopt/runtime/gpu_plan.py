"""What a wheel knows of its GPU variants: the types that the generated `gpu_plans.py` is written in.

    PLANS["heat_0_v0"] = GpuPlan("heat_0_v0", "heat_0", heat_0_v0, heat_0_v0_launches, ..., arrays=(...), flags=8)

The function of a plan does the run: it asks for arrays and launches kernels (`gpu_target.Run`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from .plan import Field, unpack

FLAGS = ("-default-device", "-std=c++14", "--fmad=false", "-prec-div=true", "-prec-sqrt=true", "-ftz=false")
"""What CUDA code is compiled with: every function is the device's; no contraction, no flushing of subnormal numbers, IEEE division and
square roots."""

HEADERS = ("polyopt_cuda.h", "polyopt_math.h", "polyopt_ops.h")
"""What CUDA code includes."""


class GpuArray(NamedTuple):
    """An argument or result. rank: 0 for a scalar result. reads: its contents matter at the start; writes: at the end."""

    name: str
    dtype: str
    rank: int
    reads: bool
    writes: bool


class GpuPlan(NamedTuple):
    """The GPU variant of one kernel. code: the stem of the files that hold its CUDA kernels. launch: called with the run, the parameters
    and the scalar inputs, in the order of the fields. launches: how many there are, of the same values without the run; chain: operations
    of one thread in all of them. fields: the native kernel's. flags: floating-point flags that a run cannot rule out."""

    symbol: str
    code: str
    launch: Callable[..., None]
    launches: Callable[..., float]
    chain: Callable[..., float]
    fields: tuple[Field, ...]
    arrays: tuple[GpuArray, ...]
    flags: int

    def array(self, name: str) -> GpuArray:
        """The array of that name; KeyError if there is none."""
        for array in self.arrays:
            if array.name == name:
                return array
        raise KeyError(name)

    def values(self, args: bytes, ends: tuple[int, ...] = ()) -> list[Any]:
        """What `launch` takes behind the run, from the bytes of a struct of arguments. ends: of a chunk, where the plan is for one."""
        record = unpack(self.fields, args)
        params = [int(record[field.name]) for field in self.fields if field.kind == "param"]
        return [*params, *ends] + [record[field.name] for field in self.fields if field.kind == "input"]


class Given(NamedTuple):
    """An input of a region. position: in the call's arguments. kind: `array`, `python` (a scalar of exactly Python's type), `numpy` (one of
    NumPy's) or `attribute` (of an argument: not taken). array: what kernels call it; param: the parameter that it defines; extents: for an
    array the parameters (or constants) that its extents define or equal. layout: as in `ir.kernel.Layout`."""

    position: int
    kind: str
    dtype: str
    array: str = ""
    param: str = ""
    extents: tuple[str | int, ...] = ()
    layout: str = "C"


class Foreign(NamedTuple):
    """A variant of a region as calls with CuPy arrays know it. ranges: of each parameter, in the order in which functions take them, with
    the scalar inputs behind. apart: arrays that share no memory; contiguous: arrays that are, from an axis on. outputs: array (empty for
    None) and box, as in `ir.kernel.Output`."""

    plan: GpuPlan
    inputs: tuple[Given, ...]
    ranges: tuple[tuple[str, int, int], ...]
    scalars: tuple[str, ...]
    holds: Callable[..., bool]
    apart: tuple[tuple[str, str], ...]
    contiguous: tuple[tuple[str, int], ...]
    outputs: tuple[tuple[str, str], ...]
