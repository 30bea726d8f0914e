"""Statements: assignments, augmented assignments, `if`, `for`; anything else stays Python.

    s += a[i] * b[i]       ->   S0: s = s + a[i] * b[i]
    a[1:] = a[:-1] + 1     ->   a temporary of the sum, then a loop that copies it
    a, b = b, a            ->   nothing: the names change places
"""

from __future__ import annotations

import ast
from dataclasses import replace

from setuptools_polyopt.diagnostics import Span, unsupported
from setuptools_polyopt.frontend import arrays, calls, comprehensions, lists, loops, order, picking, records
from setuptools_polyopt.frontend.affine import conditions, negated
from setuptools_polyopt.frontend.attributes import attribute_of
from setuptools_polyopt.frontend.behind import dead
from setuptools_polyopt.frontend.context import Context
from setuptools_polyopt.frontend.expressions import binary, truth
from setuptools_polyopt.frontend.joins import current, join_branches, join_heaps, named
from setuptools_polyopt.frontend.jumps import Again
from setuptools_polyopt.frontend.names import all_arguments, bound
from setuptools_polyopt.frontend.picking import Masked, Picked
from setuptools_polyopt.frontend.shapes import mapped
from setuptools_polyopt.frontend.subscripts import Element, locate
from setuptools_polyopt.frontend.values import (
    ArrayValue,
    ConflictValue,
    FunctionValue,
    GrowingValue,
    ListValue,
    ObjectValue,
    RecordValue,
    ScalarValue,
    TupleValue,
    Value,
)
from setuptools_polyopt.ir.expressions import FALSE, TRUE, Const, Expr
from setuptools_polyopt.ir.statements import If
from setuptools_polyopt.operators import elementwise
from setuptools_polyopt.operators.values import Operand


def lower_block(ctx: Context, body: list[ast.stmt]) -> None:
    """All statements in order, up to a jump; raises Unsupported at the first that is not understood."""
    for statement in body:
        lower(ctx, statement)
        if ctx.state.ended:
            break


def lower(ctx: Context, node: ast.stmt) -> None:
    """One statement."""
    match node:
        case ast.Pass() | ast.Expr(value=ast.Constant()):
            pass
        case ast.Assign(targets=targets, value=value):
            _assign(ctx, targets, value)
        case ast.AnnAssign(target=target, value=ast.expr() as value):
            _assign(ctx, [target], value)
        case ast.AugAssign():
            _augmented(ctx, node)
        case ast.If():
            _if(ctx, node)
        case ast.For():
            loops.lower_for(ctx, node, _PARTS)
        case ast.While():
            loops.lower_while(ctx, node, _PARTS)
        case (ast.Break() | ast.Continue()) if ctx.state.flows:
            loops.lower_jump(ctx, node)
        case Again():
            loops.lower_again(ctx)
        case ast.Raise():
            _fail(ctx, node)
        case ast.Assert(test=test):
            _assert(ctx, test)
        case ast.Expr(value=ast.Call() as call):
            calls.effect(ctx, call)
        case ast.FunctionDef(name=name) if ctx.caller is not None and name in ctx.function.inner and _without_effects(node):
            ctx.state.env[name] = FunctionValue(ctx.function.inner[name], scope=ctx)
        case _:
            _refuse(ctx, node)


def _fail(ctx: Context, node: ast.stmt) -> None:
    """`raise`: the kernel fails, and the original statements raise. Nothing runs behind it."""
    ctx.state.check(FALSE, ctx.span(node))
    ctx.state.ended = 1


def _assert(ctx: Context, node: ast.expr) -> None:
    """`assert`: like a `raise` where the test does not hold."""
    span = ctx.span(node)
    test = truth(ctx, ctx.expr(node), span)
    if test != TRUE:
        ctx.state.check(test, span)


def _without_effects(node: ast.FunctionDef) -> bool:
    """Whether a definition evaluates nothing but literals."""
    annotated = node.returns is not None or any(argument.annotation is not None for argument in all_arguments(node))
    defaults = [*node.args.defaults, *(item for item in node.args.kw_defaults if item is not None)]
    return not node.decorator_list and not annotated and all(isinstance(item, ast.Constant) for item in defaults)


def _refuse(ctx: Context, node: ast.stmt) -> None:
    words = {
        ast.Break: ("break", "the loop that this `break` leaves stays Python", ""),
        ast.Continue: ("continue", "the loop that this `continue` belongs to stays Python", ""),
        ast.Return: ("return", "`return` in the middle of a region is not supported", "return at the end"),
        ast.Delete: ("delete", "`del` is not supported", ""),
        ast.With: ("with", "`with` blocks stay Python", "move loops into a function of their own"),
        ast.Try: ("try", "`try` blocks stay Python", ""),
        ast.FunctionDef: ("nested-function", "a function defined here stays Python", ""),
        ast.Import: ("import", "`import` stays Python", "import at the top of the module"),
        ast.ImportFrom: ("import", "`import` stays Python", "import at the top of the module"),
        ast.Global: ("shared-name", "`global` and `nonlocal` names are not supported", "use a local variable"),
        ast.Nonlocal: ("shared-name", "`global` and `nonlocal` names are not supported", "use a local variable"),
        ast.Expr: ("expression-statement", "this expression stays Python", ""),
    }
    default = ("statement", f"`{type(node).__name__}` statements are not supported", "")
    kind, message, remedy = words.get(type(node), default)
    raise unsupported(ctx.span(node), kind, message, remedy)


def _assign(ctx: Context, targets: list[ast.expr], node: ast.expr) -> None:
    span = ctx.span(node)
    items = comprehensions.few(ctx, node) if _is_unpacked(ctx, targets, node) else None
    value = ctx.expr(node) if items is None else TupleValue(items)
    if isinstance(value, TupleValue):
        value = mapped("", value, lambda _, item: _fixed(ctx, item, span))
    elif len(targets) > 1:
        value = _fixed(ctx, value, span)
    for target in targets:
        _store(ctx, target, value, span)


def _is_unpacked(ctx: Context, targets: list[ast.expr], node: ast.expr) -> bool:
    """Whether names take the items of what is iterated over once and then gone."""
    once = isinstance(node, ast.GeneratorExp) or (isinstance(node, ast.Call) and ctx.function.module.dotted(node.func) == "builtins.map")
    return once and len(targets) == 1 and isinstance(targets[0], ast.Tuple | ast.List)


def _fixed(ctx: Context, value: Value, span: Span) -> Value:
    """A value that later stores of the same statement cannot change."""
    if not isinstance(value, ScalarValue) or isinstance(value.expr, Const) or ctx.state.form(value.expr) is not None:
        return value
    kind = value.type
    if kind.tag is not None:
        tag = ctx.state.scratch(kind.tag.dtype)
        ctx.state.tags[tag.array] = None
        arrays.store(ctx, tag, kind.tag, span)
        kind = replace(kind, tag=tag)
    scratch = ctx.state.scratch(kind.dtype)
    arrays.store(ctx, scratch, value.expr, span)
    return ScalarValue(kind, scratch, None, value.narrow)


def _store(ctx: Context, target: ast.expr, value: Value, span: Span) -> None:
    match target:
        case ast.Name(id=name):
            bind(ctx, name, value, ctx.span(target))
        case ast.Tuple(elts=elts) | ast.List(elts=elts):
            if isinstance(value, ListValue):
                items = lists.unpacked(ctx, value, len(elts), span).items
                value = TupleValue(tuple(_fixed(ctx, item, span) for item in items))
            if not isinstance(value, TupleValue) or any(isinstance(item, ast.Starred) for item in elts):
                raise unsupported(span, "unpacking", "only tuples of known length can be unpacked")
            if len(elts) != len(value.items):
                raise unsupported(span, "unpacking", f"{len(value.items)} values for {len(elts)} names")
            for item, part in zip(elts, value.items, strict=True):
                _store(ctx, item, part, span)
        case ast.Subscript():
            store_subscript(ctx, target, value, span)
        case ast.Attribute(value=base, attr=name):
            before = order.here(ctx)
            owner = ctx.expr(base)
            records.store(ctx, owner, name, order.keep(ctx, value, before, span), span)
        case _:
            raise unsupported(ctx.span(target), "target", "this assignment target is not supported")


def store_subscript(ctx: Context, target: ast.Subscript, value: Value, span: Span) -> None:
    """`a[...] = value`."""
    before = order.here(ctx)
    if isinstance(target.value, ast.Name | ast.Attribute):
        owner = ctx.expr(target.value)
        if records.item(ctx, owner, target.slice, span, lambda: order.keep(ctx, value, before, span)) is not None:
            return
    place = locate(ctx, target)
    value = order.keep(ctx, value, before, span)
    match place:
        case Element(view=view) if view.writable:
            if not isinstance(value, ScalarValue):
                raise unsupported(span, "assigned-value", "only a number can be assigned to one element")
            _element(ctx, place, value, span)
        case ArrayValue():
            arrays.assign(ctx, place, value, span)
        case Picked() | Masked():
            picking.assign(ctx, place, value, span)
        case ListValue():
            raise unsupported(span, "list-store", "a row or a part of a list cannot be replaced", "store it element by element")
        case _:
            raise unsupported(span, "assigned-value", "this cannot be assigned to")


def _element(ctx: Context, place: Element, value: ScalarValue, span: Span) -> None:
    """Store a number as an element of an array takes it; of a list it has to have the type already."""
    if place.of is not None:
        lists.store(ctx, place.of, place.view, place.indices, value, span)
    else:
        converted = elementwise.convert(Operand(value.expr, value.type), place.view.dtype, span)
        arrays.write(ctx, place.view, place.indices, converted, span)


def bind(ctx: Context, name: str, value: Value, span: Span) -> None:
    """`name = value`: scalars are stored into the name's variable, arrays and everything else are aliases."""
    if name in ctx.function.names.shared or name not in ctx.function.names.locals:
        raise unsupported(span, "shared-name", f"`{name}` is declared global or nonlocal", "use a local variable")
    state = ctx.state
    state.bound[name] = None
    if isinstance(value, ScalarValue):
        state.env[name] = named(ctx, name, value, span)
        return
    if isinstance(value, TupleValue):
        owned = lambda key, item: named(ctx, key, item, span) if isinstance(item, ScalarValue) else item  # noqa: E731
        state.env[name] = mapped(name, value, owned)
        return
    made = value.view if isinstance(value, ListValue) else value
    if isinstance(made, ArrayValue) and made.fresh and made.storage.rstrip("0123456789") in ("t", "t_"):
        state.titles.setdefault(made.storage, name)
    state.env[name] = value


def _augmented(ctx: Context, node: ast.AugAssign) -> None:
    span, op = ctx.span(node), type(node.op).__name__
    match node.target:
        case ast.Name(id=name):
            old = ctx.read(name, ctx.span(node.target))
            place = order.here(ctx)
            value = ctx.expr(node.value)
            result = binary(ctx, op, order.keep(ctx, old, place, span), value, span)
            if isinstance(old, ArrayValue):
                _not_one_product(ctx, op, old, span)
                arrays.assign(ctx, old, result, span, in_place=True)
            else:
                bind(ctx, name, result, span)
        case ast.Subscript():
            _augmented_subscript(ctx, node, op, node.target)
        case ast.Attribute(value=base, attr=name):
            owner = ctx.expr(base)
            old = attribute_of(ctx, owner, node.target)
            place = order.here(ctx)
            value = ctx.expr(node.value)
            if not isinstance(old, ScalarValue):
                raise unsupported(span, "attribute-assignment", "only numbers of objects can be changed here", "use a local variable")
            records.store(ctx, owner, name, binary(ctx, op, order.keep(ctx, old, place, span), value, span), span)


def _augmented_subscript(ctx: Context, node: ast.AugAssign, op: str, target: ast.Subscript) -> None:
    span = ctx.span(node)
    if isinstance(target.value, ast.Name | ast.Attribute) and isinstance(ctx.expr(target.value), ObjectValue | RecordValue):
        raise unsupported(span, "subscript", "items of objects can be set only", "write x[k] = x[k] + e")
    place = locate(ctx, target)
    match place:
        case Element(view=view) if view.writable:
            old = place.value
            before = order.here(ctx)
            other = ctx.expr(node.value)
            result = binary(ctx, op, order.keep(ctx, old, before, span), other, span)
            if not isinstance(result, ScalarValue):
                raise unsupported(span, "assigned-value", "only a number can be assigned to one element")
            _element(ctx, place, result, span)
        case ArrayValue():
            result = binary(ctx, op, place, ctx.expr(node.value), span)
            _not_one_product(ctx, op, place, span)
            arrays.assign(ctx, place, result, span, in_place=True)
        case Picked() | Masked():
            taken = picking.read(ctx, place, span)
            result = binary(ctx, op, taken, ctx.expr(node.value), span)
            _not_one_product(ctx, op, taken, span)
            arrays.assign(ctx, taken, result, span, in_place=True)
            picking.assign(ctx, place, taken, span)
        case _:
            raise unsupported(span, "assigned-value", "this cannot be assigned to")


def _not_one_product(ctx: Context, op: str, target: ArrayValue, span: Span) -> None:
    """NumPy takes the product of a single complex element in place for a reduction, which rounds like a scalar product and not like the
    arrays' (fused) one; so there has to be more than one element."""
    if op != "Mult" or not target.dtype.is_complex or ctx.function.fp == "fast":
        return
    forms = [ctx.state.form(extent) for extent in target.extents]
    known = [form for form in forms if form is not None]
    if len(known) < len(forms):
        raise unsupported(span, "complex-product", "the extent of an axis is no affine expression")
    ctx.state.assume(sum(known[1:], known[0]) - len(known) - 1, "a complex array that is multiplied in place has several elements", span)


def _if(ctx: Context, node: ast.If) -> None:
    span = ctx.span(node.test)
    test = truth(ctx, ctx.expr(node.test), span)
    if isinstance(test, Const):
        lower_block(ctx, node.body if test.value else node.orelse)
        return
    _branch(ctx, test, (node.body, node.orelse), ctx.function.names.live[id(node)], span)


def _branch(ctx: Context, test: Expr, branches: tuple[list[ast.stmt], list[ast.stmt]], live: frozenset[str], span: Span) -> None:
    """Two branches and what comes out of them. live: the names that may be read behind them."""
    state = ctx.state
    holds = conditions(test, state.aliases) or ()
    fails = negated(test, state.aliases) or ()
    assigned = sorted((bound(branches[0]) | bound(branches[1])) & ctx.function.names.locals)
    names = [name for name in assigned if name in live]
    before, heap = dict(state.env), dict(state.heap)
    with state.block() as then:
        with state.facts(*holds):
            lower_block(ctx, branches[0])
        first = {name: current(ctx, name, span) for name in names}
        then_statements = list(then)
    then_ended, state.ended = state.ended, 0
    after_then, state.env = state.env, dict(before)
    heap_then, state.heap = state.heap, heap
    with state.block() as orelse:
        with state.facts(*fails):
            lower_block(ctx, branches[1])
        second = {name: current(ctx, name, span) for name in names}
        else_statements = list(orelse)
    if then_ended or state.ended:
        if not then_ended:
            state.env, state.heap = after_then, heap_then
        state.ended &= then_ended
        state.emit(If(test, tuple(then_statements), tuple(else_statements), span))
        return
    after_else, state.env = state.env, dict(before)
    for name in assigned:
        state.env[name] = ConflictValue(dead(name, span))
    for name, value in before.items():
        if isinstance(value, GrowingValue) and after_then.get(name) == after_else.get(name):  # both have appended to it, or neither
            state.env[name] = after_then[name]
    blocks = (then_statements, else_statements)
    join_heaps(ctx, (heap_then, state.heap), blocks, span)
    for name in names:
        state.env[name] = join_branches(ctx, name, first[name], second[name], blocks, span)
    state.emit(If(test, tuple(then_statements), tuple(else_statements), span))


_PARTS = loops.Parts(lower_block, _store, _branch)
