"""Contractions: `@`, `numpy.dot`, `matmul`, `inner`, `vdot`, `tensordot`, `einsum` of arrays of any rank.

Integers and bools are exact in any order: plain loops. Products of floats are BLAS calls, whose order is the library's own, so in strict
mode they stay NumPy's; in bounded and fast mode they are plain sums of products.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from setuptools_polyopt.diagnostics import Span, unsupported
from setuptools_polyopt.ir.dtypes import DType
from setuptools_polyopt.ir.expressions import Binary, Expr
from setuptools_polyopt.operators import build
from setuptools_polyopt.operators.values import Operand, cast, from_numpy, numpy_dtype

FUNCTIONS = frozenset({"dot", "matmul", "inner", "vdot", "tensordot", "einsum"})


@dataclass(frozen=True, slots=True)
class Contraction:
    """`acc = init; for k: acc = combine(acc, [a[.., k], b[k, ..]])`, the sum over k in any order where `free`."""

    dtype: DType
    init: Expr
    free: bool

    def combine(self, acc: Expr, factors: Sequence[Expr]) -> Expr:
        """The accumulator after one product of elements (of the operands' own types)."""
        product, *others = (cast(factor, self.dtype) for factor in factors)
        truth = self.dtype is DType.BOOL
        for other in others:
            product = Binary("bitand" if truth else "mul", product, other, self.dtype)
        return Binary("bitor" if truth else "add", acc, product, self.dtype)


def contraction(path: str, operands: Sequence[Operand], sums: bool, fp: str, span: Span) -> Contraction:
    """The element rule of a contraction of arrays; path: "operator.matmul" or "numpy.dot", ...; sums: whether anything is summed, or there
    are products only (which einsum adds to zero). Raises Unsupported (strict sums of floats are the library's)."""
    name = path.rpartition(".")[2]
    if name not in FUNCTIONS or not all(operand.array for operand in operands):
        raise unsupported(span, "contraction", f"{path} of these operands has no loop form")
    samples = [np.ones((1, 1), numpy_dtype(operand.dtype)) for operand in operands]
    dtype = from_numpy(functools.reduce(lambda left, right: left @ right, samples).dtype, span)
    exact = dtype.is_integer or dtype is DType.BOOL
    if not exact and sums and fp == "strict":
        raise unsupported(
            span, "library-contraction", "the order of a floating-point matrix product is the BLAS library's",
            'set fp to "bounded", or write the loops out',
        )  # fmt: skip
    if dtype.is_complex and (name == "vdot" or (fp == "strict" and not exact)):
        raise unsupported(span, "contraction", f"{path} of complex arrays is not supported")
    if not exact and (len(operands) > 2 or any(operand.dtype is not dtype for operand in operands)) and fp == "strict":
        raise unsupported(span, "contraction", f"{path} of more than two arrays, or of different types, is not supported")
    return Contraction(dtype, build.zero(dtype), free=exact or fp == "fast")
