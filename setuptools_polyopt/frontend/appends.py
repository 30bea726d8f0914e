"""Lists that grow by one element in each iteration of a loop: comprehensions, written out.

    out = []                           out: as many as the loop has iterations
    for i in range(n):          ->     for i in 0..n:
        out.append(f(i))                   out[i] = f(i)

Every path through the loop's own body appends once, and nothing else in the loop speaks of the list. A row that is appended is known
under its own name as the row of the list from there on. Where some paths append and others do not, the list has room for all, and a
counter, which is its length behind the loop:

    for i in range(n):                 k = 0
        if c:                  ->      for i in 0..n:
            out.append(i)                  if c: out[k] = i; k = k + 1
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import dataclass, replace

from setuptools_polyopt.diagnostics import Span, unsupported
from setuptools_polyopt.frontend import arrays, lists
from setuptools_polyopt.frontend.affine import Affine, affine, number, symbol
from setuptools_polyopt.frontend.context import Context
from setuptools_polyopt.frontend.jumps import has_jumps, structured
from setuptools_polyopt.frontend.ranges import Header
from setuptools_polyopt.frontend.values import EmptyValue, GrowingValue, ListValue, Value
from setuptools_polyopt.ir.dtypes import DType
from setuptools_polyopt.ir.expressions import Binary, Load, integer
from setuptools_polyopt.ir.statements import Assign


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
    if not isinstance(header, Header) or node.orelse:
        return
    state, span = ctx.state, ctx.span(node)
    for name, value in list(state.env.items()):
        if not isinstance(value, EmptyValue) or value.place != state.places[-1] or _known_elsewhere(ctx, name, value):
            continue  # one that was made before a test or a loop around may hold something already
        most = _appends(structured(node.body, ctx.function.names), name)
        if most is None or most == (0, 0):
            continue
        if sum(isinstance(part, ast.Name) and part.id == name for part in ast.walk(node)) != _mentions(node.body, name):
            continue
        count = _Trips(header).count
        state.assume(count, "the length of the new list is not negative", span)
        counter = None
        if most != (1, 1) or has_jumps(structured(node.body, ctx.function.names)):
            counter = state.scratch(DType.INT64)
            state.emit(Assign(counter, integer(0), span))
        known, depth = frozenset(state.arrays), len(state.loops)
        direct = frozenset(id(each.value) for each in node.body if isinstance(each, ast.Expr) and _appended(each) == name)
        state.env[name] = GrowingValue(count, _Trips(header).number, depth, known, value.number, counter, direct)


def end(ctx: Context, span: Span) -> None:
    """Behind a loop: lists that grew under tests have the length that they have."""
    for name, value in list(ctx.state.env.items()):
        if isinstance(value, GrowingValue) and value.counter is not None and value.depth == len(ctx.state.loops):
            grown = ctx.state.grown.get(value.serial)
            if grown is not None:
                ctx.state.env[name] = shortened(ctx, grown, value.counter, value.count, span)


def shortened(ctx: Context, whole: ListValue, counter: Load, most: Affine, span: Span) -> ListValue:
    """The first so many elements of a new list, as which it is known from here on."""
    length = ctx.state.local("n", counter, number(0), most, span)
    return whole.row(replace(whole.view, extents=(length, *whole.view.extents[1:]), fresh=False, whole=False))


def put_next(ctx: Context, target: ListValue, counter: Load, value: Value, span: Span) -> None:
    """One more element."""
    place = Binary("index", counter, target.view.extents[0], DType.INT64, checked=True)
    lists.put(ctx, target, place, value, span)
    ctx.state.emit(Assign(counter, Binary("add", counter, integer(1), DType.INT64), span))


def _mentions(body: Sequence[ast.stmt], name: str) -> int:
    return sum(_appended(part) == name for statement in body for part in ast.walk(statement) if isinstance(part, ast.stmt))


def _appends(body: Sequence[ast.stmt], name: str) -> tuple[int, int] | None:
    """How often a path through the statements appends to a list, at least and at most; None where that is not seen, or more than once."""
    least = most = 0
    for statement in body:
        match statement:
            case ast.If(body=then, orelse=orelse):
                first, second = _appends(then, name), _appends(orelse, name)
                if first is None or second is None:
                    return None
                low, high = min(first[0], second[0]), max(first[1], second[1])
            case ast.For() | ast.While() if _mentions([statement], name):
                return None
            case _:
                low = high = int(_appended(statement) == name)
        least, most = least + low, most + high
    return None if most > 1 else (least, most)


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
        if growing.counter is not None or id(node) not in growing.direct:
            raise unsupported(span, "list-alias", "a list is appended under a test", "append numbers, or in every iteration")
        _check_row(ctx, value, growing, variable, span)
    if growing.counter is not None:
        if growing.serial not in state.grown:
            state.grown[growing.serial] = lists.new(ctx, value, growing.count + 1, span, node)
        put_next(ctx, state.grown[growing.serial], growing.counter, value, span)
        return True
    target = state.grown.get(growing.serial) or lists.new(ctx, value, growing.count, span, node)
    state.grown[growing.serial] = target
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
