"""How much a kernel does: units of work as a float64 expression over the parameters.

Loop by loop: trips times the work of the body, where an enclosing iterator stands at the middle of its range (exact for affine bounds,
triangles included; an estimate where minima and maxima meet). An operation is a unit; what is slow on one machine and quick on another is
the name of a cost (`runtime/costs.py`), a call without arguments that the runtime puts a number to.

    for i in 0..n: for j in 0..i: S        ->  float64(n) * (0.5 * float64(n) - 0.5) * weight(S)
    y[i] = math.sin(x[i])                  ->  float64(n) * (2.0 + cost.libm.sin())
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TypeAlias, TypeGuard

from setuptools_polyopt.codegen.affine import parts
from setuptools_polyopt.exhaustive import assert_never
from setuptools_polyopt.ir.dtypes import DType
from setuptools_polyopt.ir.expressions import Binary, Call, Cast, Compare, Const, Expr, Load, Reduce, Select, Sym, Unary
from setuptools_polyopt.ir.statements import (
    Alloc,
    Assign,
    Block,
    Break,
    Continue,
    For,
    If,
    Serial,
    Stmt,
    While,
    jumps,
    walk,
)
from setuptools_polyopt.ir.visitors import children, loads, walk_expr
from setuptools_polyopt.runtime import costs

_F = DType.FLOAT64
_UNKNOWN_TRIPS = 64.0
_LARGEST_TERM = 64
_SLOW = frozenset({"div", "floordiv", "mod", "pow", "sqrt"})
_WIDE = frozenset({"div", "sqrt"})
"""Slow operations that vector instructions do."""


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


Middles: TypeAlias = Mapping[str, Linear]
Costs: TypeAlias = Callable[[str], Expr]
"""Units of a cost by its name."""


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


def named(name: str) -> Expr:
    """A cost that the runtime puts a number to."""
    return Call(f"cost.{name}", (), _F)


def usual(name: str) -> Expr:
    """What a cost is before anything is measured."""
    return number(costs.usual(name))


def on_gpu(name: str) -> Expr:
    """The cost in operations of one thread of a GPU."""
    return number(costs.GPU[name])


def kernel_work(program: Block, scheduled: Block) -> Expr:
    """Units of a kernel. program: its statements in program order, whose loops are easier to count; scheduled: those that run."""
    return _counting(scheduled).block(program, {})


def certain_work(program: Block, scheduled: Block) -> Expr:
    """The same where every loop that data may end does so at once."""
    return replace(_counting(scheduled), certain=True).block(program, {})


def _counting(scheduled: Block) -> _Count:
    alone = _labels((scheduled,)) - _labels(loop.body for loop in walk(scheduled) if _is_vector(loop))
    return _Count(named, alone)


def _is_vector(statement: Stmt) -> TypeGuard[For]:
    return isinstance(statement, For) and statement.kind == "vector"


def _labels(bodies: Iterable[Block]) -> frozenset[str]:
    return frozenset(item.label for body in bodies for item in walk(body) if isinstance(item, Assign))


def block_work(body: Block, middles: Middles | None = None, cost: Costs = named) -> Expr:
    """Units of work that the statements are once. middles: where enclosing iterators stand."""
    return _Count(cost, frozenset()).block(body, middles or {})


@dataclass(frozen=True, slots=True)
class _Count:
    """alone: labels of statements that no vector instruction does. certain: a loop that data may end runs once."""

    cost: Costs
    alone: frozenset[str]
    certain: bool = False

    def block(self, body: Block, middles: Middles) -> Expr:
        total: Expr = number(0.0)
        for statement in body:
            total = added(total, self._statement(statement, middles))
        return total

    def _statement(self, statement: Stmt, middles: Middles) -> Expr:
        match statement:
            case Assign(target=target, value=value, label=label):
                return self._expression(value, middles, 1.0 if target.indices else 0.5, label in self.alone)
            case If(cond=cond):
                branches = added(self.block(statement.body, middles), self.block(statement.orelse, middles))
                share = number(0.5 if statement.orelse else 1.0)
                alone = not self.alone.isdisjoint(_labels((statement.body, statement.orelse)))
                return added(product(share, branches), self._expression(cond, middles, 0.0, alone))
            case Alloc() | Break() | Continue():
                return number(0.0)
            case Serial():
                return self.block(statement.body, middles)
            case While(cond=cond):
                once = added(self._expression(cond, middles, 0.0, True), self.block(statement.body, middles))
                return product(number(1.0 if self.certain else _UNKNOWN_TRIPS), once)
            case For() if self.certain and jumps(statement.body):
                return self.block(statement.body, with_loop(statement, middles))
            case For():
                return product(trips(statement, middles).expr(), self.block(statement.body, with_loop(statement, middles)))
            case _:
                assert_never(statement)

    def _expression(self, expr: Expr, middles: Middles, weight: float, alone: bool) -> Expr:
        """One for an operation or a read of memory, more for slow ones; a reduction by its length."""
        slow: Expr = number(0.0)
        each: dict[str, int] = {}
        calls: dict[str, int] = {}
        for node in walk_expr(expr):
            match node:
                case Binary(op=op) | Unary(op=op) if op in _WIDE:
                    each[op] = each.get(op, 0) + 1
                case Binary(op=op) if op in _SLOW:
                    calls[op] = calls.get(op, 0) + 1
                case Unary() | Binary():
                    weight += 0.5 if node.dtype.is_integer and node.op in ("add", "sub", "mul") else 1.0
                case Compare() | Select() | Cast():
                    weight += 1.0
                case Load(indices=indices):
                    weight += 1.0 if indices else 0.0
                case Call() if node.function != "complex":
                    calls[call_cost(node)] = calls.get(call_cost(node), 0) + 1
                case Reduce():
                    slow = added(slow, self._reduction(node, middles))
                case _:
                    pass
        wide = added(self._times(each, number(0.0)), number(weight))
        slow = self._times(calls, slow)
        return added(slow, product(self.cost("scalar"), wide) if alone else wide)

    def _times(self, counts: Mapping[str, int], total: Expr) -> Expr:
        """`total` and the costs of operations, each as often as it is there."""
        for name, count in counts.items():
            total = added(total, product(number(count), self.cost(name)))
        return total

    def _reduction(self, node: Reduce, middles: Middles) -> Expr:
        length: Expr = self.cost(f"reduce.{_known(node.function.partition('.')[2], costs.REDUCTIONS, 'add')}")
        for part in node.ranges:
            length = product(length, _difference(part.lower, part.upper, 1, middles).expr())
        return added(length, self.cost("reduce"))


def call_cost(node: Call) -> str:
    """The name of a call's cost; that of a like function where it has none."""
    room, _, name = node.function.partition(".")
    kind = (node.args[0] if node.args else node).dtype.value
    if room != "numpy" and not node.dtype.is_complex:
        return f"libm.{_known(name, costs.LIBM, 'sin')}"
    return f"numpy.{_known(name, costs.UFUNCS, 'sin')}.{_known(kind, tuple(costs.KINDS), 'float64')}"


def _known(name: str, names: tuple[str, ...], other: str) -> str:
    return name if name in names else other


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
