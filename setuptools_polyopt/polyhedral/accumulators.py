"""Scalars that a loop only accumulates, in whatever order its iterations run.

    total = total +! x[i]                         Total(total, add)
    if x[i] < 0: negative = True                  Mark(negative, True)
    if x[i] > best: best = x[i]; where = i        Extreme(best, gt, (where,))

The operations are associative to the last bit as long as their operands keep their order:

- sums and bit operations, maxima and minima of integers (what may overflow is the business of `reductions`);
- one constant, wherever it is assigned;
- the first of the largest elements, and what belongs to it: a NaN is never taken, of equal zeros the first is.

Non-goals: sums of floats (their order shows), `max(x, e)` of floats where a NaN is taken, subscripts that come from data.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from setuptools_polyopt.ir.expressions import Binary, BinaryOp, Compare, CompareOp, Const, Expr, Load, Select
from setuptools_polyopt.ir.statements import Assign, Block, For, If, Stmt, walk
from setuptools_polyopt.ir.visitors import assigns, loads, own_loads, symbols
from setuptools_polyopt.operators.intervals import bounds

IDENTITY: Mapping[str, int] = {"add": 0, "sub": 0, "mul": 1, "bitor": 0, "bitxor": 0, "bitand": -1}
"""What leaves the other operand of an operation on integers as it is."""

_MIRRORED: Mapping[CompareOp, CompareOp] = {"gt": "lt", "ge": "le", "lt": "gt", "le": "ge"}
_OPPOSITE: Mapping[CompareOp, CompareOp] = {"gt": "le", "ge": "lt", "lt": "ge", "le": "gt"}


@dataclass(frozen=True)
class Total:
    """`element = element op term`, or minus the term. sign: 1 where all terms add, -1 where all take away, 0 where both may happen.
    largest: no term is further from zero."""

    element: Load
    op: BinaryOp
    checked: bool
    sign: int
    largest: int


@dataclass(frozen=True)
class Mark:
    """`element = value`, a constant."""

    element: Load
    value: Const


@dataclass(frozen=True)
class Extreme:
    """`if term op element: element = term`, and at the same time something into each of `others`."""

    element: Load
    op: CompareOp
    others: tuple[Load, ...]


Accumulator: TypeAlias = Total | Mark | Extreme


def elements(accumulator: Accumulator) -> tuple[Load, ...]:
    """What an accumulator consists of."""
    return (accumulator.element, *(accumulator.others if isinstance(accumulator, Extreme) else ()))


def accumulators(loop: For) -> tuple[Accumulator, ...]:
    """What the loop does nothing with but accumulate, in any order of its iterations."""
    inner = {loop.var} | {item.var for item in walk(loop.body) if isinstance(item, For)}
    written = list(dict.fromkeys(item.target for item in assigns(loop.body)))
    fixed = [load for load in written if not any(loads(index) or symbols(index) & inner for index in load.indices)]
    alone = [load for load in fixed if all(other.array != load.array for other in written if other != load)]
    extremes = [made for load in alone if (made := _extreme(load, loop.body)) is not None]
    taken = {load for made in extremes for load in elements(made)}
    others = (_mark(load, loop.body) or _total(load, loop.body) for load in alone if load not in taken)
    return (*extremes, *(made for made in others if made is not None))



def _mentions(load: Load, body: Block) -> Iterator[Stmt]:
    """The statements that read or write the array of an element (a condition counts as its own statement)."""
    for item in walk(body):
        if any(read.array == load.array for read in own_loads(item)) or (isinstance(item, Assign) and item.target.array == load.array):
            yield item


def _mark(load: Load, body: Block) -> Mark | None:
    values = [item.value if isinstance(item, Assign) else None for item in _mentions(load, body)]
    first = values[0]
    return Mark(load, first) if isinstance(first, Const) and all(value == first for value in values) else None



def _total(load: Load, body: Block) -> Total | None:
    """Also maximum and minimum, whose identities are the ends of the type."""
    if load.dtype.kind not in "biu":
        return None
    found: set[BinaryOp] = set()
    checked, low, high = False, 0, 0
    for item in _mentions(load, body):
        term = term_of(item, load)
        if term is None or not isinstance(item, Assign) or not isinstance(item.value, Binary):
            return None
        op = item.value.op
        if op == "sub" and load.dtype.kind != "i":
            return None
        least, most = bounds(term) if op != "sub" else (-bounds(term)[1], -bounds(term)[0])
        found.add("add" if op == "sub" else op)
        checked, low, high = checked or item.value.checked, min(low, least), max(high, most)
    if len(found) != 1 or not found <= {*IDENTITY, "maximum", "minimum"} or (checked and found != {"add"}):
        return None
    return Total(load, found.pop(), checked, (low == 0) - (high == 0), max(-low, high))


def term_of(item: Stmt, load: Load) -> Expr | None:
    """`e` of `x = x op e` or `x = e op x`, where it says nothing of `x`."""
    match item:
        case Assign(target=target, value=Binary(op=op, left=left, right=right)) if target == load:
            sides: tuple[tuple[Expr, Expr], ...] = ((left, right),) if op == "sub" else ((left, right), (right, left))
            for mine, term in sides:
                if mine == load and all(read.array != load.array for read in loads(term)):
                    return term
            return None
        case _:
            return None


def _extreme(load: Load, body: Block) -> Extreme | None:
    """Every mention is a comparison and what it guards, or a choice."""
    if load.dtype.kind not in "iuf":
        return None
    sites = [site for site in (_site(item, load) for item in walk(body)) if site is not None]
    ops, others = {site[0] for site in sites}, {site[1] for site in sites}
    if len(ops) != 1 or len(others) != 1:
        return None
    op, follow = ops.pop(), others.pop()
    inside = sum(site[2] for site in sites)
    if inside != sum(1 for _ in _mentions(load, body)) or (follow and op in ("ge", "le")):
        return None
    mine = {load.array, *(other.array for other in follow)}
    for other in follow:
        found = list(_mentions(other, body))
        if len(found) != len(sites) or any(read.array in mine for item in found for read in own_loads(item)):
            return None
    return Extreme(load, op, tuple(sorted(follow, key=lambda other: other.array)))


def _site(item: Stmt, load: Load) -> tuple[CompareOp, frozenset[Load], int] | None:
    """A place that updates an extreme: how it compares, what else it assigns, and how many statements of it mention the element."""
    match item:
        case Assign(target=target, value=Select(cond=Compare() as test, then=then, orelse=orelse)) if target == load:
            op = _direction(test, orelse if then == load else then, load) if load in (then, orelse) else None
            if op is None or (then == load and load.dtype.is_float):
                return None
            return (op if orelse == load else _OPPOSITE[op], frozenset(), 1)
        case If(cond=cond, body=inner, orelse=()) if all(isinstance(part, Assign) for part in inner):
            takes = next((part for part in assigns(inner) if part.target == load), None)
            tests = [part for part in _conjuncts(cond) if load in loads(part)]
            if takes is None or len(tests) != 1 or not isinstance(tests[0], Compare):
                return None
            op = _direction(tests[0], takes.value, load)
            follow = frozenset(part.target for part in assigns(inner) if part.target != load)
            if op is None or len(inner) != 1 + len(follow) or any(other.indices for other in follow):
                return None
            return (op, follow, 2)
        case _:
            return None


def _conjuncts(cond: Expr) -> tuple[Expr, ...]:
    match cond:
        case Binary(op="and", left=left, right=right):
            return (*_conjuncts(left), *_conjuncts(right))
        case _:
            return (cond,)


def _direction(test: Compare, term: Expr, load: Load) -> CompareOp | None:
    """The comparison as `term op element`."""
    if any(read.array == load.array for read in loads(term)) or test.op not in _MIRRORED:
        return None
    if (test.left, test.right) == (term, load):
        return test.op
    return _MIRRORED[test.op] if (test.left, test.right) == (load, term) else None
