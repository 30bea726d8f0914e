"""Random small kernels: loop nests with odd bounds, shifted and reversed accesses, conditions of both kinds, temporaries, reductions.

Every subscript is in bounds by construction (arrays have a margin around what iterators can reach), and temporaries are written before
they are read, so that any difference between two runs is a defect.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from hypothesis import strategies as st
from polyhedral_kernels import F64, array, at, floats, ints, kernel, loop, minus, number, plus, put, temporary

from setuptools_polyopt.ir.dtypes import DType
from setuptools_polyopt.ir.expressions import (
    FALSE,
    TRUE,
    Binary,
    Call,
    Compare,
    Expr,
    Range,
    Reduce,
    Select,
    Sym,
    Unary,
    integer,
)
from setuptools_polyopt.ir.kernel import Kernel, Role
from setuptools_polyopt.ir.statements import If, Stmt

MARGIN = 4
"""Iterators lie within [-2, n + m + 2]; subscripts add at most 2 and the offset MARGIN."""


TOTAL, MARKED = at("total", dtype=DType.INT64), at("marked", dtype=DType.BOOL)
PEAK, WHERE = at("peak"), at("where", dtype=DType.INT64)


@dataclass
class Builder:
    """What one kernel has used so far."""

    draw: st.DrawFn
    loops: int = 0
    temporaries: dict[str, int] = field(default_factory=dict)
    live: list[str] = field(default_factory=list)
    size: int = 0
    totals: bool = False


@st.composite
def kernels(draw: st.DrawFn) -> Kernel:
    """A kernel over parameters n and m (small, perhaps zero)."""
    builder = Builder(draw)
    body = tuple(s for _ in range(draw(st.integers(1, 3))) for s in _nest(builder, ()))
    wide = [plus(plus("n", "m"), 2 * MARGIN)] * 2
    arrays = [array("a", wide[0]), array("b", wide[0], wide[1]), array("c", wide[0], wide[1]), array("x", role=Role.INPUT)]
    if builder.totals:
        body = (put(TOTAL, integer(3)), put(MARKED, FALSE), put(PEAK, number(0)), put(WHERE, integer(-1)), *body)
        arrays += [array(load.array, role=Role.RESULT, dtype=load.dtype) for load in (TOTAL, MARKED, PEAK, WHERE)]
    arrays += [temporary(name, *wide[:rank]) for name, rank in builder.temporaries.items()]
    return kernel("random", "n m", arrays, *body)


def _bounds(b: Builder, scope: tuple[str, ...]) -> tuple[Expr, Expr, int]:
    extent = Sym(b.draw(st.sampled_from(["n", "m"])) if not scope else "n")
    choice = b.draw(st.integers(0, 7))
    outer: Expr = Sym(b.draw(st.sampled_from(scope))) if scope else integer(1)
    match choice:
        case 0:
            return integer(1), minus(extent, 1), 1
        case 1:
            return minus(extent, 1), integer(-1), -1
        case 2:
            return integer(b.draw(st.integers(0, 1))), extent, 2
        case 3:
            return ints("max", outer, 0), Sym("n"), 1
        case 4:
            return integer(0), ints("min", plus(outer, 1), "n"), 1
        case 5:
            return integer(0), ints("floordiv", extent, integer(2)), 1
        case _:
            return integer(0), extent, 1


def _nest(b: Builder, scope: tuple[str, ...]) -> tuple[Stmt, ...]:
    """A loop (perhaps after a statement that fills a temporary for it)."""
    var = f"i{b.loops}"
    b.loops += 1
    lower, upper, step = _bounds(b, scope)
    inside = (*scope, var)
    live = list(b.live)
    body: list[Stmt] = []
    for _ in range(b.draw(st.integers(1, 3))):
        body += _statement(b, inside)
    b.live = live
    return (loop(var, lower, upper, *body, step=step),)


def _statement(b: Builder, scope: tuple[str, ...]) -> tuple[Stmt, ...]:
    b.size += 1
    choice = b.draw(st.integers(0, 9))
    if choice <= 2 and len(scope) < 3 and b.size < 8:
        return _nest(b, scope)
    if choice == 3 and b.size < 8:
        cond, live = _condition(b, scope), list(b.live)
        then = _statement(b, scope)
        b.live = list(live)
        orelse = _statement(b, scope) if b.draw(st.booleans()) else ()
        b.live = live
        return (If(cond, then, orelse),)
    if choice == 4:
        return _fill(b, scope)
    if choice == 5:
        b.totals = True
        return (_accumulate(b, scope),)
    return (put(_target(b, scope), _value(b, scope)),)


def _accumulate(b: Builder, scope: tuple[str, ...]) -> Stmt:
    """A count, a sum of integers, a mark, or an extreme and where it is."""
    place = Sym(b.draw(st.sampled_from(scope)))
    match b.draw(st.integers(0, 5)):
        case 0:
            return put(TOTAL, Binary("add", TOTAL, place, DType.INT64, True))
        case 1:
            return put(TOTAL, Binary("sub", TOTAL, ints("mod", place, integer(3)), DType.INT64, True))
        case 2:
            return If(_condition(b, scope), (put(TOTAL, Binary("add", integer(1), TOTAL, DType.INT64, True)),))
        case 3:
            return If(_condition(b, scope), (put(MARKED, TRUE),))
        case 4:
            value = _read(b, scope)
            return put(PEAK, Select(Compare("gt", value, PEAK), value, PEAK, F64))
        case _:
            value = _read(b, scope)
            return If(Compare("lt", PEAK, value), (put(WHERE, place), put(PEAK, value)))


def _fill(b: Builder, scope: tuple[str, ...]) -> tuple[Stmt, ...]:
    """Write a temporary, which may be read from now on in this block."""
    rank = b.draw(st.integers(0, 1))
    name = f"t{len(b.temporaries)}"
    value = _value(b, scope)
    reuse = [t for t, r in b.temporaries.items() if r == rank and t not in b.live]
    if reuse and b.draw(st.booleans()):
        name = reuse[0]
    b.temporaries[name] = rank
    b.live.append(name)
    if rank == 0:
        return (put(at(name), value),)
    var = f"i{b.loops}"
    b.loops += 1
    return (loop(var, 0, plus(plus("n", "m"), 2 * MARGIN), put(at(name, var), floats("mul", value, at("a", var)))),)


def _index(b: Builder, scope: tuple[str, ...]) -> Expr:
    shift = integer(MARGIN + b.draw(st.integers(-2, 2)))
    var = Sym(b.draw(st.sampled_from(scope)))
    match b.draw(st.integers(0, 9)):
        case 0:
            return shift
        case 1:
            return plus(minus(plus("n", "m"), var), shift) if b.draw(st.booleans()) else plus(ints("floordiv", var, integer(2)), shift)
        case _:
            return plus(var, shift)


def _target(b: Builder, scope: tuple[str, ...]) -> object:
    if b.draw(st.booleans()):
        return at("a", _index(b, scope))
    return at(b.draw(st.sampled_from(["b", "c"])), _index(b, scope), _index(b, scope))


def _read(b: Builder, scope: tuple[str, ...]) -> Expr:
    if b.live and b.draw(st.integers(0, 2)):
        name = b.draw(st.sampled_from(b.live))
        return at(name, *[_index(b, scope)] * b.temporaries[name])
    match b.draw(st.integers(0, 5)):
        case 0:
            return at("x")
        case 1:
            return Reduce("numpy.add", number(0), (Range("r", integer(0), Sym("m")),), at("b", _index(b, scope), "r"), F64)
        case 2:
            return number(b.draw(st.integers(-2, 2)))
        case _:
            return _target(b, scope)


def _value(b: Builder, scope: tuple[str, ...]) -> Expr:
    left, right = _read(b, scope), _read(b, scope)
    match b.draw(st.integers(0, 6)):
        case 0:
            return left
        case 1:
            return Select(_condition(b, scope), left, right, F64)
        case 2:
            return Call("numpy.negative", (left,), F64)
        case 3:
            return floats("sub", left, right)
        case _:
            return floats("add", left, floats("mul", number(0.5), right))


def _condition(b: Builder, scope: tuple[str, ...]) -> Expr:
    var = Sym(b.draw(st.sampled_from(scope)))
    match b.draw(st.integers(0, 4)):
        case 0:
            return Compare("gt", _read(b, scope), number(0))
        case 1:
            return Compare("eq", ints("mod", var, integer(2)), integer(0))
        case 2:
            return Unary("not", Compare("lt", _read(b, scope), number(1)), DType.BOOL)
        case 3:
            return Compare("ne", var, ints("floordiv", "n", integer(2)))
        case _:
            return Compare("lt", var, Sym(b.draw(st.sampled_from(["n", "m", *scope]))))
