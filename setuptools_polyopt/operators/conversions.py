"""Conversions: assignment into arrays and scalar names, constructors, truth.

`a[i] = x` uses setitem's rule (anything real goes into anything real, Python integers must fit); `a += x` and `out=` the ufunc rule
"same_kind". Out-of-range conversions of floats to integers are checked (Python's raise, NumPy's warn and depend on the machine).
"""

from __future__ import annotations

import numpy as np

from setuptools_polyopt.diagnostics import Span, unsupported
from setuptools_polyopt.ir.dtypes import DType
from setuptools_polyopt.ir.expressions import Cast, Expr
from setuptools_polyopt.operators import build
from setuptools_polyopt.operators.intervals import to_integer
from setuptools_polyopt.operators.values import Operand, ScalarType, cast, join, numpy_dtype


def convert(operand: Operand, dtype: DType, span: Span) -> Expr:
    """The value that `a[...] = operand` stores in an array of the dtype. Raises Unsupported for complex into real."""
    source = operand.dtype
    if source is dtype:
        return operand.expr
    if source.is_complex and not dtype.is_complex and dtype is not DType.BOOL:
        raise unsupported(span, "complex-to-real", "assigning complex to real drops the imaginary part with a warning, or raises")
    if dtype.is_integer:
        if source.is_float:
            return Cast(operand.expr, dtype, checked=True)
        return cast(operand.expr, dtype) if operand.array else to_integer(operand.expr, dtype)
    if dtype is DType.BOOL:
        return build.nonzero(operand.expr)
    if operand.weak or operand.type.box == "mixed":
        return _to_float(operand, dtype, span)
    return cast(operand.expr, dtype)


def _to_float(operand: Operand, dtype: DType, span: Span) -> Expr:
    expr = build.float_of(operand.expr, dtype)
    if operand.type.box == "mixed" and build.unify(expr, cast(operand.expr, dtype)) is None:
        raise unsupported(span, "mixed-scalar", "the rounding depends on whether the value is a Python or a NumPy scalar")
    return expr


def convert_in_place(operand: Operand, dtype: DType, span: Span) -> Expr:
    """The value that an in-place operation stores, from its result; Unsupported where NumPy raises (casting rule "same_kind")."""
    if not np.can_cast(numpy_dtype(operand.dtype), numpy_dtype(dtype), casting="same_kind"):
        raise unsupported(span, "in-place-cast", f"NumPy does not store {operand.dtype.value} in place into {dtype.value}")
    return cast(operand.expr, dtype)


def same_scalar(operand: Operand, type_: ScalarType, span: Span) -> Expr:
    """The operand as the value of a scalar name of the (joined) type; Unsupported where the name would change its type."""
    joined = None if operand.array else join(operand.type, type_)
    if joined != type_:
        raise unsupported(span, "scalar-type", f"the name would change its type to {operand.type.box} {operand.dtype.value}")
    return operand.expr


def truth(operand: Operand, span: Span) -> Expr:
    """`bool(operand)`; Unsupported for an array (ambiguous)."""
    if operand.array:
        raise unsupported(span, "array-truth", "the truth of an array is ambiguous")
    return build.nonzero(operand.expr)


def to_int(operand: Operand, span: Span) -> Expr:
    """`int(operand)` as INT64."""
    if operand.dtype.is_complex:
        raise unsupported(span, "complex-to-real", "int() of a complex number raises or warns")
    return Cast(operand.expr, DType.INT64, checked=True) if operand.dtype.is_float else to_integer(operand.expr, DType.INT64)


def to_float(operand: Operand, span: Span) -> Expr:
    """`float(operand)` as FLOAT64."""
    if operand.dtype.is_complex:
        raise unsupported(span, "complex-to-real", "float() of a complex number raises or warns")
    return cast(operand.expr, DType.FLOAT64)
