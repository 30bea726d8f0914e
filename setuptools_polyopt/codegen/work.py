"""How much a kernel does: operations as a float64 expression over the parameters.

Loop by loop: trips times the work of the body, where an enclosing iterator stands at the middle of its range (exact for affine bounds,
triangles included; an estimate where minima and maxima meet).

    for i in 0..n: for j in 0..i: S        ->  float64(n) * (0.5 * float64(n) - 0.5) * weight(S)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from setuptools_polyopt.codegen.affine import parts
from setuptools_polyopt.exhaustive import assert_never
from setuptools_polyopt.ir.dtypes import DType
from setuptools_polyopt.ir.expressions import Binary, Call, Cast, Compare, Const, Expr, Load, Reduce, Select, Sym, Unary
from setuptools_polyopt.ir.statements import Alloc, Assign, Block, Break, Continue, For, If, Serial, Stmt, While
from setuptools_polyopt.ir.visitors import children, loads, walk_expr

_F = DType.FLOAT64
_UNKNOWN_TRIPS = 64.0
_LARGEST_TERM = 64
_WEIGHTS = {"div": 4.0, "floordiv": 20.0, "mod": 20.0, "pow": 40.0, "sqrt": 6.0}


@dataclass(frozen=True, slots=True)
class Linear:
    """constant + sum of coefficient * term; terms are float64 expressions over the parameters."""

    terms: tuple[tuple[Expr, float], ...] = ()
    constant: float = 0.0

    def plus(self, other: Linear, factor: float = 1.0) -> Linear:
        """self + factor * other."""
        total = dict(self.terms)
        for term, coefficient in other.terms:
            total[term] = total.get(term, 0.0) + factor * coefficient
        kept = tuple((term, coefficient) for term, coefficient in total.items() if coefficient != 0.0)
        return Linear(kept, self.constant + factor * other.constant)

    def expr(self) -> Expr:
        """The sum as an expression."""
        total: Expr | None = None
        for term, coefficient in self.terms:
            total = added(total, product(number(coefficient), term))
        return number(self.constant) if total is None else added(total, number(self.constant))


Middles = Mapping[str, Linear]


def number(value: float) -> Const:
    """A float64 constant."""
    return Const(float(value), _F)


def added(a: Expr | None, b: Expr) -> Expr:
    """a + b of float64 expressions, folded where constants allow."""
    if a is None or a == number(0.0):
        return b
    if isinstance(b, Const):
        if b == number(0.0):
            return a
        if isinstance(a, Const):
            return number(_float(a) + _float(b))
        if _float(b) < 0:
            return Binary("sub", a, number(-_float(b)), _F)
    return Binary("add", a, b, _F)


def product(a: Expr, b: Expr) -> Expr:
    """a * b of float64 expressions, folded where constants allow."""
    if isinstance(a, Const) and isinstance(b, Const):
        return number(_float(a) * _float(b))
    if isinstance(b, Const):
        a, b = b, a
    if isinstance(a, Const):
        if _float(a) in (0.0, 1.0):
            return b if _float(a) else a
        if isinstance(b, Binary) and b.op == "mul" and isinstance(b.left, Const):
            return product(number(_float(a) * _float(b.left)), b.right)
    return Binary("mul", a, b, _F)


def block_work(body: Block, middles: Middles | None = None) -> Expr:
    """Operations that the statements do once; `middles` says where enclosing iterators stand."""
    total: Expr = number(0.0)
    known = dict(middles or {})
    for statement in body:
        total = added(total, _statement(statement, known))
    return total


def _statement(statement: Stmt, middles: Middles) -> Expr:
    match statement:
        case Assign(target=target, value=value):
            return added(_expression(value, middles), number(1.0 if target.indices else 0.5))
        case If(cond=cond):
            branches = added(block_work(statement.body, middles), block_work(statement.orelse, middles))
            share = number(0.5 if statement.orelse else 1.0)
            return added(product(share, branches), _expression(cond, middles))
        case Alloc() | Break() | Continue():
            return number(0.0)
        case Serial():
            return block_work(statement.body, middles)
        case While(cond=cond):
            return product(number(_UNKNOWN_TRIPS), added(_expression(cond, middles), block_work(statement.body, middles)))
        case For():
            return product(trips(statement, middles).expr(), block_work(statement.body, with_loop(statement, middles)))
        case _:
            assert_never(statement)


def _expression(expr: Expr, middles: Middles) -> Expr:
    """One for an operation or a read of memory, more for slow ones; a reduction by its length."""
    weight, extra = 0.0, number(0.0)
    total: Expr = extra
    for node in walk_expr(expr):
        match node:
            case Unary(op=op) | Binary(op=op):
                weight += _WEIGHTS.get(op, 1.0) if not (node.dtype.is_integer and op in ("add", "sub", "mul")) else 0.5
            case Compare() | Select() | Cast():
                weight += 1.0
            case Load(indices=indices):
                weight += 1.0 if indices else 0.0
            case Call(function=function):
                weight += 0.0 if function == "complex" else 15.0
            case Reduce():
                length: Expr = number(1.0)
                for part in node.ranges:
                    length = product(length, _difference(part.lower, part.upper, 1, middles).expr())
                total = added(total, added(length, number(10.0)))
            case _:
                pass
    return added(total, number(weight))


def trips(loop: For, middles: Middles) -> Linear:
    """How often the loop runs."""
    if loads(loop.lower) or loads(loop.upper):
        return Linear(constant=_UNKNOWN_TRIPS)
    if loop.step < 0:
        return _difference(loop.upper, loop.lower, -loop.step, middles)
    return _difference(loop.lower, loop.upper, loop.step, middles)


def with_loop(loop: For, middles: Middles) -> dict[str, Linear]:
    """The middles for the loop's body."""
    count = trips(loop, middles)
    centre = _linear(loop.lower, middles).plus(count.plus(Linear(constant=-1.0)), 0.5 * loop.step)
    return {**middles, loop.var: _small(centre)}


def _difference(lower: Expr, upper: Expr, step: int, middles: Middles) -> Linear:
    """(upper - lower) / step, for maxima of lower and minima of upper bounds.

    A constant difference is taken where there is one (the points of a tile) and no quotient is rounded, so that the trips of a tile loop
    times those of its points are exact.
    """
    left_over = _left_over(lower)
    if left_over:
        return Linear(constant=0.5 * (left_over - 1))
    pairs = [
        _linear(high, middles).plus(_linear(low, middles), -1.0) for high in parts(upper, "min") for low in parts(lower, "max")
    ]
    constants = [pair.constant for pair in pairs if not pair.terms]
    if constants:
        return Linear(constant=max(0.0, min(constants)) / step)
    smallest: Expr | None = None
    for pair in pairs:
        if sum(_size(term) for term, _ in pair.terms) <= _LARGEST_TERM:
            row = pair.expr()
            smallest = row if smallest is None else Binary("minimum", smallest, row, _F)
    if smallest is None:
        return Linear(constant=_UNKNOWN_TRIPS)
    if len(pairs) == 1 and all(coefficient > 0 for _, coefficient in pairs[0].terms):
        return Linear().plus(pairs[0], 1.0 / step)
    return Linear(((Binary("maximum", smallest, number(0.0), _F), 1.0 / step),))


def _left_over(lower: Expr) -> float:
    """n for a loop that begins where another one in steps of n has stopped (`a + max(0, (b - a) // n * n)`), else zero."""
    match lower:
        case Binary(op="add", right=right):
            return _left_over(right)
        case Binary(op="max", right=Binary(op="mul", left=Binary(op="floordiv", right=Const() as count), right=Const() as factor)):
            return _float(count) if count == factor else 0.0
        case _:
            return 0.0


def _linear(expr: Expr, middles: Middles) -> Linear:
    """An int64 expression with iterators at their middles."""
    match expr:
        case Const():
            return Linear(constant=_float(expr))
        case Sym(name=name):
            return middles.get(name, Linear(((Cast(expr, _F), 1.0),)))
        case Unary(op="neg", operand=operand):
            return Linear().plus(_linear(operand, middles), -1.0)
        case Binary(op="add" | "sub" as op, left=left, right=right):
            return _linear(left, middles).plus(_linear(right, middles), 1.0 if op == "add" else -1.0)
        case Binary(op="mul" | "floordiv" as op, left=left, right=Const() as right) if _float(right) != 0.0:
            return Linear().plus(_linear(left, middles), _float(right) if op == "mul" else 1.0 / _float(right))
        case Binary(op="mul", left=Const() as left, right=right):
            return Linear().plus(_linear(right, middles), _float(left))
        case Binary(op="min" | "max" | "minimum" | "maximum" | "mul" as op, left=left, right=right):
            a, b = _linear(left, middles).expr(), _linear(right, middles).expr()
            name = {"min": "minimum", "max": "maximum"}.get(op, op)
            joint = product(a, b) if op == "mul" else Binary(name, a, b, _F)  # type: ignore[arg-type]
            return _small(Linear(((joint, 1.0),)))
        case Binary(op="mod", right=Const() as right):
            return Linear(constant=0.5 * _float(right))
        case _:
            return Linear(constant=_UNKNOWN_TRIPS)


def _small(form: Linear) -> Linear:
    """The form without terms that have grown beyond reading."""
    kept = tuple((term, coefficient) for term, coefficient in form.terms if _size(term) <= _LARGEST_TERM)
    return form if len(kept) == len(form.terms) else Linear(kept, form.constant + _UNKNOWN_TRIPS)


def _size(expr: Expr) -> int:
    return 1 + sum(_size(child) for child in children(expr))


def _float(const: Const) -> float:
    if isinstance(const.value, complex):
        raise TypeError("a complex constant is no bound")
    return float(const.value)
