"""Bounds of integer expressions, so that index arithmetic carries no overflow checks.

`checked` costs speed and keeps the polyhedral stage from seeing an affine form; `i + 1` for an iterator can never overflow, `a[i] + 1` can.
A parameter or iterator lies within +-SYMBOL_BOUND (the frontend's guarantee); a checked result lies within its type.
"""

from __future__ import annotations

from setuptools_polyopt.ir.dtypes import DType
from setuptools_polyopt.ir.expressions import Binary, BinaryOp, Cast, Const, Expr, Select, Sym, Unary
from setuptools_polyopt.operators.values import SYMBOL_BOUND, cast

Bounds = tuple[int, int]


def bounds(expr: Expr) -> Bounds:
    """Smallest and largest value that an integer or bool expression can have, as far as its form shows."""
    if expr.dtype is DType.BOOL:
        return (0, 1)
    low, high = expr.dtype.integer_range()
    found = _form(expr)
    if found is None or found[0] < low or found[1] > high:
        return (low, high)
    return found


def fits(expr: Expr, dtype: DType) -> bool:
    """Whether every value of an integer expression is one of the integer type."""
    low, high = bounds(expr)
    least, largest = dtype.integer_range()
    return least <= low and high <= largest


def integer_op(op: BinaryOp, left: Expr, right: Expr, dtype: DType, wraps: bool = False) -> Expr:
    """`left op right` in an integer type; wraps: overflow gives NumPy's array answer, otherwise it is checked where it can happen."""
    result = _result(op, bounds(left), bounds(right))
    low, high = dtype.integer_range()
    safe = result is not None and low <= result[0] and result[1] <= high
    if op in ("floordiv", "mod"):
        zero_free = bounds(right)[0] > 0 or bounds(right)[1] < 0
        return Binary(op, left, right, dtype, checked=not (safe and zero_free))
    if isinstance(left, Const) and isinstance(right, Const) and safe and op in ("add", "sub", "mul") and result is not None:
        return Const(result[0], dtype)
    return Binary(op, left, right, dtype, checked=not safe and not wraps)


def to_integer(expr: Expr, dtype: DType) -> Expr:
    """An integer or bool expression in another integer type, checked where it might not fit."""
    return cast(expr, dtype, checked=not fits(expr, dtype))


def _form(expr: Expr) -> Bounds | None:
    match expr:
        case Const(value=int(value)):
            return (value, value)
        case Sym():
            return (-SYMBOL_BOUND, SYMBOL_BOUND)
        case Binary(op=op, left=left, right=right):
            return _result(op, bounds(left), bounds(right))
        case Unary(op="neg", operand=operand):
            low, high = bounds(operand)
            return (-high, -low)
        case Unary(op="abs", operand=operand):
            low, high = bounds(operand)
            return (0, max(abs(low), abs(high)))
        case Select(then=then, orelse=orelse):
            first, second = bounds(then), bounds(orelse)
            return (min(first[0], second[0]), max(first[1], second[1]))
        case Cast(operand=operand) if operand.dtype.is_integer or operand.dtype is DType.BOOL:
            return bounds(operand)
        case _:
            return None


def _result(op: BinaryOp, left: Bounds, right: Bounds) -> Bounds | None:
    """Bounds of the exact result, None where nothing is known."""
    match op:
        case "add":
            return (left[0] + right[0], left[1] + right[1])
        case "sub":
            return (left[0] - right[1], left[1] - right[0])
        case "mul":
            products = [a * b for a in left for b in right]
            return (min(products), max(products))
        case "floordiv" if right[0] > 0:
            quotients = [a // b for a in left for b in right]
            return (min(quotients), max(quotients))
        case "mod" if right[0] > 0:
            return (0, right[1] - 1)
        case "bitand" if left[0] >= 0 or right[0] >= 0:
            return (0, min(side[1] for side in (left, right) if side[0] >= 0))
        case "shr" if right[0] >= 0:
            return (min(left[0], 0), max(left[1], 0))
        case "min" | "minimum":
            return (min(left[0], right[0]), min(left[1], right[1]))
        case "max" | "maximum":
            return (max(left[0], right[0]), max(left[1], right[1]))
        case _:
            return None
