"""List comprehensions: a loop that fills a local array.

    [[f(i, j) for j in range(m)] for i in range(n)]    ->    for i in 0..n:
                                                                 for j in 0..m: t[j] = f(i, j)
                                                                 for j in 0..m: u[i, j] = t[j]

The polyhedral stage makes one of both arrays. Not here: comprehensions with a test, whose length nobody knows before.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable
from typing import TypeAlias

from setuptools_polyopt.diagnostics import Span, unsupported
from setuptools_polyopt.frontend import appends, arrays, iterables, lists, order
from setuptools_polyopt.frontend.affine import Affine, conditions, symbol
from setuptools_polyopt.frontend.context import Context
from setuptools_polyopt.frontend.values import EmptyValue, ListValue, ScalarValue, TupleValue, Value
from setuptools_polyopt.ir.dtypes import DType
from setuptools_polyopt.ir.expressions import Expr, Sym, integer
from setuptools_polyopt.ir.statements import Assign, For, If, Stmt
from setuptools_polyopt.operators import elementwise

_ITEM = "item of a list"

Body: TypeAlias = Callable[[Expr, Affine], Iterable[Stmt]]
"""Lowers what is done with each value, at an index below a count; answers what has to be done before the loop."""


def comprehension(ctx: Context, node: ast.ListComp) -> ListValue | EmptyValue:
    """`[e for i in range(n)]`: a loop that fills a local array."""
    span, state = ctx.span(node), ctx.state
    known = set(state.arrays)
    items = few(ctx, node)
    if items is not None:
        return lists.of_items(ctx, items, known, span, node)
    if len(node.generators) > 1:
        raise unsupported(span, "comprehension", "a comprehension with several loops is not supported", "write a loop")
    if node.generators[0].ifs:
        return _filtered(ctx, node, span)
    made: list[ListValue] = []

    def body(index: Expr, count: Affine) -> Iterable[Stmt]:
        known = set(state.arrays)
        value = ctx.expr(node.elt)
        lists.alone([value], known, span)
        loop = state.loops.pop()
        if isinstance(value, ListValue) and any(_depends(ctx, extent, loop.var) for extent in value.view.extents):
            raise unsupported(span, "ragged", "the rows of this list have several lengths", "use rows of one length")
        made.append(lists.new(ctx, value, count, span, node))
        state.loops.append(loop)
        lists.put(ctx, made[0], index, value, span)
        return ()

    over(ctx, node.generators[0], span, body)
    return made[0]


def _filtered(ctx: Context, node: ast.ListComp, span: Span) -> ListValue:
    """`[e for v in x if c]`: room for all, and a counter."""
    counter = ctx.state.scratch(DType.INT64)
    made: list[tuple[ListValue, Affine]] = []

    def body(index: Expr, count: Affine) -> Iterable[Stmt]:
        value = ctx.expr(node.elt)
        if not isinstance(value, ScalarValue):
            raise unsupported(span, "comprehension", "a comprehension with a test makes a list of numbers only", "write a loop")
        loop = ctx.state.loops.pop()
        made.append((lists.new(ctx, value, count + 1, span, node), count))
        ctx.state.loops.append(loop)
        appends.put_next(ctx, made[0][0], counter, value, span)
        return (Assign(counter, integer(0), span),)

    over(ctx, node.generators[0], span, body)
    return appends.shortened(ctx, made[0][0], counter, made[0][1], span)


def listed(ctx: Context, argument: ast.expr) -> ListValue | EmptyValue:
    """`list(x)`: a comprehension of the elements of anything that a loop can run over. Alone it is no work: Python only copies."""
    explicit = ctx.state.explicit
    result = comprehension(ctx, _as_comprehension(argument))
    if not isinstance(argument, ast.GeneratorExp | ast.ListComp) and ctx.state.explicit > explicit:
        ctx.state.explicit -= 1
        ctx.state.nests += 1
    return result


def _as_comprehension(argument: ast.expr) -> ast.ListComp:
    if isinstance(argument, ast.ListComp):
        return argument
    if isinstance(argument, ast.GeneratorExp):
        made = ast.ListComp(argument.elt, argument.generators)
    else:
        target, element = ast.Name(_ITEM, ast.Store()), ast.Name(_ITEM, ast.Load())
        made = ast.ListComp(ast.copy_location(element, argument), [ast.comprehension(target, argument, [], 0)])
    return ast.copy_location(made, argument)


def few(ctx: Context, argument: ast.expr, counted: bool = False) -> tuple[Value, ...] | None:
    """The items of a comprehension, or of anything else to iterate over, where a loop over them would be written out (counted: where their
    number is known); else None."""
    node = _as_comprehension(argument)
    if len(node.generators) > 1 or node.generators[0].ifs or node.generators[0].is_async:
        return None
    part, span, restore = node.generators[0], ctx.span(node), ctx.state.checkpoint()
    source = iterables.source(ctx, part.iter)
    if not (source.spelt or counted) or source.count.value is None or source.count.value > iterables.MOST_SPELT:
        restore()
        return None
    around, found = dict(ctx.inner), []
    try:
        for k in range(source.count.value):
            _bind(ctx, part.target, source.value(integer(k)), span)
            found.append((ctx.expr(node.elt), order.here(ctx)))
    finally:
        ctx.inner = around
    kept = [order.keep(ctx, value, place, span) for value, place in reversed(found)]
    return tuple(reversed(kept))


def tupled(ctx: Context, argument: ast.expr) -> TupleValue:
    """`tuple(x)` of a few items."""
    items = few(ctx, argument, True)
    if items is None:
        raise unsupported(ctx.span(argument), "tuple", "a tuple of as many items as data says is not supported", "use a list")
    return TupleValue(items)


def over(ctx: Context, part: ast.comprehension, span: Span, body: Body) -> None:
    """The loop of a comprehension, its tests included, around what `body` lowers."""
    state = ctx.state
    if part.is_async:
        raise unsupported(span, "comprehension", "an asynchronous comprehension is not supported")
    source = iterables.source(ctx, part.iter)
    if source.spelt:
        raise unsupported(span, "comprehension", "a comprehension over a tuple is not supported", "use a list")
    around, heap = dict(ctx.inner), dict(state.heap)
    name = state.iterator(part.target.id if isinstance(part.target, ast.Name) else "k")
    depth = len(state.loops)
    state.loops.append(For(name, integer(0), source.count.expr(), 1, (), span=span))
    try:
        with state.block() as block, state.facts(symbol(name), source.count - symbol(name) - 1):
            _bind(ctx, part.target, source.value(Sym(name)), span)
            before = tuple(_under(ctx, part.ifs, lambda: body(Sym(name), source.count)))
            statements = tuple(block)
    finally:
        del state.loops[depth:]  # `body` may have taken it away for a moment, and failed then
        ctx.inner = around
    if any(state.heap.get(key) != value for key, value in heap.items()) or any(key not in heap for key in state.stores):
        raise unsupported(span, "attribute-assignment", "a comprehension that changes objects is not supported", "write a loop")
    for statement in (*before, For(name, integer(0), source.count.expr(), 1, statements, span=span)):
        state.emit(statement)
    state.explicit += 1


def _under(ctx: Context, tests: list[ast.expr], body: Callable[[], Iterable[Stmt]]) -> Iterable[Stmt]:
    """`body` under all tests."""
    if not tests:
        return body()
    span, state = ctx.span(tests[0]), ctx.state
    test = elementwise.truth(arrays.operand_of(ctx.expr(tests[0]), span), span)
    with state.block() as block, state.facts(*(conditions(test, state.aliases) or ())):
        before = _under(ctx, tests[1:], body)
        inner = tuple(block)
    state.emit(If(test, inner, (), span))
    return before


def _depends(ctx: Context, extent: Expr, name: str) -> bool:
    form = ctx.state.form(extent)
    return form is None or bool(form.coefficient(name)) or any(Sym(name) == atom for atom, _ in form.terms)


def _bind(ctx: Context, target: ast.expr, value: Value, span: Span) -> None:
    """The variables of a comprehension, which are nobody else's."""
    match target:
        case ast.Name(id=name):
            ctx.inner = {**ctx.inner, name: value}
        case ast.Tuple(elts=elts):
            if isinstance(value, ListValue):
                value = lists.unpacked(ctx, value, len(elts), span)
            if not isinstance(value, TupleValue) or len(value.items) != len(elts):
                raise unsupported(span, "unpacking", "only tuples of known length can be unpacked")
            for part, one in zip(elts, value.items, strict=True):
                _bind(ctx, part, one, span)
        case _:
            raise unsupported(span, "loop-target", "a loop variable has to be a plain name")
