"""List comprehensions: a loop that fills a local array.

    [[f(i, j) for j in range(m)] for i in range(n)]    ->    for i in 0..n:
                                                                 for j in 0..m: t[j] = f(i, j)
                                                                 for j in 0..m: u[i, j] = t[j]

The polyhedral stage makes one of both arrays. Not here: comprehensions with a test, whose length nobody knows before.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import dataclass

from setuptools_polyopt.diagnostics import Span, unsupported
from setuptools_polyopt.frontend import arrays, lists
from setuptools_polyopt.frontend.affine import Affine, affine, symbol
from setuptools_polyopt.frontend.context import Context
from setuptools_polyopt.frontend.ranges import PYTHON_INT, DataHeader, range_of
from setuptools_polyopt.frontend.values import ArrayValue, ListValue, ScalarValue, TupleValue, Value
from setuptools_polyopt.ir.dtypes import DType
from setuptools_polyopt.ir.expressions import Binary, Expr, Sym, integer
from setuptools_polyopt.ir.statements import For
from setuptools_polyopt.operators.values import ScalarType


@dataclass(frozen=True)
class _Source:
    """What a comprehension runs over: so many values, and the one at an index."""

    count: Affine
    value: Callable[[Expr], Value]


def comprehension(ctx: Context, node: ast.ListComp) -> ListValue:
    """`[e for i in range(n)]`: a loop that fills a local array."""
    span, state = ctx.span(node), ctx.state
    part = node.generators[0]
    if len(node.generators) > 1 or part.ifs or part.is_async:
        raise unsupported(span, "comprehension", "a comprehension with several loops or with a test is not supported", "write a loop")
    source = _source(ctx, part.iter)
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


def _source(ctx: Context, node: ast.expr) -> _Source:
    """`range(...)`, lists, arrays, and `zip` and `enumerate` of them."""
    path = ctx.function.module.dotted(node.func) if isinstance(node, ast.Call) and not node.keywords else None
    if isinstance(node, ast.Call) and path in ("builtins.zip", "builtins.enumerate") and node.args:
        ctx.expr(node.func)
        return _zipped(ctx, node, path == "builtins.enumerate")
    if path == "builtins.range":
        header = range_of(ctx, node)
        if isinstance(header, DataHeader):
            raise unsupported(ctx.span(node), "shape", "the length of this list is data", "make it with a length that is known before")
        length = header.upper - header.lower if header.step > 0 else header.lower - header.upper
        steps = affine(Binary("floordiv", (length + (abs(header.step) - 1)).expr(), integer(abs(header.step)), DType.INT64))
        assert steps is not None  # a sum over a positive constant
        first, step = header.lower, header.step
        return _Source(steps, lambda k: ScalarValue(PYTHON_INT, (_form(k) * step + first).expr()))
    value, span = ctx.expr(node), ctx.span(node)
    if isinstance(value, ListValue):
        return _Source(lists.length_of(ctx, value.view, span), lambda k: lists.item(value, k))
    if isinstance(value, ArrayValue):
        length, kind = lists.length_of(ctx, value, span), ScalarType("numpy", value.dtype)
        if value.rank == 1:
            return _Source(length, lambda k: ScalarValue(kind, value.read((k,))))
        return _Source(length, lambda k: arrays.drop_axis(value, 0, k))
    raise unsupported(span, "loop-iterable", f"loops over `{ast.unparse(node)}` are not supported", "loop over `range`")


def _zipped(ctx: Context, node: ast.Call, enumerated: bool) -> _Source:
    if enumerated and len(node.args) > 1:
        raise unsupported(ctx.span(node), "loop-iterable", "`enumerate` with a start is not supported")
    parts = [_source(ctx, part) for part in node.args]
    count = parts[0].count
    for part in parts[1:]:
        shorter = affine(Binary("min", count.expr(), part.count.expr(), DType.INT64))
        assert shorter is not None  # both are affine
        count = shorter
    if enumerated:
        return _Source(count, lambda k: TupleValue((ScalarValue(PYTHON_INT, k), parts[0].value(k))))
    return _Source(count, lambda k: TupleValue(tuple(part.value(k) for part in parts)))


def _form(index: Expr) -> Affine:
    form = affine(index)
    assert form is not None  # an iterator
    return form
