"""Integer expressions in a short, readable form.

Index arithmetic that comes out of schedules is full of `c0 - 1 + 1` and `0 + i`. `simplify` collects linear terms (iterators and other
subexpressions with integer factors) and folds constants; it changes no value (index arithmetic never overflows: see `Param`).
"""

from __future__ import annotations

from setuptools_polyopt.ir.dtypes import DType
from setuptools_polyopt.ir.expressions import FALSE, TRUE, Binary, Cast, Compare, Const, Expr, Select, Unary, integer
from setuptools_polyopt.ir.printer import print_expr
from setuptools_polyopt.ir.visitors import map_expr


def simplify(expr: Expr) -> Expr:
    """The same value, with int64 sums collected; other arithmetic is left alone. Idempotent."""
    return map_expr(expr, _node)


def _node(expr: Expr) -> Expr:
    match expr:
        case Binary(op="add" | "sub" | "mul", dtype=DType.INT64) | Unary(op="neg", dtype=DType.INT64) if not expr.checked:
            return _from_terms(*_terms(expr))
        case Binary(op="floordiv" | "mod" | "min" | "max", dtype=DType.INT64, left=left, right=right):
            return _fold(expr, left, right)
        case Compare(left=left, right=right) if isinstance(left, Const) and isinstance(right, Const) and left.dtype is DType.INT64:
            return _compare(expr, int(left.value.real), int(right.value.real))
        case Binary(op="and", left=left, right=right) if TRUE in (left, right):
            return right if left == TRUE else left
        case Binary(op="and", left=left, right=right) if FALSE in (left, right):
            return FALSE
        case Cast(dtype=dtype, operand=operand) if operand.dtype is dtype:
            return operand
        case Select(cond=cond, then=then, orelse=orelse) if cond in (TRUE, FALSE):
            return then if cond == TRUE else orelse
        case _:
            return expr


_Terms = dict[str, tuple[int, Expr]]


def _terms(expr: Expr) -> tuple[_Terms, int]:
    """An expression as a sum: printed term -> (factor, term), and a constant."""
    match expr:
        case Const(value=value):
            return {}, int(value.real)
        case Unary(op="neg", operand=operand, checked=False):
            return _scale(_terms(operand), -1)
        case Binary(op="add" | "sub", left=left, right=right, checked=False):
            sign = 1 if expr.op == "add" else -1
            return _add(_terms(left), _scale(_terms(right), sign))
        case Binary(op="mul", left=left, right=right, checked=False):
            a, b = _terms(left), _terms(right)
            if not a[0]:
                return _scale(b, a[1])
            if not b[0]:
                return _scale(a, b[1])
    return {print_expr(expr): (1, expr)}, 0


def _scale(terms: tuple[_Terms, int], factor: int) -> tuple[_Terms, int]:
    return {key: (count * factor, term) for key, (count, term) in terms[0].items() if factor}, terms[1] * factor


def _add(a: tuple[_Terms, int], b: tuple[_Terms, int]) -> tuple[_Terms, int]:
    merged = dict(a[0])
    for key, (count, term) in b[0].items():
        total = merged.get(key, (0, term))[0] + count
        if total:
            merged[key] = (total, term)
        else:
            merged.pop(key, None)
    return merged, a[1] + b[1]


def _from_terms(terms: _Terms, constant: int) -> Expr:
    positive = [(count, term) for count, term in terms.values() if count > 0]
    negative = [(-count, term) for count, term in terms.values() if count < 0]
    result: Expr | None = None
    for count, term in positive:
        product = _times(count, term)
        result = product if result is None else Binary("add", result, product, DType.INT64)
    if result is None and (constant > 0 or not negative):
        result, constant = integer(constant), 0
    for count, term in negative:
        product = _times(count, term)
        result = Unary("neg", product, DType.INT64) if result is None else Binary("sub", result, product, DType.INT64)
    assert result is not None
    if constant:
        return Binary("add" if constant > 0 else "sub", result, integer(abs(constant)), DType.INT64)
    return result


def _times(count: int, term: Expr) -> Expr:
    return term if count == 1 else Binary("mul", integer(count), term, DType.INT64)


def _fold(expr: Binary, left: Expr, right: Expr) -> Expr:
    if isinstance(left, Const) and isinstance(right, Const):
        a, b = int(left.value.real), int(right.value.real)
        match expr.op:
            case "floordiv" if b:
                return integer(a // b)
            case "mod" if b:
                return integer(a % b)
            case "min":
                return integer(min(a, b))
            case "max":
                return integer(max(a, b))
    if expr.op in ("min", "max") and left == right:
        return left
    if expr.op == "floordiv" and right == integer(1):
        return left
    return expr


def _compare(expr: Compare, a: int, b: int) -> Expr:
    holds = {"lt": a < b, "le": a <= b, "gt": a > b, "ge": a >= b, "eq": a == b, "ne": a != b}[expr.op]
    return TRUE if holds else FALSE
