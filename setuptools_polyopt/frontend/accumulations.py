"""`sum`, `any`, `all`, `min` and `max` of generator expressions, lists and the rows of arrays: loops that keep one number.

    sum(a * b for a, b in zip(x, y))     ->     t = 0.0; c = 0.0
                                                for k in 0..n:
                                                    v = x[k] * y[k]
                                                    c = c + sum_error(t, v)
                                                    t = t + v
                                                t = t + c if c != 0 and isfinite(c) else t

Python's sum of floats is compensated from 3.12 on: `sum_error` is the rounding error of an addition there, and zero before. Of `any` and
`all`, nothing is evaluated behind the element that decides.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Sequence
from typing import TypeAlias

from setuptools_polyopt.diagnostics import Span, unsupported
from setuptools_polyopt.frontend import arrays, comprehensions, lists
from setuptools_polyopt.frontend.affine import Affine
from setuptools_polyopt.frontend.context import Context
from setuptools_polyopt.frontend.values import ArrayValue, ListValue, ScalarValue, TupleValue, Value
from setuptools_polyopt.ir.dtypes import DType
from setuptools_polyopt.ir.expressions import (
    FALSE,
    TRUE,
    Binary,
    Call,
    Compare,
    Const,
    Expr,
    Load,
    Select,
    Unary,
    integer,
)
from setuptools_polyopt.ir.statements import Assign, If, Stmt
from setuptools_polyopt.operators import elementwise
from setuptools_polyopt.operators.values import Operand, ScalarType, cast

FUNCTIONS = frozenset({"builtins.sum", "builtins.any", "builtins.all", "builtins.min", "builtins.max"})
_ITEM, _WHOLE = "item of a list", "a list"
_F = DType.FLOAT64

Each: TypeAlias = Callable[[Expr, Affine, Callable[[], Value]], Iterable[Stmt]]
"""What is done for each value, given its index, the count, and how to evaluate it."""


def accumulated(ctx: Context, node: ast.Call, path: str) -> ScalarValue | None:
    """The value of the call; None where its argument is nothing to iterate over here (`max(a, b)`). Raises Unsupported."""
    if len(node.args) != 1 or node.keywords:
        return None
    span = ctx.span(node)
    run = _loop(ctx, node.args[0], path.removeprefix("builtins."), span)
    if run is None:
        return None
    match path.removeprefix("builtins."):
        case "sum":
            return _sum(ctx, run, span)
        case "any" | "all" as name:
            return _decided(ctx, run, name == "any", span)
        case name:
            return _extreme(ctx, run, "Lt" if name == "min" else "Gt", span)


def _loop(ctx: Context, argument: ast.expr, path: str, span: Span) -> Callable[[Each], bool] | None:
    """Runs a loop over the argument; its answer says whether every iteration has a value."""
    known = set(ctx.state.arrays)
    if isinstance(argument, ast.GeneratorExp | ast.ListComp):
        element, parts = argument.elt, argument.generators
        if len(parts) > 1:
            raise unsupported(span, "comprehension", "a generator expression with several loops is not supported", "write a loop")
        items = comprehensions.few(ctx, argument) if path in ("sum", "min", "max") else None
        if items is not None:
            return _over(ctx, argument, _of_items(ctx, items, span, known), span)
    else:
        value = ctx.expr(argument)
        if isinstance(value, TupleValue):
            value = _of_items(ctx, value.items, span, known)
        if not (isinstance(value, ListValue) or (isinstance(value, ArrayValue) and value.rank == 1)):
            return None
        return _over(ctx, argument, value, span)

    def run(each: Each) -> bool:
        comprehensions.over(ctx, parts[0], span, lambda index, count: each(index, count, lambda: ctx.expr(element)))
        return not parts[0].ifs

    return run


def _over(ctx: Context, argument: ast.expr, value: Value, span: Span) -> Callable[[Each], bool]:
    """Runs a loop over the elements of a list, or of an array of rank 1."""
    target, element, whole = (ast.copy_location(ast.Name(name), argument) for name in (_ITEM, _ITEM, _WHOLE))

    def run(each: Each) -> bool:
        around = dict(ctx.inner)
        ctx.inner = {**around, _WHOLE: value}
        part = ast.comprehension(target, whole, [], 0)
        try:
            comprehensions.over(ctx, part, span, lambda index, count: each(index, count, lambda: ctx.expr(element)))
        finally:
            ctx.inner = around
        return True

    return run


def _of_items(ctx: Context, items: Sequence[Value], span: Span, known: set[str]) -> ListValue:
    """A few numbers as a list of their own."""
    found = lists.of_items(ctx, items, known, span)
    if not isinstance(found, ListValue) or found.rank > 1:
        raise unsupported(span, "arguments", "there is nothing to add up or to compare")
    return found


def _number(value: Value, span: Span) -> Operand:
    operand = arrays.operand_of(value, span)
    if operand.type.box == "mixed":
        raise unsupported(span, "mixed-scalar", "the elements are Python numbers or NumPy scalars, as a test decides")
    return operand


def _sum(ctx: Context, run: Callable[[Each], bool], span: Span) -> ScalarValue:
    state = ctx.state
    result: list[ScalarValue] = []
    compensation: list[Load] = []
    counts: list[Affine] = []

    def each(index: Expr, count: Affine, evaluate: Callable[[], Value]) -> Iterable[Stmt]:
        item = _number(evaluate(), span)
        counts.append(count)
        kind = _sum_type(item.type, span)
        total = state.scratch(kind.dtype)
        result.append(ScalarValue(kind, total))
        zero = Const(0 if kind.dtype.is_integer else 0j if kind.dtype.is_complex else 0.0, kind.dtype)
        before = [Assign(total, zero, span)]
        value = item.expr
        if kind == ScalarType("python", _F):
            value, error = state.scratch(_F), state.scratch(_F)
            compensation.append(error)
            before.append(Assign(error, Const(0.0, _F), span))
            arrays.store(ctx, value, item.expr, span)
            arrays.store(ctx, error, Binary("add", error, Call("libm.sum_error", (total, value), _F), _F), span)
        added = elementwise.binary("Add", Operand(total, kind), Operand(cast(value, kind.dtype), kind), ctx.function.fp, span)
        arrays.store(ctx, total, added.expr, span)
        return before

    always = run(each)
    found, total = result[0], result[0].expr
    if not found.type.dtype.is_integer:  # the sum of nothing is the integer 0
        if not always:
            raise unsupported(span, "mixed-scalar", "a sum of floats under a test may be the integer 0", "write a loop")
        state.assume(counts[0] - 1, "there is something to add up", span)
    if compensation and isinstance(total, Load):
        error = compensation[0]
        finite = Binary("and", Compare("ne", error, Const(0.0, _F)), Unary("isfinite", error, DType.BOOL), DType.BOOL)
        arrays.store(ctx, total, Select(finite, Binary("add", total, error, _F), total, _F), span)
    return found


def _sum_type(item: ScalarType, span: Span) -> ScalarType:
    """Of the sum of such numbers, begun with the integer 0."""
    if item.box == "python" and item.dtype in (DType.BOOL, DType.INT64):
        return ScalarType("python", DType.INT64)
    if item.dtype.is_float or (item.box == "numpy" and item.dtype.is_complex):
        return item
    raise unsupported(span, "sum", f"the sum of such numbers ({item.dtype.value}) is not supported", "write a loop")


def _decided(ctx: Context, run: Callable[[Each], bool], wanted: bool, span: Span) -> ScalarValue:
    """`any` (wanted is True) and `all`."""
    state = ctx.state
    found = state.scratch(DType.BOOL)

    def each(index: Expr, count: Affine, evaluate: Callable[[], Value]) -> Iterable[Stmt]:
        with state.block() as block:
            test = elementwise.truth(arrays.operand_of(evaluate(), span), span)
            arrays.store(ctx, found, test, span)
            inner = tuple(block)
        state.emit(If(Unary("not", found, DType.BOOL) if wanted else found, inner, (), span))
        return (Assign(found, FALSE if wanted else TRUE, span),)

    run(each)
    return ScalarValue(ScalarType("python", DType.BOOL), found)


def _extreme(ctx: Context, run: Callable[[Each], bool], op: str, span: Span) -> ScalarValue:
    """`min` and `max`: the first element that no later one is smaller (larger) than."""
    state = ctx.state
    result: list[ScalarValue] = []
    counts: list[Affine] = []

    def each(index: Expr, count: Affine, evaluate: Callable[[], Value]) -> Iterable[Stmt]:
        item = _number(evaluate(), span)
        counts.append(count)
        best, value = state.scratch(item.dtype), state.scratch(item.dtype)
        result.append(ScalarValue(item.type, best))
        arrays.store(ctx, value, item.expr, span)
        test = elementwise.compare(op, Operand(value, item.type), Operand(best, item.type), span)
        better = Binary("or", Compare("eq", index, integer(0)), elementwise.truth(test, span), DType.BOOL)
        with state.block() as block:
            arrays.store(ctx, best, value, span)
            inner = tuple(block)
        state.emit(If(better, inner, (), span))
        zeros = {"b": FALSE, "f": Const(0.0, item.dtype), "c": Const(0j, item.dtype)}
        return (Assign(best, zeros.get(item.dtype.kind, Const(0, item.dtype)), span),)

    if not run(each):
        raise unsupported(span, "comprehension", "the smallest or largest of what passes a test may not exist", "write a loop")
    state.assume(counts[0] - 1, "there is something to compare", span)
    return result[0]
