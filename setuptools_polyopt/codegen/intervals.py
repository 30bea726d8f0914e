"""Between which values an expression lies while loops run: for the size of grids, and for what a block of threads does.

    interval(n - i, {"i": (0, m - 1)})  ->  (n - m + 1, n)

Both ends are expressions of what is left. Where something depends on a loop in a way that is not looked through, there are none.
"""

from __future__ import annotations

from collections.abc import Mapping

from setuptools_polyopt.codegen import affine
from setuptools_polyopt.ir.expressions import Binary, Const, Expr, Sym, Unary
from setuptools_polyopt.ir.visitors import symbols


def interval(expr: Expr, ranges: Mapping[str, tuple[Expr, Expr]]) -> tuple[Expr, Expr] | None:
    """The least and the largest value of an expression while variables run over their ranges; None where it cannot be told."""
    if not symbols(expr) & ranges.keys():
        return expr, expr
    match expr:
        case Sym(name=name):
            return ranges[name]
        case Unary(op="neg", operand=operand, checked=False):
            inner = interval(operand, ranges)
            return None if inner is None else (affine.minus(affine.ZERO, inner[1]), affine.minus(affine.ZERO, inner[0]))
        case Binary(checked=False):
            return _binary(expr, ranges)
        case _:
            return None


def _binary(expr: Binary, ranges: Mapping[str, tuple[Expr, Expr]]) -> tuple[Expr, Expr] | None:
    left, right = interval(expr.left, ranges), interval(expr.right, ranges)
    if left is None or right is None:
        return None
    match expr.op:
        case "add":
            return affine.plus(left[0], right[0]), affine.plus(left[1], right[1])
        case "sub":
            return affine.minus(left[0], right[1]), affine.minus(left[1], right[0])
        case "min" | "max" | "minimum" | "maximum":
            return Binary(expr.op, left[0], right[0], expr.dtype), Binary(expr.op, left[1], right[1], expr.dtype)
        case "mul" if isinstance(expr.left, Const) and not isinstance(expr.left.value, complex):
            ends = affine.times(expr.left, right[0]), affine.times(expr.left, right[1])
            return ends if expr.left.value >= 0 else (ends[1], ends[0])
        case "mul" if isinstance(expr.right, Const) and not isinstance(expr.right.value, complex):
            ends = affine.times(expr.right, left[0]), affine.times(expr.right, left[1])
            return ends if expr.right.value >= 0 else (ends[1], ends[0])
        case "floordiv" if isinstance(expr.right, Const) and not isinstance(expr.right.value, complex) and expr.right.value > 0:
            return Binary("floordiv", left[0], expr.right, expr.dtype), Binary("floordiv", left[1], expr.right, expr.dtype)
        case _:
            return None
