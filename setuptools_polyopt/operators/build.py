"""Small expressions that several operators share: tests for zero, failing on purpose, exact integers, components of complex numbers."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

from setuptools_polyopt.ir.dtypes import DType
from setuptools_polyopt.ir.expressions import Binary, Call, Compare, CompareOp, Const, Expr, Select, Unary, UnaryOp
from setuptools_polyopt.operators.intervals import bounds
from setuptools_polyopt.operators.values import cast, constant


def zero(dtype: DType) -> Const:
    """The zero of a type."""
    return number(0, dtype)


def number(value: int | float, dtype: DType) -> Const:
    """A literal of the type; value: exact in it."""
    if dtype is DType.BOOL:
        return Const(bool(value), dtype)
    if dtype.is_integer:
        return Const(int(value), dtype)
    return Const(complex(value) if dtype.is_complex else float(value), dtype)


def nonzero(expr: Expr) -> Expr:
    """Truth of a number."""
    return expr if expr.dtype is DType.BOOL else Compare("ne", expr, zero(expr.dtype))


def test(op: UnaryOp, expr: Expr) -> Expr:
    """`isnan`, `isinf`, `isfinite` or `signbit` of a float."""
    return Unary(op, expr, DType.BOOL)


def both(left: Expr, right: Expr) -> Expr:
    return Binary("and", left, right, DType.BOOL)


def either(left: Expr, right: Expr) -> Expr:
    return Binary("or", left, right, DType.BOOL)


def negation(expr: Expr) -> Expr:
    return Unary("not", expr, DType.BOOL)


def compare(op: CompareOp, left: Expr, right: Expr) -> Expr:
    return Compare(op, left, right)


def fail_if(condition: Expr, expr: Expr) -> Expr:
    """`expr`, but the kernel fails where the condition holds (the root of -1 is a checked operation that always fails)."""
    failure: Expr = Unary("sqrt", Const(-1.0, DType.FLOAT64), DType.FLOAT64, checked=True)
    if expr.dtype is not DType.FLOAT64:
        failure = cast(failure, expr.dtype)
    return Select(condition, failure, expr, expr.dtype)


def exact_float(expr: Expr) -> Expr:
    """An integer as float64, failing where it has more than 53 bits: for Python's exact comparison and true division of integers."""
    low, high = bounds(expr)
    wide = cast(expr, DType.INT64)
    if low < -(2**53) or high > 2**53:
        factor = Const(1024, DType.INT64)  # |x| <= 2**53 exactly when x * 2**10 does not overflow
        wide = Binary("shr", Binary("mul", wide, factor, DType.INT64, checked=True), Const(10, DType.INT64), DType.INT64)
    return cast(wide, DType.FLOAT64)


def float_of(expr: Expr, dtype: DType) -> Expr:
    """A Python number as NumPy takes it into a float or complex type: through a double (an int to float32 is rounded twice)."""
    if expr.dtype.is_integer and dtype.real is DType.FLOAT32:
        low, high = bounds(expr)
        if low < -(2**53) or high > 2**53:
            return cast(cast(expr, DType.FLOAT64), dtype)
    return cast(expr, dtype)


def real(expr: Expr) -> Expr:
    """The real part of a complex expression."""
    return Unary("real", expr, expr.dtype.real)


def imag(expr: Expr) -> Expr:
    """The imaginary part of a complex expression."""
    return Unary("imag", expr, expr.dtype.real)


def pack(re: Expr, im: Expr) -> Expr:
    """A complex number from its parts."""
    return Call("complex", (re, im), DType.COMPLEX64 if re.dtype is DType.FLOAT32 else DType.COMPLEX128)


def copysign(magnitude: Expr, sign: Expr) -> Expr:
    """The magnitude with the sign's sign bit, NaN included."""
    absolute = Unary("abs", magnitude, magnitude.dtype)
    return Select(test("signbit", sign), Unary("neg", absolute, magnitude.dtype), absolute, magnitude.dtype)


def is_nonzero_constant(expr: Expr) -> bool:
    """Whether a divisor is a literal other than zero (and not NaN)."""
    value = constant(expr)
    return value is not None and value == value and value != 0


def unify(first: Expr, second: Expr) -> Expr | None:
    """The expression that both are, up to `checked` (checked where either is); None where they differ."""
    if first is second:
        return first
    if type(first) is not type(second):
        return None
    changes: dict[str, Any] = {}
    for field in fields(first):
        mine, theirs = getattr(first, field.name), getattr(second, field.name)
        if field.name == "checked":
            changes[field.name] = mine or theirs
        elif field.name in ("left", "right", "operand", "cond", "then", "orelse"):
            joined = unify(mine, theirs)
            if joined is None:
                return None
            changes[field.name] = joined
        elif field.name == "args":
            parts = [unify(a, b) for a, b in zip(mine, theirs, strict=True)]
            if any(part is None for part in parts):
                return None
            changes[field.name] = tuple(parts)
        elif repr(mine) != repr(theirs):  # repr tells -0.0 from 0.0 and makes a NaN equal to itself
            return None
    return replace(first, **changes)
