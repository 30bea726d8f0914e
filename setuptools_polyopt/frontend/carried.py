"""Names that stand for another array in each iteration of a loop.

The array lives in one variable of the loop: it is copied in before the loop, and at the end of the body the new array is copied over it
(the polyhedral stage contracts what it can). That is right as long as nobody can tell the objects apart, so it is refused where an array
that others know is written in place, or where another name keeps an old one.

    for k in range(steps):             u_1 = u (copy)
        u = u + dt * f          ->     for k in 0..steps:
                                           t = u_1 + dt * f
                                           u_1 = t (copy)
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace

from setuptools_polyopt.diagnostics import Span
from setuptools_polyopt.frontend import arrays
from setuptools_polyopt.frontend.context import Context
from setuptools_polyopt.frontend.values import ArrayValue, ListValue, Order, Value
from setuptools_polyopt.ir.kernel import Role
from setuptools_polyopt.ir.statements import Assign, Stmt, walk


@dataclass(frozen=True)
class Carried:
    """How a name goes round the loop: in a variable of its own, whose memory order is `order`. dense: the arrays that the loop puts there
    have no gaps."""

    order: Order | None
    dense: bool = False


def array_of(value: Value | None) -> ArrayValue | None:
    """The array that a name stands for: an array itself, or a list's; None for anything else."""
    if isinstance(value, ListValue):
        return None if value.frozen else value.view
    return value if isinstance(value, ArrayValue) else None


def like(value: Value, array: ArrayValue) -> Value:
    """The array as what `value` is."""
    return replace(value, view=array) if isinstance(value, ListValue) else array


def fit(ctx: Context, first: Value, second: Value, span: Span | None) -> Carried | None:
    """How one variable holds both, None where it cannot. span: None where nothing may be assumed."""
    one, two = array_of(first), array_of(second)
    if one is None or two is None or like(first, one) != like(second, one) or not _fits(ctx, one, two, span):
        return None
    return Carried(_joined(one.order, two.order), two.fresh and two.storage not in ctx.state.copies)


def _fits(ctx: Context, first: ArrayValue, second: ArrayValue, span: Span | None) -> bool:
    """Whether the arrays have one type and one shape (a guard asks, where it is not certain)."""
    if first.dtype is not second.dtype or first.rank != second.rank:
        return False
    forms = [(ctx.state.form(a), ctx.state.form(b)) for a, b in zip(first.extents, second.extents, strict=True)]
    if any(a is None or b is None or (a != b and (a - b).value is not None) for a, b in forms):
        return False
    if span is None:
        return all(a == b for a, b in forms)
    for one, other in zip(first.extents, second.extents, strict=True):  # a matrix that is square, for example
        ctx.state.assume_equal(one, other, "the extents of the arrays that a name stands for in a loop", span)
    return True


def _joined(first: Order | None, second: Order | None) -> Order | None:
    """The order of a variable that holds either."""
    if first is None or second is None or first.axes != second.axes:
        return None
    return Order(first.needs | second.needs, first.axes, first.mirrored or second.mirrored)


def enter(ctx: Context, name: str, entry: ArrayValue, kind: Carried, span: Span) -> ArrayValue:
    """Make the variable and copy the entry value in."""
    variable, array = arrays.materialise(ctx, entry, span, kind.order, name), ctx.state.arrays[entry.storage]
    whole = kind.dense and entry.plain and entry.extents == array.extents and entry.storage not in ctx.state.copies
    ctx.state.copies[variable.storage] = (entry.storage if array.role is Role.ARGUMENT else "") if whole else None
    return variable


def go_round(ctx: Context, pairs: Iterable[tuple[ArrayValue, ArrayValue]], span: Span) -> None:
    """At the end of the body: every variable (first of a pair) takes over its new array, all at once."""
    moved = [(variable, new) for variable, new in pairs if new != variable]
    variables = {variable.storage for variable, _ in moved}
    ready = [
        (variable, arrays.materialise(ctx, new, span) if new.storage in variables else new) for variable, new in moved
    ]
    for variable, new in ready:
        with arrays.nest(ctx, variable.extents, span) as indices:
            arrays.store(ctx, variable.load(indices), new.read(indices), span)


@dataclass(frozen=True)
class Round:
    """What one name goes through in an iteration: the array before the loop, the variable, the array at the end of the body."""

    name: str
    entry: ArrayValue
    variable: ArrayValue
    end: ArrayValue


def harmful(
    ctx: Context,
    this: Round,
    body: Iterable[Stmt],
    before: Mapping[str, Value],
    others: Mapping[str, Value],
    moving: frozenset[str],
    copies: Collection[Stmt],
) -> str | None:
    """Why the variable could be told from the objects that it stands for; None if it cannot.

    before: all names at the loop's start; others: the other live names at the end of the body; moving: those of them that get a copy
    there themselves; copies: what the loop itself stores where it is left, or goes on, early.
    """
    if this.end.storage == this.variable.storage and this.end != this.variable:
        return "becomes a view of itself"
    for name, value in others.items():
        array = array_of(value)
        if array is None:
            continue
        if array.storage == this.end.storage or (array.storage == this.variable.storage and name not in moving):
            return f"stands for an array that `{name}` still knows"
    written = {statement.target.array for statement in walk(tuple(body)) if isinstance(statement, Assign) and statement not in copies}
    lent = this.end.storage in written and not this.end.fresh
    used = this.variable.storage in written and not _private(ctx, this, before)
    if this.entry.storage in written or lent or used:
        return "is written in place, and stands for another array in the next iteration"
    return None


def _private(ctx: Context, this: Round, before: Mapping[str, Value]) -> bool:
    """Whether the entry array is a local one that only this name knows."""
    arrays_before = {name: array_of(value) for name, value in before.items() if name != this.name}
    known = [name for name, array in arrays_before.items() if array is not None and array.storage == this.entry.storage]
    return this.entry.fresh and ctx.state.arrays[this.entry.storage].role is Role.TEMPORARY and not known
