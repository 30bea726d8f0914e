"""Calls of the project's own functions: the callee's statements are lowered where the call stands.

Names of the callee live in variables of their own; arrays are aliases, so what it writes is the caller's. Types follow from the arguments,
so no profile of the callee is needed.

    def clamp(x, hi):                  clamp_x = a[i] * 2.0
        if x > hi:            ->       if clamp_x > 1.0: clamp_return = 1.0
            return hi                  else: clamp_return = clamp_x
        return x                       b[i] = clamp_return
    b[i] = clamp(a[i] * 2.0, 1.0)

Guards ask in each call that the names still lead to the very functions that were looked through. Recursion stays Python.
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from setuptools_polyopt.diagnostics import Span, Unsupported, unsupported
from setuptools_polyopt.frontend import joins, order
from setuptools_polyopt.frontend.context import Context, Function, constant_value
from setuptools_polyopt.frontend.project import Definition, default_of
from setuptools_polyopt.frontend.shapes import Group, leaf
from setuptools_polyopt.frontend.values import (
    ArrayValue,
    FunctionValue,
    ListValue,
    NoneValue,
    RecordValue,
    ScalarValue,
    TupleValue,
    Value,
)
from setuptools_polyopt.ir.expressions import Const, Load
from setuptools_polyopt.ir.kernel import Constant, MethodInput

MAX_DEPTH = 12
"""Calls inside calls."""
MAX_STATEMENTS = 400
"""Of all callees of a region together."""


def inline(ctx: Context, node: ast.Call, function: FunctionValue, used: bool = True) -> Value:
    """The value of a call of a project's function, None where it is not `used`. Raises Unsupported with the reason at the call."""
    span, definition = ctx.span(node), function.definition
    _check(ctx, definition, definition.key.rpartition(":")[2], span)
    return _called(ctx, function, _arguments(ctx, node, function, span), span, used)


def applied(ctx: Context, function: FunctionValue, values: Sequence[Value], span: Span, used: bool = True) -> Value:
    """The value of a call with these arguments."""
    definition = function.definition
    name = definition.key.rpartition(":")[2]
    _check(ctx, definition, name, span)
    assert definition.node is not None  # checked
    own = definition.node.args
    names = [argument.arg for argument in (*own.posonlyargs, *own.args)]
    given = [*(() if function.receiver is None else (function.receiver,)), *values]
    if len(names) != len(given) or own.kwonlyargs:
        raise unsupported(span, "project-call", f"the call of `{name}` stays Python: its arguments do not fit its parameters")
    return _called(ctx, function, dict(zip(names, given, strict=True)), span, used)


def _called(ctx: Context, function: FunctionValue, arguments: dict[str, Value], span: Span, used: bool) -> Value:
    name = function.definition.key.rpartition(":")[2]
    try:
        return _lowered(ctx, function, name, arguments, span, used)
    except Unsupported as error:
        inner = error.diagnostic
        if inner.kind == "project-call":
            raise unsupported(span, inner.kind, inner.message, inner.remedy, inner.developer) from None
        where = f"{inner.span.file}:{inner.span.line}"
        message = f"the call of `{name}` stays Python: {inner.message} ({where})"
        raise unsupported(span, "project-call", message, inner.remedy, inner.kind) from None


def _check(ctx: Context, definition: Definition, name: str, span: Span) -> None:
    """Refuse what cannot be looked through whatever the arguments are."""
    why = definition.why
    depth, around = 0, ctx
    while around.caller is not None and not why:
        why = "it is recursive" if around.called == definition.key else ""
        depth, around = depth + 1, around.caller
    if not why and definition.fp != ctx.function.fp:
        why = f"its `fp` is {definition.fp!r} and its caller's {ctx.function.fp!r}"
    if not why and depth >= MAX_DEPTH:
        why = f"more than {MAX_DEPTH} calls are in each other"
    if not why and ctx.state.inlined + definition.size > MAX_STATEMENTS:
        why = f"with it, the region would have more than {MAX_STATEMENTS} statements of called functions"
    if why:
        raise unsupported(span, "project-call", f"the call of `{name}` stays Python: {why}")


def _arguments(ctx: Context, node: ast.Call, function: FunctionValue, span: Span) -> dict[str, Value]:
    """The value of each parameter, as Python matches them; raises Unsupported where it would raise."""
    definition = function.definition
    assert definition.node is not None  # checked
    own = definition.node.args
    positional = [argument.arg for argument in (*own.posonlyargs, *own.args)]
    by_name = {argument.arg for argument in (*own.args, *own.kwonlyargs)}
    if any(isinstance(item, ast.Starred) for item in node.args) or any(item.arg is None for item in node.keywords):
        raise unsupported(span, "starred", "`*` and `**` in a call are not supported")
    first = () if function.receiver is None else (function.receiver,)
    given = order.evaluated(ctx, [*node.args, *(item.value for item in node.keywords)])
    unnamed = [*first, *given[: len(node.args)]]
    names = [item.arg for item in node.keywords if item.arg is not None]
    found = dict(zip(positional, unnamed, strict=False))
    wrong = len(unnamed) > len(positional) or any(name in found or name not in by_name for name in names)
    found.update(zip(names, given[len(node.args) :], strict=True))
    for name in (*positional, *(argument.arg for argument in own.kwonlyargs)):
        default = None if wrong or name in found else default_of(definition, name)
        if default is not None:
            value, position = default
            _guard_default(ctx, function, position, value)
            found[name] = constant_value(value, span)
        wrong = wrong or name not in found
    if wrong:
        text = "its arguments do not fit its parameters, or a default is no constant"
        raise unsupported(span, "project-call", f"the call of `{definition.key.rpartition(':')[2]}` stays Python: {text}")
    return found


def _guard_default(ctx: Context, function: FunctionValue, position: int, value: Constant) -> None:
    """Ask that a default is what the `def` says; of a function that only this call knows, it is."""
    if function.guard is not None:
        ctx.guard(replace(function.guard, value=value, kind="default", position=position))
    if function.method:
        item = ctx.state.inputs[function.method]
        assert isinstance(item.type, MethodInput)  # made so
        defaults = (*item.type.defaults, (position, value))
        ctx.state.inputs[function.method] = replace(item, type=replace(item.type, defaults=tuple(dict.fromkeys(defaults))))


def _lowered(
    ctx: Context, called: FunctionValue, name: str, arguments: Mapping[str, Value], span: Span, used: bool
) -> Value:
    """The callee's statements, and its value."""
    definition = called.definition
    assert definition.node is not None  # checked
    function = Function(
        definition.file,
        name,
        definition.module,
        definition.names,
        definition.fp,
        definition.enclosing,
        ctx.function.project,
        definition.inner,
    )
    inner = Context(function, {}, ctx.evaluate, ctx.execute, ctx.state, ctx, definition.key, called.scope)
    *body, last = definition.node.body
    assert isinstance(last, ast.Return)  # the single exit
    assert last.value is not None
    ctx.state.inlined += definition.size
    with ctx.state.call(name.rpartition(".")[2]):
        for parameter, value in arguments.items():
            ctx.state.env[parameter] = _parameter(inner, parameter, value, span)
        ctx.execute(inner, body)
        result = inner.expr(last.value) if used else NoneValue()
    return _returned(inner, result, arguments.values(), span)


def _parameter(ctx: Context, name: str, value: Value, span: Span) -> Value:
    """What a parameter is worth: a number that the callee's statements could change is stored, an array is known to the caller too."""
    match value:
        case ArrayValue():
            return replace(value, fresh=False)
        case ListValue(view=view):
            return replace(value, view=replace(view, fresh=False))
        case TupleValue(items=items) | RecordValue(items=items):
            return replace(value, items=tuple(_parameter(ctx, leaf(name, index), item, span) for index, item in enumerate(items)))
        case ScalarValue() if not _lasts(ctx, value):
            return joins.named(ctx, name, value, span)
        case _:
            return value


def _lasts(ctx: Context, value: ScalarValue) -> bool:
    """Whether a number is the same wherever the callee reads it: a constant, an index expression, a variable of the caller."""
    plain = isinstance(value.expr, Const) or (isinstance(value.expr, Load) and not value.expr.indices)
    tag = value.type.tag
    return (plain or ctx.state.form(value.expr) is not None) and (tag is None or (isinstance(tag, Load | Const)))


def _returned(inner: Context, value: Value, arguments: Collection[Value], span: Span) -> Value:
    """The value of the call; an argument that comes back is the very array that it was."""
    if isinstance(value, Group):
        return replace(value, items=tuple(_returned(inner, item, arguments, span) for item in value.items))
    if isinstance(value, FunctionValue) and value.scope is inner:
        raise unsupported(span, "closure", "it answers a function that sees its names")
    for argument in arguments if isinstance(value, ArrayValue | ListValue) else ():
        if isinstance(argument, ArrayValue | ListValue) and _parameter(inner, "", argument, span) == value:
            return argument
    return value
