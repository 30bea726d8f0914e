"""Typed operands: an IR expression together with the Python type of the value that it stands for.

The same bits mean different operators depending on the object that holds them: `float`, `np.float64` or an element of an ndarray. `Box`
says which; `"mixed"` stands for a name that is a Python scalar on some paths and a NumPy scalar on others (`s = 0.0; s += a[i]`), with the
same C value either way; its *tag* says at run time which of them it is. Non-goals: shapes, views and broadcasting belong to the frontend.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

import numpy as np

from setuptools_polyopt.diagnostics import Span, unsupported
from setuptools_polyopt.ir.dtypes import DType
from setuptools_polyopt.ir.expressions import Cast, Compare, Const, Expr, Select

ScalarBox: TypeAlias = Literal["python", "numpy", "mixed"]

# What the frontend guarantees for every parameter and iterator of a kernel, so that index arithmetic needs no overflow checks.
SYMBOL_BOUND = 2**48
# Values of a tag: the NumPy scalar type of the value's dtype, or one of Python's types.
NUMPY_TAG = 0
PYTHON_TAGS = {DType.BOOL: 1, DType.INT64: 2, DType.FLOAT64: 3, DType.COMPLEX128: 4}
TAG = DType.INT32


@dataclass(frozen=True, slots=True)
class ScalarType:
    """The type of an element or scalar. A Python `int` has dtype INT64, `float` FLOAT64, `complex` COMPLEX128, `bool` BOOL.

    tag: of a mixed one, and of one that is of a narrower type on some paths, an expression that says which type it has here and now; types
    are equal whatever their tags.
    """

    box: ScalarBox
    dtype: DType
    tag: Expr | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Operand:
    """A value: `array` says that the Python value is an ndarray of rank >= 1 and `expr` its element (then `type.box` is `"numpy"`)."""

    expr: Expr
    type: ScalarType
    array: bool = False

    @property
    def dtype(self) -> DType:
        return self.type.dtype

    @property
    def weak(self) -> bool:
        """Whether NEP 50 lets the other operand decide the type: a Python int, float or complex (a Python bool is `np.bool`)."""
        return not self.array and self.type.box == "python" and self.dtype is not DType.BOOL


def python(expr: Expr) -> Operand:
    """A Python scalar; expr: of dtype BOOL, INT64, FLOAT64 or COMPLEX128."""
    return Operand(expr, ScalarType("python", expr.dtype))


def scalar(expr: Expr) -> Operand:
    """A NumPy scalar of the expression's dtype."""
    return Operand(expr, ScalarType("numpy", expr.dtype))


def element(expr: Expr) -> Operand:
    """An element of an ndarray expression of the expression's dtype."""
    return Operand(expr, ScalarType("numpy", expr.dtype), array=True)


def literal(value: bool | int | float | complex, span: Span) -> Operand:
    """A constant of the source. Raises Unsupported for an integer that does not fit 64 bits."""
    if isinstance(value, bool):
        return python(Const(value, DType.BOOL))
    if isinstance(value, int):
        if not -(2**63) <= value < 2**63:
            raise unsupported(span, "integer-width", f"an integer of {value.bit_length()} bits does not fit 64 bits")
        return python(Const(value, DType.INT64))
    return python(Const(value, DType.FLOAT64 if isinstance(value, float) else DType.COMPLEX128))


def join(first: ScalarType, second: ScalarType) -> ScalarType | None:
    """The type of a name that has either type (two paths meet), without a tag; None where no one C value can hold both."""
    if first.dtype is not second.dtype:
        return None
    return ScalarType(first.box if first.box == second.box else "mixed", first.dtype)


def tag_of(type_: ScalarType) -> Expr | None:
    """What says which type a scalar of this type has; None where nobody has kept it."""
    match type_.box:
        case "mixed":
            return type_.tag
        case "numpy":
            return Const(NUMPY_TAG, TAG)
        case "python" if type_.tag is not None:  # of a narrower type on some paths
            return type_.tag
        case "python":
            return Const(PYTHON_TAGS[type_.dtype], TAG) if type_.dtype in PYTHON_TAGS else None


def chosen(type_: ScalarType, test: Expr, then: ScalarType, orelse: ScalarType) -> ScalarType:
    """The (joined) type of a value that has the type `then` where `test` holds, else `orelse`: with its tag, if it is mixed."""
    first, second = tag_of(then), tag_of(orelse)
    if type_.box != "mixed" or first is None or second is None:
        return type_
    return ScalarType("mixed", type_.dtype, first if first == second else Select(test, first, second, TAG))


def is_numpy(tag: Expr) -> Expr:
    """Whether a tag is that of a NumPy scalar."""
    return Compare("eq", tag, Const(NUMPY_TAG, TAG))


def numpy_dtype(dtype: DType) -> np.dtype[Any]:
    """NumPy's dtype object."""
    return np.dtype(dtype.value)


def from_numpy(dtype: np.dtype[Any], span: Span) -> DType:
    """The IR's element type. Raises Unsupported for one whose operators are not known here (float16, object, ...)."""
    if dtype.isnative:
        for known in DType:
            if known.value == dtype.name:
                return known
    raise unsupported(span, "dtype", f"values of type {dtype.name} are not supported")


def cast(expr: Expr, dtype: DType, checked: bool = False) -> Expr:
    """`expr` as `dtype`; constants are converted at build time where that is exact and cannot fail or set a flag."""
    if expr.dtype is dtype:
        return expr
    if isinstance(expr, Const):
        folded = _fold(expr.value, dtype)
        if folded is not None:
            return folded
    return Cast(expr, dtype, checked)


def _fold(value: bool | int | float | complex, dtype: DType) -> Const | None:
    """The constant in the new type, None where the conversion would change its value (or is left to the machine)."""
    if isinstance(value, complex):
        return None
    if dtype.is_integer:
        low, high = dtype.integer_range()
        if math.isfinite(value) and value == int(value) and low <= value <= high:
            return Const(int(value), dtype)
        return None
    if dtype is DType.BOOL or not math.isfinite(value) or abs(value) > 2**53:
        return None
    real = float(value)
    if dtype.real is DType.FLOAT32 and float(np.float32(real)) != real:
        return None
    return Const(real if dtype.is_float else complex(real, 0.0), dtype)


def constant(expr: Expr) -> bool | int | float | complex | None:
    """The value of a literal, None for anything else."""
    return expr.value if isinstance(expr, Const) else None
