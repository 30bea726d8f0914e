"""Names where paths meet: the two branches of an `if`, the entry and the end of a loop's body.

A scalar that either path binds lives in one rank-0 variable; the paths store into it and what follows reads it. Where the paths disagree on
the type no single C value can hold the name: it becomes a `ConflictValue`, which only matters if it is read. Where a Python number meets a
NumPy scalar, a second variable says which it is (`values.ScalarType.tag`): it costs nothing unless the name leaves the region.

    if c: x = 1.0             if c: S0: x = 1.0
    else: x = a[i]     ->     else: S1: x = a[i]        x is "mixed" (float or np.float64), read from the variable;
                                                   x_type = 3 and x_type = 0 are stored beside
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from setuptools_polyopt.diagnostics import Diagnostic, Span, Unsupported
from setuptools_polyopt.frontend.context import Context
from setuptools_polyopt.frontend.shapes import Group, alike, leaf
from setuptools_polyopt.frontend.values import (
    ArrayValue,
    ConflictValue,
    ListValue,
    PendingValue,
    RecordValue,
    ScalarValue,
    TupleValue,
    Value,
)
from setuptools_polyopt.ir.dtypes import DType
from setuptools_polyopt.ir.expressions import Const, Expr, Load
from setuptools_polyopt.ir.statements import Assign, Stmt
from setuptools_polyopt.ir.visitors import symbols
from setuptools_polyopt.operators.values import ScalarType, cast, join, tag_of


def current(ctx: Context, name: str, span: Span) -> Value | None:
    """What a name is worth here, for a join: None where it is not bound, a conflict where it cannot be read."""
    state = ctx.state
    if name not in state.env and name not in ctx.entry:
        return None
    try:
        return ctx.settle(ctx.lookup(name, span), span)
    except Unsupported as error:
        return ConflictValue(error.diagnostic)


def unbound(name: str, span: Span) -> ConflictValue:
    """A name that only some paths bind."""
    return ConflictValue(
        Diagnostic(span, "maybe-unbound", f"`{name}` may be unbound here", "give it a value on every path before")
    )


def differs(name: str, span: Span, what: str) -> ConflictValue:
    """A name whose meaning depends on the path."""
    return ConflictValue(
        Diagnostic(span, "type-conflict", f"`{name}` {what}", "give it one type, or use two names")
    )


def stored(ctx: Context, value: ScalarValue, storage: str, span: Span) -> tuple[Stmt, ...]:
    """What has to be added to a path so that the variable holds the value."""
    dtype = ctx.state.arrays[storage].dtype
    if value.storage == storage:
        return ()
    return (Assign(Load(storage, (), dtype), cast(value.expr, dtype), span),)


def tagged(ctx: Context, name: str, value: ScalarType, span: Span) -> tuple[Stmt, ...]:
    """What has to be added to a path so that the tag's variable of the name says which type the value has."""
    tag, variable = tag_of(value), ctx.state.tag_variable(name)
    return () if tag is None or tag == variable else (Assign(variable, tag, span),)


def mixed(ctx: Context, name: str, kind: ScalarType, types: Iterable[ScalarType], narrow: bool = False) -> ScalarType:
    """The type of a mixed value of the name that has any of `types`: with the tag that all paths store, if all know theirs."""
    if not (narrow or kind.box == "mixed") or any(tag_of(type_) is None for type_ in types):
        return kind
    return replace(kind, tag=ctx.state.tag_variable(name))


def named(ctx: Context, name: str, value: ScalarValue, span: Span) -> ScalarValue:
    """Store a number into the variable of a name; what the name is worth from there on."""
    state, dtype = ctx.state, value.type.dtype
    storage = state.variable(name, dtype)
    target = Load(storage, (), dtype)
    kind = mixed(ctx, name, ScalarType(value.type.box, dtype), (value.type,), value.narrow)
    if kind.tag is not None:  # first: what decides the type may read the name's old value
        for statement in tagged(ctx, name, value.type, span):
            state.emit(statement)
    if value.storage != storage:
        state.emit(Assign(target, value.expr, span))
    symbolic = isinstance(value.expr, Const) or state.form(value.expr) is not None
    return ScalarValue(kind, value.expr if symbolic else target, storage, value.narrow)


def widen(first: ScalarValue, second: ScalarValue) -> tuple[ScalarType, bool] | None:
    """Type and `narrow` of a scalar that comes from either path; None where they do not go together."""
    joined = join(first.type, second.type)
    if joined is not None:
        return joined, first.narrow or second.narrow
    for constant, other in ((first, second), (second, first)):
        if exact_in(constant.expr, other.type.dtype) and constant.type.box == "python":
            return ScalarType("python" if other.type.box == "python" else "mixed", other.type.dtype), True
    return None


def exact_in(expr: Expr, dtype: DType) -> bool:
    """Whether a constant of a narrower type has the same value in `dtype` (and arithmetic converts it exactly like that)."""
    order = {"b": 0, "i": 1, "u": 1, "f": 2, "c": 3}
    if not isinstance(expr, Const) or expr.dtype is DType.BOOL or dtype is DType.BOOL:
        return False
    return order[expr.dtype.kind] <= order[dtype.kind] and isinstance(cast(expr, dtype), Const)


def join_branches(
    ctx: Context, name: str, then: Value | None, orelse: Value | None, blocks: tuple[list[Stmt], list[Stmt]], span: Span
) -> Value:
    """The value of `name` behind an `if`; stores are appended to the branches' blocks."""
    if then is None or orelse is None:
        return unbound(name, span)
    for value in (then, orelse):
        if isinstance(value, ConflictValue):
            return value
    if isinstance(then, ScalarValue) and isinstance(orelse, ScalarValue):
        widened = widen(then, orelse)
        if widened is None:
            then, orelse = _begun(ctx, name, then), _begun(ctx, name, orelse)
            widened = widen(then, orelse)
        if widened is None:
            return differs(name, span, "has another type in each branch")
        kind, narrow = widened
        storage = ctx.state.variable(name, kind.dtype)
        kind = mixed(ctx, name, kind, (then.type, orelse.type), narrow)
        for value, block in zip((then, orelse), blocks, strict=True):
            if kind.tag is not None:
                block.extend(tagged(ctx, name, value.type, span))
            block.extend(stored(ctx, value, storage, span))
        same = then.expr == orelse.expr and not narrow
        return ScalarValue(kind, then.expr if same else Load(storage, (), kind.dtype), storage, narrow)
    if isinstance(then, Group) and isinstance(orelse, Group) and alike(then, orelse):
        pairs = enumerate(zip(then.items, orelse.items, strict=True))
        joined = [join_branches(ctx, leaf(name, k), first, second, blocks, span) for k, (first, second) in pairs]
        return next((item for item in joined if isinstance(item, ConflictValue)), replace(then, items=tuple(joined)))
    if then == orelse:
        return then
    return differs(name, span, "is another array or object in each branch")


def join_heaps(ctx: Context, heaps: tuple[dict[str, Value], dict[str, Value]], blocks: tuple[list[Stmt], list[Stmt]], span: Span) -> None:
    """The attributes of objects behind two branches; stores are appended to the branches' blocks. An object that one of them has made is
    known in neither."""
    joined: dict[str, Value] = {}
    for key in dict.fromkeys((*heaps[0], *heaps[1])):
        then, orelse = (heap[key] if key in heap else ctx.initial(key, span) for heap in heaps)
        if then is not None and orelse is not None:
            first, second = _usable(ctx, then, span), _usable(ctx, orelse, span)
            joined[key] = then if then == orelse else join_branches(ctx, key, first, second, blocks, span)
    ctx.state.heap = joined


def _usable(ctx: Context, value: Value, span: Span) -> Value:
    try:
        return ctx.settle(value, span)
    except Unsupported as error:
        return ConflictValue(error.diagnostic)


def _begun(ctx: Context, name: str, value: ScalarValue) -> ScalarValue:
    """For a value that goes round a loop whose types are not known yet: the constant before it, so that `s = 0` and `if c: s += a[i]` go
    together. Whoever lowers the loop sees to it that this is not the last round."""
    start, variable = ctx.state.starts.get(name), Load(ctx.state.variable(name, value.type.dtype), (), value.type.dtype)
    if start is None or value.type != start.type or value.expr != variable:
        return value
    ctx.state.begun[name] = None
    return start


def outside(value: Value, iterator: str) -> bool:
    """Whether a value still means something when the loop over `iterator` is over."""
    match value:
        case ScalarValue(expr=expr):
            return iterator not in symbols(expr)
        case ArrayValue(dims=dims, extents=extents):
            return all(iterator not in symbols(expr) for expr in (*extents, *(dim.offset for dim in dims)))
        case ListValue(view=view):
            return outside(view, iterator)
        case TupleValue(items=items) | RecordValue(items=items):
            return all(outside(item, iterator) for item in items)
        case PendingValue(after=after, before=before):
            return outside(after, iterator) and (before is None or outside(before, iterator))
        case _:
            return True
