"""What a loop or a comprehension runs over, as a range of indices and the value at an index.

    range(1, n)            i = 1, 2, ...                       i itself
    reversed(range(n))     i = n - 1, n - 2, ...               i itself
    row in a               k = 0, 1, ... len(a) - 1            a[k]
    enumerate(zip(a, b))   k = 0, 1, ... min of the lengths    k, (a[k], b[k])
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from setuptools_polyopt.diagnostics import unsupported
from setuptools_polyopt.frontend import arrays, lists
from setuptools_polyopt.frontend.affine import Affine, affine, number
from setuptools_polyopt.frontend.context import Context
from setuptools_polyopt.frontend.ranges import PYTHON_INT, DataHeader, Header, Strided, kept, range_of
from setuptools_polyopt.frontend.values import ArrayValue, ListValue, ScalarValue, TupleValue, Value
from setuptools_polyopt.ir.dtypes import DType
from setuptools_polyopt.ir.expressions import Binary, Const, Expr, integer
from setuptools_polyopt.operators.values import ScalarType

At: TypeAlias = Callable[[Expr], Value]
"""The value at an index."""

MOST_SPELT = 16
"""Iterations of a loop over a tuple, which is written out."""

_ARGUMENTS = {"range": range(1, 4), "reversed": range(1, 2), "enumerate": range(1, 3), "zip": range(1, 100), "map": range(2, 100)}
_GIVEN = "argument of map "


@dataclass(frozen=True)
class Source:
    """So many values (none if `count` is negative), and the one at an index from 0 on. spelt: they are values of different kinds, so that
    the index has to be a number."""

    count: Affine
    value: At
    spelt: bool = False


def indices_of(ctx: Context, node: ast.expr) -> tuple[Header | DataHeader | int, At]:
    """The range that a `for` loop's iterator takes (only its length, where the loop has to be written out), and the value for each of its
    values. Raises Unsupported for unknown iterables."""
    if _builtin(ctx, node) == "range":
        found = range_of(ctx, node)
        if isinstance(found, Strided):
            return DataHeader((kept(ctx, integer(0), ctx.span(node)), found.count), 1), lambda k: _integer(found.value(k))
        return found, _integer
    if isinstance(node, ast.Call) and _builtin(ctx, node) == "reversed" and _builtin(ctx, node.args[0]) == "range":
        header = range_of(ctx, node.args[0])
        if isinstance(header, Header) and abs(header.step) == 1:
            return Header(header.upper - header.step, header.lower - header.step, -header.step), _integer
    values = source(ctx, node)
    if values.spelt:
        return _few(ctx, values.count, node), values.value
    if ctx.state.regular(values.count):
        return Header(number(0), values.count, 1), values.value
    span = ctx.span(node)
    return DataHeader((kept(ctx, integer(0), span), kept(ctx, values.count.expr(), span)), 1), values.value


def source(ctx: Context, node: ast.expr) -> Source:
    """`range(...)`, lists, arrays, and `zip`, `enumerate` and `reversed` of them."""
    match _builtin(ctx, node), node:
        case ("zip" | "enumerate" | "reversed" as name, ast.Call(args=args, keywords=keywords)):
            parts = [source(ctx, part) for part in (args if name == "zip" else args[:1])]
            if name == "zip":
                spelt = any(part.spelt for part in parts)
                return Source(_least(parts), lambda k: TupleValue(tuple(part.value(k) for part in parts)), spelt)
            count, value = parts[0].count, parts[0].value
            if name == "reversed":
                return Source(count, lambda k: value((count - _form(k) - 1).expr()), parts[0].spelt)
            first = _start(ctx, [*args[1:], *(keyword.value for keyword in keywords)])
            numbered: At = lambda k: TupleValue((ScalarValue(PYTHON_INT, (_form(k) + first).expr()), value(k)))  # noqa: E731
            return Source(count, numbered, parts[0].spelt)
        case "range", _:
            return _of_range(ctx, node)
        case "map", ast.Call(args=[function, *args]):
            return _mapped(ctx, function, [source(ctx, part) for part in args])
        case _, ast.List(elts=elts):
            return _of_value(ctx, TupleValue(tuple(ctx.expr(item) for item in elts)), node)
        case _:
            return _of_value(ctx, ctx.expr(node), node)


def _mapped(ctx: Context, function: ast.expr, parts: list[Source]) -> Source:
    """`map(f, a, b)`: the calls, one for each index that is asked for."""
    names = [ast.copy_location(ast.Name(f"{_GIVEN}{k}", ast.Load()), function) for k in range(len(parts))]
    call = ast.copy_location(ast.Call(function, [*names], []), function)

    def value(index: Expr) -> Value:
        around = dict(ctx.inner)
        ctx.inner = {**around, **{name.id: part.value(index) for name, part in zip(names, parts, strict=True)}}
        try:
            return ctx.expr(call)
        finally:
            ctx.inner = around

    return Source(_least(parts), value, any(part.spelt for part in parts))


def _builtin(ctx: Context, node: ast.expr) -> str:
    """Which of the builtin iterables a call makes; empty for anything else."""
    if not isinstance(node, ast.Call) or any(isinstance(part, ast.Starred) for part in node.args):
        return ""
    name = (ctx.function.module.dotted(node.func) or "").removeprefix("builtins.")
    local = isinstance(node.func, ast.Name) and node.func.id in ctx.function.names.locals
    keywords = {keyword.arg for keyword in node.keywords}
    if name not in _ARGUMENTS or local or len(node.args) + len(keywords) not in _ARGUMENTS[name] or not node.args:
        return ""
    if keywords - ({"start"} if name == "enumerate" else set()):
        return ""
    ctx.expr(node.func)  # for the guard
    return name


def _integer(index: Expr) -> Value:
    return ScalarValue(PYTHON_INT, index)


def _start(ctx: Context, nodes: list[ast.expr]) -> Affine:
    if not nodes:
        return number(0)
    value = ctx.expr(nodes[0])
    form = ctx.state.form(value.expr) if isinstance(value, ScalarValue) and value.type == PYTHON_INT else None
    if form is None:
        raise unsupported(ctx.span(nodes[0]), "loop-iterable", "the start of `enumerate` has to be an integer that is no data")
    return form


def _least(parts: list[Source]) -> Affine:
    count = parts[0].count
    for part in parts[1:]:
        shorter = affine(Binary("min", count.expr(), part.count.expr(), DType.INT64))
        assert shorter is not None  # both are affine
        count = shorter
    return count


def _of_range(ctx: Context, node: ast.expr) -> Source:
    header = range_of(ctx, node)
    if not isinstance(header, Header):
        raise unsupported(ctx.span(node), "shape", "the length of this range is data", "use one with a length that is known before")
    length = header.upper - header.lower if header.step > 0 else header.lower - header.upper
    steps = affine(Binary("floordiv", (length + (abs(header.step) - 1)).expr(), integer(abs(header.step)), DType.INT64))
    assert steps is not None  # a sum over a positive constant
    first, step = header.lower, header.step
    return Source(steps, lambda k: ScalarValue(PYTHON_INT, (_form(k) * step + first).expr()))


def _of_value(ctx: Context, value: Value, node: ast.expr) -> Source:
    span = ctx.span(node)
    match value:
        case ListValue(view=view):
            return Source(lists.length_of(ctx, view, span), lambda k: lists.item(value, k))
        case ArrayValue():
            length, kind = lists.length_of(ctx, value, span), ScalarType("numpy", value.dtype)
            if value.rank == 1:
                return Source(length, lambda k: ScalarValue(kind, value.read((k,))))
            return Source(length, lambda k: arrays.drop_axis(value, 0, k))
        case TupleValue(items=items):
            return Source(number(len(items)), lambda k: items[_position(k)], spelt=True)
        case _:
            raise unsupported(span, "loop-iterable", f"loops over `{ast.unparse(node)}` are not supported", "loop over `range`")


def _few(ctx: Context, count: Affine, node: ast.expr) -> int:
    if count.value is None or count.value > MOST_SPELT:
        raise unsupported(ctx.span(node), "loop-iterable", f"a loop over a tuple is written out up to {MOST_SPELT} items", "use an array")
    return count.value


def _position(index: Expr) -> int:
    """The number of an item of a tuple, which a loop that is written out knows."""
    if not isinstance(index, Const) or isinstance(index.value, complex):
        raise TypeError("a loop over a tuple is written out")
    return int(index.value)


def _form(index: Expr) -> Affine:
    form = affine(index)
    assert form is not None  # an iterator, or one of a linear form of it
    return form
