"""The end of a region: what leaves it, which statements are dead, the finished kernel and its variants.

A name that is live behind the region becomes an output: a fresh array turns from temporary into result, a scalar gets the type that
CPython would give it (by a guard that a loop ran, or by its tag, if need be). What would leave as a view or an alias of an argument is
refused, because identity is observable.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from setuptools_polyopt.diagnostics import Diagnostic, Span, Unsupported, unsupported
from setuptools_polyopt.frontend.context import Context
from setuptools_polyopt.frontend.shapes import leaf, root
from setuptools_polyopt.frontend.values import (
    ArrayValue,
    ConflictValue,
    EmptyValue,
    ListValue,
    NoneValue,
    ScalarValue,
    TupleValue,
    Value,
)
from setuptools_polyopt.ir.expressions import Binary, Cast, Const, Expr, Load, Select, Sym
from setuptools_polyopt.ir.kernel import Array, Layout, Output, Role
from setuptools_polyopt.ir.statements import Assign, Block, For, If, Stmt, walk
from setuptools_polyopt.ir.visitors import children, own_loads


@dataclass(frozen=True)
class Results:
    """What leaves a region. as_tuple: the outputs make the returned tuple. form: as in `Region`."""

    outputs: tuple[Output, ...]
    as_tuple: bool = False
    form: str = ""


def collect(ctx: Context, live: frozenset[str], span: Span) -> Results:
    """Outputs for the names that the region binds and that are live behind it; raises Unsupported."""
    outputs: list[Output] = []
    taken = _attributes(ctx, outputs, span)
    taken |= {name: _taken(ctx, name, ctx.state.env[name], outputs, span) for name in sorted(ctx.state.bound) if name in live}
    _distinct(outputs, span)
    plain = len(outputs) == len(taken) and all(output.name == name for output, name in zip(outputs, taken, strict=True))
    form = "" if plain else "; ".join([*(f"{name} = {text}" for name, text in taken.items()), "_polyopt_r = None"])
    return Results(tuple(outputs), False, form)


def returned(ctx: Context, node: ast.Return) -> Results:
    """Outputs of `return ...`."""
    span = ctx.span(node)
    if node.value is None and not ctx.state.stores:
        return Results((Output("return", None, "python"),))
    value = NoneValue() if node.value is None else ctx.expr(node.value)
    outputs: list[Output] = []
    stored = "".join(f"{name} = {text}; " for name, text in _attributes(ctx, outputs, span).items())
    text = _taken(ctx, "return", value, outputs, span)
    if not outputs:
        raise unsupported(span, "result-type", "an empty tuple is returned")
    _distinct(outputs, span)
    if stored:
        return Results(tuple(outputs), False, f"{stored}return {text}")
    if not isinstance(value, TupleValue):
        return Results(tuple(outputs))
    plain = value.kind is None and len(outputs) == len(value.items)
    return Results(tuple(outputs), plain, "" if plain else f"return {text}")


def _attributes(ctx: Context, outputs: list[Output], span: Span) -> dict[str, str]:
    """The attributes that the region sets, as `_taken`."""
    found = {}
    for key, (base, name) in ctx.state.stores.items():
        text = f"{base.text}.{name}"
        others = [item for item in ctx.state.inputs.values() if item.path[-1:] == (name,) and item.text != text]
        if others or base.root in ctx.state.bound:
            other = others[0].text if others else base.root
            raise unsupported(span, "attribute-assignment", f"`{text}` is assigned, and `{other}` may be another name of it")
        ctx.state.inputs[text] = replace(ctx.state.inputs[text], stored=True)
        found[text] = _taken(ctx, text, ctx.state.heap[key], outputs, span)
    return found


def _taken(ctx: Context, name: str, value: Value, outputs: list[Output], span: Span) -> str:
    """The outputs of a value are added; the text that makes it of the results."""
    value = _definite(ctx, value)
    if not isinstance(value, TupleValue):
        outputs.append(_output(ctx, root(name), ctx.settle(value, span), span))
        return f"_polyopt_r[{len(outputs) - 1}]"
    texts = [_taken(ctx, leaf(name, k), item, outputs, span) for k, item in enumerate(value.items)]
    if value.kind is None:
        return f"({', '.join(texts)}{',' if len(texts) == 1 else ''})"
    if not value.kind.spelt or value.kind.spelt.partition(".")[0] in ctx.outermost.function.names.locals:
        raise unsupported(span, "result-type", f"`{root(name)}` is a {value.kind.path}, which has no name here")
    return f"{value.kind.spelt}({', '.join(texts)})"


def _definite(ctx: Context, value: Value) -> Value:
    """A value whose Python type is certain: where that hangs on a loop having run, the guard says that it has."""
    from setuptools_polyopt.frontend.values import PendingValue

    while isinstance(value, PendingValue):
        before, after = value.before, value.after
        same = isinstance(before, ScalarValue) and isinstance(after, ScalarValue) and before.type == after.type
        if same and before == after and isinstance(after, ScalarValue) and after.type.box != "mixed" and not after.narrow:
            return after
        try:
            value = ctx.require(value)
        except Unsupported as refusal:  # then a tag may tell, which the value's two meanings have together
            return ctx.settle(value, refusal.diagnostic.span)
    return value


def _distinct(outputs: Sequence[Output], span: Span) -> None:
    names = [output.array for output in outputs if output.array is not None]
    if len(names) != len(set(names)):
        raise unsupported(span, "result-alias", "two results are the same array", "return it once, or copy it")


def _output(ctx: Context, name: str, value: Value, span: Span) -> Output:
    what = "the returned value" if name == "return" else f"`{name}`"
    match value:
        case ScalarValue():
            return _scalar(ctx, name, value, what, span)
        case ArrayValue():
            return _array(ctx, name, value, what, span)
        case ListValue(view=view):
            if value.frozen:
                raise unsupported(span, "result-alias", f"{what} is a tuple that the caller has already")
            length = ctx.state.locals.get(view.extents[0].name) if isinstance(view.extents[0], Sym) else None
            if length is not None:  # of all that there is room for, and of a list that nothing else is another name of
                view = replace(view, extents=ctx.state.arrays[view.storage].extents, fresh=view.plain)
                kept = ctx.state.arrays[length.variable.array]
                ctx.state.arrays[kept.name] = replace(kept, role=Role.RESULT)
            output = _array(ctx, name, view, what, span, "a list")
            output = replace(output, length=length.variable.array if length is not None else None)
            if value.floats:
                ctx.state.arrays[value.floats] = replace(ctx.state.arrays[value.floats], role=Role.RESULT)
            return replace(output, box="list" if value.box == "python" else "numpy-list", tag=value.floats or None)
        case EmptyValue():
            return Output(name, None, "list")
        case NoneValue():
            return Output(name, None, "python")
        case ConflictValue(reason=reason):
            raise Unsupported(reason)
        case _:
            raise unsupported(span, "result-type", f"{what} is neither a number nor an array")


def _scalar(ctx: Context, name: str, value: ScalarValue, what: str, span: Span) -> Output:
    uncertain = value.type.box == "mixed" or value.narrow
    if uncertain and value.type.tag is None:
        raise unsupported(
            span,
            "mixed-scalar",
            f"{what} is a Python number on one path and a NumPy scalar (or of another type) on another",
            "convert it with float()",
        )
    state = ctx.state
    storage = value.storage
    if storage is None or state.arrays[storage].role is not Role.TEMPORARY:
        storage = state.fresh("result" if name == "return" else name)
        dtype = value.type.dtype
        state.arrays[storage] = Array(storage, dtype, (), Role.TEMPORARY)
        state.emit(Assign(Load(storage, (), dtype), value.expr, span))
    state.arrays[storage] = replace(state.arrays[storage], role=Role.RESULT)
    if uncertain and value.type.tag is not None:
        return Output(name, storage, "tagged", _tag(ctx, storage, value.type.tag, span))
    return Output(name, storage, "numpy" if value.type.box == "numpy" else "python")


def _tag(ctx: Context, storage: str, tag: Expr, span: Span) -> str:
    """The result that says which type the result `storage` has."""
    state = ctx.state
    if isinstance(tag, Load) and state.arrays[tag.array].role is Role.TEMPORARY:
        state.arrays[tag.array] = replace(state.arrays[tag.array], role=Role.RESULT)
        return tag.array
    name = state.fresh(f"{storage}_type")
    state.arrays[name] = Array(name, tag.dtype, (), Role.RESULT)
    state.emit(Assign(Load(name, (), tag.dtype), tag, span))
    return name


def _array(ctx: Context, name: str, value: ArrayValue, what: str, span: Span, noun: str = "an array") -> Output:
    state = ctx.state
    if state.arrays[value.storage].role is Role.ARGUMENT:
        raise unsupported(span, "result-alias", f"{what} is {noun} that the caller has already, or a view of it", "copy it")
    if not value.fresh or state.arrays[value.storage].extents != value.extents:
        raise unsupported(span, "result-view", f"{what} is a view of a local {noun.split()[1]}", "copy it")
    reverse = tuple(reversed(range(value.rank)))
    if value.order is None or value.order.axes not in ((), reverse):
        raise unsupported(span, "result-layout", f"the memory order of {what} cannot be known", "start from C-ordered arrays")
    for argument in sorted(value.order.needs):
        state.ordered[argument] = None
    layout = Layout.FORTRAN if value.order.axes else Layout.C
    state.arrays[value.storage] = replace(state.arrays[value.storage], role=Role.RESULT, layout=layout)
    return Output(name, value.storage, "array")


def without_dead_scalars(body: Block, keep: frozenset[str], tags: frozenset[str]) -> Block:
    """Leave out assignments to scalars that nobody reads, where their evaluation cannot fail; `keep` are results. Tags that only tags read
    are left out whatever they compute: the values beside them fail in the same way."""
    body = _filter(body, lambda array, _: array in tags and array not in _read_tags(body, keep, tags))
    while True:
        read = {load.array for statement in walk(body) for load in own_loads(statement)}
        needed = frozenset(read) | keep
        smaller = _filter(body, lambda array, value: array not in needed and harmless(value))  # noqa: B023 -- called at once
        if smaller == body:
            return body
        body = smaller


def _read_tags(body: Block, keep: frozenset[str], tags: frozenset[str]) -> frozenset[str]:
    """Tags that something reads beside the assignments of tags that nothing reads."""
    reads: dict[str | None, set[str]] = {}
    for statement in walk(body):
        own = statement.target.array if isinstance(statement, Assign) and statement.target.array in tags else None
        found = reads.setdefault(own, set())
        found.update(load.array for load in own_loads(statement) if load.array in tags)
    seen: set[str] = set()
    ahead = {*keep & tags, *reads.get(None, ())}
    while ahead:
        seen |= ahead
        ahead = {other for name in ahead for other in reads.get(name, ())} - seen
    return frozenset(seen)


def _filter(body: Block, is_dead: Callable[[str, Expr], bool]) -> Block:
    result: list[Stmt] = []
    for statement in body:
        match statement:
            case Assign(target=Load(array=array, indices=()), value=value) if is_dead(array, value):
                continue
            case For():
                inner = _filter(statement.body, is_dead)
                if inner:
                    result.append(statement if inner == statement.body else replace(statement, body=inner))
            case If():
                then, orelse = _filter(statement.body, is_dead), _filter(statement.orelse, is_dead)
                if then or orelse or not harmless(statement.cond):
                    same = then == statement.body and orelse == statement.orelse
                    result.append(statement if same else replace(statement, body=then, orelse=orelse))
            case _:
                result.append(statement)
    return tuple(result)


def harmless(expr: Expr) -> bool:
    """Whether leaving the expression out cannot be noticed: no check, no floating-point flag, no subscript."""
    match expr:
        case Const() | Sym() | Load(indices=()):
            return True
        case Binary(checked=False, dtype=dtype) | Select(dtype=dtype) if not (dtype.is_float or dtype.is_complex):
            return all(harmless(child) for child in children(expr))
        case Cast(checked=False, operand=operand) if operand.dtype.kind in "biu":
            return harmless(operand)
        case _:
            return False


def refused(error: Unsupported) -> Diagnostic:
    """The reason of an exception."""
    return error.diagnostic
