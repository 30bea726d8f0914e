"""Contractions: `@`, `numpy.dot`, `numpy.matmul`, `numpy.inner`, `numpy.vdot` of one- and two-dimensional arrays.

Integers and bools are exact in any order: plain loops. Products of floats are BLAS calls, whose order is the library's own, so in strict
mode they stay NumPy's; in bounded and fast mode they are plain sums of products.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from setuptools_polyopt.diagnostics import Span, unsupported
from setuptools_polyopt.ir.dtypes import DType
from setuptools_polyopt.ir.expressions import Binary, Expr
from setuptools_polyopt.operators import build
from setuptools_polyopt.operators.values import Operand, cast, from_numpy, numpy_dtype

FUNCTIONS = frozenset({"dot", "matmul", "inner", "vdot"})


@dataclass(frozen=True, slots=True)
class Contraction:
    """`acc = init; for k: acc = combine(acc, a[.., k], b[k, ..])`, the sum over k in any order where `free`."""

    dtype: DType
    init: Expr
    free: bool

    def combine(self, acc: Expr, left: Expr, right: Expr) -> Expr:
        """The accumulator after one pair of elements (of the operands' own types)."""
        a, b = cast(left, self.dtype), cast(right, self.dtype)
        if self.dtype is DType.BOOL:
            return Binary("bitor", acc, Binary("bitand", a, b, self.dtype), self.dtype)
        return Binary("add", acc, Binary("mul", a, b, self.dtype), self.dtype)


def contraction(path: str, left: Operand, right: Operand, fp: str, span: Span) -> Contraction:
    """The element rule of a contraction of two arrays; path: "operator.matmul" or "numpy.dot", ... Raises Unsupported (strict floats are
    the library's)."""
    name = path.rpartition(".")[2]
    if name not in FUNCTIONS or not (left.array and right.array):
        raise unsupported(span, "contraction", f"{path} of these operands has no loop form")
    sample = [np.ones((1, 1), numpy_dtype(operand.dtype)) for operand in (left, right)]
    dtype = from_numpy((sample[0] @ sample[1]).dtype, span)
    exact = dtype.is_integer or dtype is DType.BOOL
    if not exact and fp == "strict":
        raise unsupported(
            span, "library-contraction", "the order of a floating-point matrix product is the BLAS library's",
            'set fp to "bounded", or write the loops out',
        )  # fmt: skip
    if name == "vdot" and dtype.is_complex:
        raise unsupported(span, "contraction", "numpy.vdot of complex arrays is not supported")
    return Contraction(dtype, build.zero(dtype), free=exact or fp == "fast")
