"""Lists that grow by one element in each iteration of a loop: comprehensions, written out.

    out = []                           out: as many as the loop has iterations
    for i in range(n):          ->     for i in 0..n:
        out.append(f(i))                   out[i] = f(i)

The one `append` stands in the loop's own body, so that it runs in every iteration, and nothing else in the loop speaks of the list. A row
that is appended is known under its own name as the row of the list from there on.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass

from setuptools_polyopt.diagnostics import Span, unsupported
from setuptools_polyopt.frontend import arrays, lists
from setuptools_polyopt.frontend.affine import Affine, affine, symbol
from setuptools_polyopt.frontend.context import Context
from setuptools_polyopt.frontend.jumps import has_jumps
from setuptools_polyopt.frontend.ranges import Header
from setuptools_polyopt.frontend.values import EmptyValue, GrowingValue, ListValue, Value
from setuptools_polyopt.ir.dtypes import DType
from setuptools_polyopt.ir.expressions import Binary, integer


@dataclass(frozen=True)
class _Trips:
    """How often a loop runs, and the number of an iteration."""

    header: Header

    @property
    def count(self) -> Affine:
        header = self.header
        length = header.upper - header.lower if header.step > 0 else header.lower - header.upper
        return _divided(length + (abs(header.step) - 1), abs(header.step))

    def number(self, variable: str) -> Affine:
        distance = symbol(variable) - self.header.lower
        return _divided(distance if self.header.step > 0 else distance * -1, abs(self.header.step))


def _divided(form: Affine, step: int) -> Affine:
    if step == 1:
        return form
    found = affine(Binary("floordiv", form.expr(), integer(step), DType.INT64))
    assert found is not None  # a sum over a positive constant
    return found


def begin(ctx: Context, node: ast.For, header: object) -> None:
    """Before a loop: the empty lists to which each iteration appends once begin to grow."""
    if not isinstance(header, Header) or node.orelse or has_jumps(node.body):
        return
    state = ctx.state
    for name, value in list(state.env.items()):
        if isinstance(value, EmptyValue) and _appends_once(node, name) and not _known_elsewhere(ctx, name, value):
            count = _Trips(header).count
            state.assume(count, "the length of the new list is not negative", ctx.span(node))
            state.env[name] = GrowingValue(count, _Trips(header).number, len(state.loops), frozenset(state.arrays))


def _appends_once(node: ast.For, name: str) -> bool:
    mentioned = sum(isinstance(part, ast.Name) and part.id == name for part in ast.walk(node))
    return mentioned == 1 and any(_appended(statement) == name for statement in node.body)


def _appended(statement: ast.stmt) -> str | None:
    """The name in `name.append(e)`."""
    match statement:
        case ast.Expr(value=ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr="append"), args=[_], keywords=[])):
            return name
        case _:
            return None


def _known_elsewhere(ctx: Context, name: str, value: EmptyValue) -> bool:
    others = [*ctx.state.env.items(), *(pair for frame in ctx.state.frames for pair in frame.items())]
    return sum(other == value for _, other in others) > 1


def append(ctx: Context, node: ast.Call, span: Span) -> bool:
    """`name.append(e)` of a list that grows with the innermost loop; False for anything else."""
    if not isinstance(node.func, ast.Attribute) or not isinstance(node.func.value, ast.Name):
        return False
    name, state = node.func.value.id, ctx.state
    growing = state.env.get(name)
    if node.func.attr != "append" or not isinstance(growing, GrowingValue) or len(state.loops) != growing.depth + 1:
        return False
    value = ctx.expr(node.args[0])
    variable = state.loops[-1].var
    if isinstance(value, ListValue):
        _check_row(ctx, value, growing, variable, span)
    target = lists.new(ctx, value, growing.count, span, node)
    index = growing.number(variable).expr()
    lists.put(ctx, target, index, value, span)
    if isinstance(value, ListValue):
        row = target.row(arrays.drop_axis(target.view, 0, index))
        state.env.update({other: row for other, known in state.env.items() if known == value})
    state.env[name] = target
    return True


def _check_row(ctx: Context, value: ListValue, growing: GrowingValue, variable: str, span: Span) -> None:
    """A row must be a list that this iteration has made, and nothing may look at it from elsewhere."""
    shared = [known for known in ctx.state.env.values() if _storage(known) == value.view.storage and known != value]
    if not value.view.fresh or value.view.storage in growing.known or shared:
        raise unsupported(span, "list-alias", "a list is put into another one, so that two names reach it", "copy it: row[:]")
    forms = [ctx.state.form(extent) for extent in value.view.extents]
    if any(form is None or form.coefficient(variable) for form in forms):
        raise unsupported(span, "ragged", "the rows of this list have several lengths", "use rows of one length")


def _storage(value: Value) -> str:
    return value.view.storage if isinstance(value, ListValue) else ""
