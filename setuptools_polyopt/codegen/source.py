"""What printing a kernel gives: its text, and what the rest of the build has to know about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from setuptools_polyopt.ir.dtypes import DType
from setuptools_polyopt.ir.expressions import Expr


@dataclass(frozen=True, slots=True)
class Options:
    """How kernels are printed. parallel: loops marked parallel may run on several threads; polls: long loops look for cancellation;
    jam: copies of iterations run together
    (codegen/jam.py, interleave.py, registers.py); logged: arguments of which each store notes what was there (codegen/log.py)."""

    parallel: bool = True
    polls: bool = True
    jam: bool = True
    logged: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, order=True)
class LoopKey:
    """One of NumPy's inner loops: the ufunc's name and the types of its operands, results last."""

    ufunc: str
    dtypes: tuple[str, ...]

    @property
    def constant(self) -> str:
        """The C constant that is its index in the extension's table of loops."""
        return f"LOOP_{self.ufunc}_{'_'.join(self.dtypes)}"


@dataclass(frozen=True, slots=True)
class ArgField:
    """A field of `struct NAME_args`, in order.

    kind: `data` the address of an array's first element; `stride` the step between elements of an axis, in elements; `param` a parameter
    (int64); `input` a scalar by value; `result` the address of a scalar result. `source` is the IR's name of the array or parameter.
    """

    kind: Literal["data", "stride", "param", "input", "result"]
    name: str
    source: str
    c_type: str
    dtype: DType
    axis: int = 0


@dataclass(frozen=True, slots=True)
class KernelSource:
    """A printed kernel.

    struct: C text of `struct NAME_args`; text: C text of the functions (needs `polyopt_ops.h`, the struct, the wrappers of `loops`).
    symbol: the name that POLYOPT_KERNEL decorates. args: the fields of the struct. loops: NumPy's inner loops it calls; libm: functions of
    the process's libm. uses_failed: it may fail other than by lack of memory; uses_flags: it may set a floating-point flag.
    chunked: its one outermost parallel loop honours the context's chunk bounds; step: that loop's, as it is printed. work: about how
    many operations a call does, as a float64 expression over the parameters.
    """

    name: str
    symbol: str
    struct: str
    text: str
    args: tuple[ArgField, ...]
    loops: tuple[LoopKey, ...]
    wrappers: tuple[str, ...]
    libm: tuple[str, ...]
    uses_failed: bool
    uses_flags: bool
    chunked: bool
    work: Expr
    step: int = 1
