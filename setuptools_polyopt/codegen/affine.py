"""Steps of subscripts: by how much an integer expression grows when one iterator grows by one.

    step(i*n + 2*j + 1, "j")  ->  2
    step(i // 2, "i")         ->  None
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from setuptools_polyopt.ir.expressions import Binary, Const, Expr, Sym, Unary, integer
from setuptools_polyopt.ir.visitors import loads, symbols

ZERO, ONE = integer(0), integer(1)


def step(expr: Expr, var: str) -> Expr | None:
    """The expression's slope in `var` (free of it), or None where it is not affine in it or reads memory."""
    if var not in symbols(expr):
        return None if loads(expr) else ZERO
    match expr:
        case Sym():
            return ONE
        case Unary(op="neg", operand=operand, checked=False):
            inner = step(operand, var)
            return None if inner is None else times(integer(-1), inner)
        case Binary(op="add" | "sub" as op, left=left, right=right, checked=False):
            a, b = step(left, var), step(right, var)
            return None if a is None or b is None else (plus if op == "add" else minus)(a, b)
        case Binary(op="mul", left=left, right=right, checked=False):
            factor, rest = (right, left) if var in symbols(left) else (left, right)
            slope = step(rest, var)
            return None if slope is None or var in symbols(factor) or loads(factor) else times(factor, slope)
        case _:
            return None


def plus(a: Expr, b: Expr) -> Expr:
    """a + b, folded where constants allow."""
    if isinstance(a, Const) and isinstance(b, Const):
        return integer(_int(a) + _int(b))
    if isinstance(b, Const) and isinstance(a, Binary) and not a.checked and not loads(a):
        if a.op == "add" and isinstance(a.right, Const):
            return plus(a.left, integer(_int(a.right) + _int(b)))
        if a.op == "sub" and isinstance(a.right, Const):
            return plus(a.left, integer(_int(b) - _int(a.right)))
        if a.op in ("min", "max"):
            return Binary(a.op, plus(a.left, b), plus(a.right, b), a.dtype)
    return b if a == ZERO else a if b == ZERO else Binary("add", a, b, a.dtype)


def parts(expr: Expr, op: str) -> list[Expr]:
    """The operands of a minimum of minima (maximum of maxima)."""
    if isinstance(expr, Binary) and expr.op in (op, f"{op}imum"):
        return parts(expr.left, op) + parts(expr.right, op)
    return [expr]


def distance(a: Expr, b: Expr) -> int | None:
    """a - b where it is the same whatever the symbols are, else None."""
    found: Counter[str] = Counter()
    return found[""] if _collect(a, 1, found) and _collect(b, -1, found) and not any(found[name] for name in found if name) else None


def _collect(expr: Expr, factor: int, into: Counter[str]) -> bool:
    """Adds the constant and the coefficients of `factor * expr`; False where it has no such form."""
    match expr:
        case Const():
            into[""] += factor * _int(expr)
        case Sym(name=name):
            into[name] += factor
        case Unary(op="neg", operand=operand, checked=False):
            return _collect(operand, -factor, into)
        case Binary(op="add" | "sub" as op, left=left, right=right, checked=False):
            return _collect(left, factor, into) and _collect(right, factor if op == "add" else -factor, into)
        case Binary(op="mul", left=Const() as left, right=right, checked=False):
            return _collect(right, factor * _int(left), into)
        case Binary(op="mul", left=left, right=Const() as right, checked=False):
            return _collect(left, factor * _int(right), into)
        case _:
            return False
    return True


def tidy(expr: Expr) -> Expr:
    """A bound with its constants brought together: `min(n - 1, i + 31) + 1` becomes `min(n, i + 32)`."""
    match expr:
        case Binary(op="add", left=left, right=Const() as right, checked=False):
            return plus(tidy(left), right)
        case Binary(op="sub", left=left, right=Const() as right, checked=False):
            return plus(tidy(left), integer(-_int(right)))
        case Binary(op="add" | "sub" | "mul" | "min" | "max", checked=False):
            return replace(expr, left=tidy(expr.left), right=tidy(expr.right))
        case _:
            return expr


def minus(a: Expr, b: Expr) -> Expr:
    """a - b, folded where constants allow."""
    if isinstance(a, Const) and isinstance(b, Const):
        return integer(_int(a) - _int(b))
    if a == b and not loads(a):
        return ZERO
    return a if b == ZERO else Binary("sub", a, b, a.dtype)


def times(a: Expr, b: Expr) -> Expr:
    """a * b, folded where constants allow."""
    if isinstance(a, Const) and isinstance(b, Const):
        return integer(_int(a) * _int(b))
    if ZERO in (a, b):
        return ZERO
    return b if a == ONE else a if b == ONE else Binary("mul", a, b, a.dtype)


def _int(const: Const) -> int:
    if isinstance(const.value, complex):
        raise TypeError("a complex constant is no integer")
    return int(const.value)
