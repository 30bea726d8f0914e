"""List comprehensions: a loop that fills a local array.

    [[f(i, j) for j in range(m)] for i in range(n)]    ->    for i in 0..n:
                                                                 for j in 0..m: t[j] = f(i, j)
                                                                 for j in 0..m: u[i, j] = t[j]

The polyhedral stage makes one of both arrays. Not here: comprehensions with a test, whose length nobody knows before.
"""

from __future__ import annotations

import ast

from setuptools_polyopt.diagnostics import Span, unsupported
from setuptools_polyopt.frontend import iterables, lists
from setuptools_polyopt.frontend.affine import symbol
from setuptools_polyopt.frontend.context import Context
from setuptools_polyopt.frontend.values import ListValue, TupleValue, Value
from setuptools_polyopt.ir.expressions import Expr, Sym, integer
from setuptools_polyopt.ir.statements import For


def comprehension(ctx: Context, node: ast.ListComp) -> ListValue:
    """`[e for i in range(n)]`: a loop that fills a local array."""
    span, state = ctx.span(node), ctx.state
    part = node.generators[0]
    if len(node.generators) > 1 or part.ifs or part.is_async:
        raise unsupported(span, "comprehension", "a comprehension with several loops or with a test is not supported", "write a loop")
    source = iterables.source(ctx, part.iter)
    if source.spelt:
        raise unsupported(span, "comprehension", "a comprehension over a tuple is not supported", "use a list")
    around = dict(ctx.inner)
    name = state.iterator(part.target.id if isinstance(part.target, ast.Name) else "k")
    loop = For(name, integer(0), source.count.expr(), 1, (), span=span)
    state.loops.append(loop)
    try:
        with state.block() as block, state.facts(symbol(name), source.count - symbol(name) - 1):
            _bind(ctx, part.target, source.value(Sym(name)), span)
            known = set(state.arrays)
            value = ctx.expr(node.elt)
            lists.alone([value], known, span)
            if isinstance(value, ListValue) and any(_depends(ctx, extent, name) for extent in value.view.extents):
                raise unsupported(span, "ragged", "the rows of this list have several lengths", "use rows of one length")
            state.loops.pop()
            target = lists.new(ctx, value, source.count, span, node)
            state.loops.append(loop)
            lists.put(ctx, target, Sym(name), value, span)
            body = tuple(block)
    finally:
        state.loops.pop()
        ctx.inner = around
    state.emit(For(name, integer(0), source.count.expr(), 1, body, span=span))
    state.explicit += 1
    return target


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
