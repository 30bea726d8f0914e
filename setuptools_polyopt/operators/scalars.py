"""Operators on scalars of known box: Python's rules between Python numbers, NumPy's as soon as one is NumPy's."""

from __future__ import annotations

from setuptools_polyopt.diagnostics import Span, unsupported
from setuptools_polyopt.ir.dtypes import DType
from setuptools_polyopt.ir.expressions import CompareOp, Expr, Select
from setuptools_polyopt.operators import numpy_scalars, python_scalars
from setuptools_polyopt.operators.values import Operand, chosen, join, python, scalar


def _python_rules(left: Operand, right: Operand) -> bool:
    """Whether Python's own type answers: between Python numbers, and for complex with np.float64 on its right (which is a float)."""
    if left.type.box != "python":
        return False
    return right.type.box == "python" or (left.dtype.is_complex and right.dtype is DType.FLOAT64)


def binary(op: str, left: Operand, right: Operand, span: Span) -> Operand:
    """`left op right`."""
    if _python_rules(left, right):
        return python(python_scalars.binary(op, left.expr, right.expr, span))
    return scalar(numpy_scalars.binary(op, left, right, span))


def unary(op: str, operand: Operand, span: Span) -> Operand:
    """`+x`, `-x`, `~x`."""
    if operand.type.box == "python":
        return python(python_scalars.unary(op, operand.expr, span))
    return scalar(numpy_scalars.unary(op, operand, span))


def compare(op: CompareOp, left: Operand, right: Operand, span: Span) -> Operand:
    """A comparison; the result is a Python bool between Python numbers, else an `np.bool`."""
    if _python_rules(left, right):
        return python(python_scalars.compare(op, left.expr, right.expr, span))
    return scalar(numpy_scalars.compare(op, left, right, span))


def select(test: Expr, then: Operand, orelse: Operand, span: Span) -> Operand:
    """`then if test else orelse`: the box may differ, the dtype not."""
    joined = join(then.type, orelse.type)
    if joined is None:
        raise unsupported(span, "scalar-type", f"the value is {then.dtype.value} or {orelse.dtype.value}, as a test decides")
    return Operand(Select(test, then.expr, orelse.expr, then.dtype), chosen(joined, test, then.type, orelse.type))
