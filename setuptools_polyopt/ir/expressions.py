"""Expressions of the Loop IR. Frozen, typed, without side effects except *failing*.

An operation with `checked=True` marks the kernel as failed where Python would raise or where the machine type is too narrow
(integer overflow, division by zero, a conversion out of range, a domain error of `math.*`). What a failed kernel has written is
discarded or undone by its caller, so evaluation may go on with any value. Unchecked integer arithmetic wraps.

Operators of `Binary` (both operands and the result have the node's dtype unless said otherwise):
    add sub mul            wrap, or checked
    div                    true division of floats and complex numbers (IEEE); checked: fails on a zero divisor
    floordiv mod           Python's rounding (towards minus infinity); integers: checked fails on zero (and on overflow), unchecked gives
                           NumPy's answer (0 for a zero divisor, which must then have been excluded or be reported through `checked`);
                           floats: NumPy's and CPython's common algorithm; checked fails on zero
    pow                    integers only, non-negative exponent (checked: fails on a negative one and on overflow)
    min max                integers (loop bounds) only
    maximum minimum        NumPy's, propagating NaN (floats) / larger or smaller (integers, bool)
    and or                 bool, short-circuit: the right operand is evaluated only when needed
    bitand bitor bitxor shl shr    integers and bool
    index                  int64, always checked: the left operand as a subscript of an axis whose extent, at least 1, is the right one;
                           negative ones count from the end. Fails outside of [-extent, extent), and is 0 then
Operators of `Unary`: neg, not (bool), invert, abs (integers, floats; for complex use Call("numpy.absolute") or "libm.hypot"), sqrt (floats,
    correctly rounded; checked: fails on a negative operand), floor ceil trunc rint (floats), conj real imag (complex; real and imag
    give the real dtype), isnan isfinite isinf signbit (result bool).
Comparison never sets a floating-point flag for a quiet NaN.
Functions of `Call`: "numpy.NAME" is NumPy's own inner loop for the operand types (NAME a ufunc's name), evaluated elementwise;
    "libm.NAME" is the process's libm (checked: fails as `math.NAME` would raise), "libm.sum_error" what Python's `sum` keeps of the
    rounding of an addition (nothing before 3.12); "complex" packs (re, im).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from setuptools_polyopt.ir.dtypes import DType

BinaryOp: TypeAlias = Literal[
    "add", "sub", "mul", "div", "floordiv", "mod", "pow", "min", "max", "maximum", "minimum",
    "and", "or", "bitand", "bitor", "bitxor", "shl", "shr", "index",
]  # fmt: skip
UnaryOp: TypeAlias = Literal[
    "neg", "not", "invert", "abs", "sqrt", "floor", "ceil", "trunc", "rint", "conj", "real", "imag",
    "isnan", "isfinite", "isinf", "signbit",
]  # fmt: skip
CompareOp: TypeAlias = Literal["lt", "le", "gt", "ge", "eq", "ne"]


@dataclass(frozen=True, slots=True)
class Const:
    """A literal of the given type."""

    value: bool | int | float | complex
    dtype: DType


@dataclass(frozen=True, slots=True)
class Sym:
    """A parameter of the kernel or an iterator of an enclosing loop (int64)."""

    name: str

    @property
    def dtype(self) -> DType:
        return DType.INT64


@dataclass(frozen=True, slots=True)
class Load:
    """An element of an array (no index for a scalar variable). Indices are int64, non-negative and in bounds."""

    array: str
    indices: tuple[Expr, ...]
    dtype: DType


@dataclass(frozen=True, slots=True)
class Unary:
    op: UnaryOp
    operand: Expr
    dtype: DType
    checked: bool = False


@dataclass(frozen=True, slots=True)
class Binary:
    op: BinaryOp
    left: Expr
    right: Expr
    dtype: DType
    checked: bool = False


@dataclass(frozen=True, slots=True)
class Compare:
    """A comparison of two operands of one dtype; complex operands allow `eq` and `ne` only."""

    op: CompareOp
    left: Expr
    right: Expr

    @property
    def dtype(self) -> DType:
        return DType.BOOL


@dataclass(frozen=True, slots=True)
class Select:
    """`then if cond else orelse`; only the chosen operand is evaluated."""

    cond: Expr
    then: Expr
    orelse: Expr
    dtype: DType


@dataclass(frozen=True, slots=True)
class Cast:
    """Conversion as NumPy's `astype` does it (float to int truncates; complex to real drops the imaginary part, so the frontend must
    have warned or refused; to bool is `!= 0`). Checked: fails where the value does not fit (int(nan), int(1e300))."""

    operand: Expr
    dtype: DType
    checked: bool = False


@dataclass(frozen=True, slots=True)
class Call:
    function: str
    args: tuple[Expr, ...]
    dtype: DType
    checked: bool = False


@dataclass(frozen=True, slots=True)
class Range:
    """`var` in `[lower, upper)`; neither bound mentions a variable of another range."""

    var: str
    lower: Expr
    upper: Expr


@dataclass(frozen=True, slots=True)
class Reduce:
    """NumPy's own reduction loop of the binary ufunc `function` over the elements `body`, starting from `init`: one call of the inner
    loop with the accumulator as first input and output, in NumPy's order and bits.

    ranges: at least one, outer first; the elements are taken in the order of nested loops, without the first `skip` of them (there
    are at least as many). Where there are several, the last subscripts of `body` are their variables in order (the first one perhaps plus
    something), the ranges after the first are whole axes, and the elements lie one behind the other in memory: temporaries keep these
    axes, of arguments `kernel.Contiguous` says so.
    """

    function: str
    init: Expr
    ranges: tuple[Range, ...]
    body: Load
    dtype: DType
    skip: int = 0


@dataclass(frozen=True, slots=True)
class Product:
    """An element of a product that NumPy's own library (BLAS) computes, in its order and bits: of a row and a column.

    function: "numpy.matmul", or "numpy.dot" (which fails where it has a way of its own that is not known).
    left, right: `Reduce(ROW, ...)` over the elements of the row and of the column, of one type, over the same ranges from 0 on.
    It is the whole value of an `Assign`: of two vectors, or, inside two loops of kind "library" (`statements.For`) and with a single range,
    of two matrices.
    """

    function: str
    left: Reduce
    right: Reduce
    dtype: DType

    @property
    def checked(self) -> bool:
        return self.function == "numpy.dot"


ROW = "row"
"""The function of a `Reduce` that stands for the elements themselves."""

Expr: TypeAlias = Const | Sym | Load | Unary | Binary | Compare | Select | Cast | Call | Reduce | Product


def integer(value: int) -> Const:
    """An int64 literal."""
    return Const(value, DType.INT64)


TRUE = Const(True, DType.BOOL)
FALSE = Const(False, DType.BOOL)
