"""Objects of the project's classes that a region makes, their attributes and operators, and attributes of arguments that it sets.

    s = State(x, y)              a tuple with names
    v = Vec(1.0, 2.0)            a record: its attributes are values, and nothing is left of the object
    rng = LCG(7)                 an object: what its methods set are variables (`State.heap`)
    self.total += x              a variable, which `self.total` takes over behind the region

A class whose objects' attributes are set in `__init__` only gives records, since nobody can tell two of them apart. Others must not leave.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence

from setuptools_polyopt.diagnostics import Span, unsupported
from setuptools_polyopt.frontend import order
from setuptools_polyopt.frontend.classes import Class, class_of
from setuptools_polyopt.frontend.context import Context, constant_value
from setuptools_polyopt.frontend.inline import applied, inline
from setuptools_polyopt.frontend.joins import named
from setuptools_polyopt.frontend.shapes import mapped
from setuptools_polyopt.frontend.values import (
    FunctionValue,
    ListValue,
    ObjectValue,
    RecordValue,
    ScalarValue,
    TupleKind,
    TupleValue,
    Value,
)
from setuptools_polyopt.ir.kernel import GlobalGuard

_KINDS = {"plain": 0, "data": 1, "tuple": 2}
_OPERATORS = {
    "Add": "add", "Sub": "sub", "Mult": "mul", "Div": "truediv", "FloorDiv": "floordiv", "Mod": "mod", "Pow": "pow", "MatMult": "matmul",
}  # fmt: skip


def constructed(ctx: Context, node: ast.Call) -> Value | None:
    """The object that a call of a class of the project makes; None for any other call."""
    if not isinstance(node.func, ast.Name) or ctx.is_local(node.func.id) or node.func.id in ctx.function.enclosing:
        return None
    module, span = ctx.function.module, ctx.span(node)
    path = ctx.function.project.class_path(module, node.func)
    if not path:
        return None
    found = class_of(ctx.function.project, path)
    if found is None:
        raise unsupported(span, "project-call", f"making a `{node.func.id}` may do more than its `__init__` says; it stays Python")
    home, _, own = path.rpartition(".")
    listed = found.fields if found.kind != "plain" else ()
    ctx.guard(GlobalGuard(node.func.id, (), f"{home}:{' '.join((own, *listed))}", kind="class", position=_KINDS[found.kind]))
    spelt = node.func.id if ctx.caller is None or module is ctx.outermost.function.module else ""
    kind = TupleKind(path, found.fields, spelt if found.kind == "tuple" else "")
    if found.kind == "plain":
        return _initialised(ctx, node, found, kind)
    items = _fields(ctx, node, found, span)
    if found.kind == "tuple":
        return TupleValue(items, kind)
    return RecordValue(items, kind) if found.steady else _object(ctx, found, dict(zip(found.fields, items, strict=True)), span)


def _fields(ctx: Context, node: ast.Call, made: Class, span: Span) -> tuple[Value, ...]:
    """The values of the fields, as the library's function matches them."""
    if any(isinstance(item, ast.Starred) for item in node.args) or any(item.arg is None for item in node.keywords):
        raise unsupported(span, "starred", "`*` and `**` in a call are not supported")
    values = order.evaluated(ctx, [*node.args, *(item.value for item in node.keywords)])
    names = [*made.fields[: len(node.args)], *(item.arg or "" for item in node.keywords)]
    found = dict(zip(names, values, strict=False))
    missing = [name for name in made.fields if name not in found]
    if len(values) != len(found) or set(found) - set(made.fields) or any(name not in made.defaults for name in missing):
        raise unsupported(span, "project-call", f"the arguments do not fit the fields of `{made.path}`")
    return tuple(found[name] if name in found else constant_value(made.defaults[name], span) for name in made.fields)


def _new(ctx: Context, made: Class) -> ObjectValue:
    ctx.state.calls += 1
    return ObjectValue(f"@{made.path.rpartition('.')[2]}#{ctx.state.calls}", (), made.path)


def _object(ctx: Context, made: Class, values: dict[str, Value], span: Span) -> ObjectValue:
    found = _new(ctx, made)
    for name, value in values.items():
        _put(ctx, found.key(name), value, span)
    return found


def _initialised(ctx: Context, node: ast.Call, made: Class, kind: TupleKind) -> Value:
    """What `__init__` makes of a new object."""
    found, span = _new(ctx, made), ctx.span(node)
    inline(ctx, node, ctx.bound_method(found, made.path, "__init__", span), used=False)
    if not made.steady or any(found.key(name) not in ctx.state.heap for name in made.fields):
        return found
    return RecordValue(tuple(ctx.settle(ctx.state.heap.pop(found.key(name)), span) for name in made.fields), kind)


def _put(ctx: Context, key: str, value: Value, span: Span) -> None:
    def owned(name: str, item: Value) -> Value:
        return named(ctx, name, item, span) if isinstance(item, ScalarValue) else item

    ctx.state.heap[key] = mapped(key, value, owned)


# ---- attributes ----------------------------------------------------------------------------------------------------------------------


def attribute(ctx: Context, base: TupleValue | RecordValue, name: str, span: Span) -> Value:
    """An attribute of a named tuple or of a record."""
    if base.kind is None:
        raise unsupported(span, "attribute", f"`.{name}` of a tuple is not understood")
    if name in base.kind.fields:
        return base.items[base.kind.fields.index(name)]
    return ctx.member(base.kind.path, name, span)


def store(ctx: Context, base: Value, name: str, value: Value, span: Span) -> None:
    """`base.name = value`; raises Unsupported where the object may be known elsewhere under another name."""
    if not isinstance(base, ObjectValue):
        raise unsupported(span, "attribute-assignment", "assignment to an attribute stays Python", "assign it after the loop")
    if not base.local:
        if ":" in base.root:
            raise unsupported(span, "attribute-assignment", "assignment to an attribute of a module's object stays Python")
        before = ctx.attribute(base, name, span)
        if not isinstance(before, ScalarValue) or not isinstance(value, ScalarValue):
            raise unsupported(span, "attribute-assignment", "only numbers can be assigned to attributes here", "assign it after the loop")
        ctx.state.stores[base.key(name)] = (base, name)
    elif isinstance(value, ListValue | ObjectValue) and any(known == value for known in ctx.state.heap.values()):
        raise unsupported(span, "attribute-assignment", "two attributes are the same list or object", "copy it")
    _put(ctx, base.key(name), value, span)


# ---- methods that operators stand for ------------------------------------------------------------------------------------------------


def method(ctx: Context, base: Value, name: str, span: Span) -> FunctionValue | None:
    """A method of an object, whose class is known; None of anything that is no object."""
    if isinstance(base, ObjectValue):
        return ctx.method(base, name, span)
    kind = base.kind if isinstance(base, TupleValue | RecordValue) else None
    if kind is None or (isinstance(base, TupleValue) and ctx.function.project.method(kind.path, name) is None):
        return None
    return ctx.bound_method(base, kind.path, name, span)


def operator(ctx: Context, op: str, left: Value, right: Value, span: Span) -> Value | None:
    """`left op right` where one side is an object of the project's; None where neither is."""
    own = isinstance(left, RecordValue | ObjectValue)
    if not own and not isinstance(right, RecordValue | ObjectValue):
        return None
    name = _OPERATORS.get(op)
    if name is None or (not own and not isinstance(left, ScalarValue)):
        raise unsupported(span, "operator-type", "this operator of objects is not supported", "call a method")
    found = method(ctx, left if own else right, f"__{'' if own else 'r'}{name}__", span)
    assert found is not None  # it is an object
    return applied(ctx, found, (right if own else left,), span)


def item(ctx: Context, base: Value, key: ast.expr, span: Span, value: Callable[[], Value] | None = None) -> Value | None:
    """`base[key]` (value: what is stored there) of an object; None for anything else."""
    if not isinstance(base, RecordValue | ObjectValue):
        return None
    given: Sequence[Value] = (ctx.expr(key),) if value is None else (ctx.expr(key), value())
    found = method(ctx, base, "__getitem__" if value is None else "__setitem__", span)
    assert found is not None  # it is an object
    return applied(ctx, found, given, span, used=value is None)
