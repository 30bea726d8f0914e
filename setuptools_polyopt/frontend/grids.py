"""Arrays of numbers in rows: what is made of sizes and a few numbers.

    np.arange(1, n, 2)           ->     for i in 0..(n - 1 + 1) // 2: t[i] = 2 * i + 1
    np.linspace(a, b, n)         ->     step = (b - a) / (n - 1);  t[i] = i * step + a;  t[n - 1] = b
    np.eye(n), np.tri(n)         ->     t[i, j] = 1.0 if i == j else 0.0
    np.meshgrid(x, y)            ->     t[i, j] = x[j];  u[i, j] = y[i]
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from setuptools_polyopt.diagnostics import Span, unsupported
from setuptools_polyopt.frontend import arrays, views
from setuptools_polyopt.frontend.affine import Affine, number
from setuptools_polyopt.frontend.arguments import Arguments, flag, items, word
from setuptools_polyopt.frontend.context import Context
from setuptools_polyopt.frontend.creation import given_dtype
from setuptools_polyopt.frontend.joining import below, concatenated, form_of
from setuptools_polyopt.frontend.values import C_ORDER, ArrayValue, ScalarValue, TupleValue, Value
from setuptools_polyopt.ir.dtypes import DType
from setuptools_polyopt.ir.expressions import Binary, Compare, Const, Expr, Select, integer
from setuptools_polyopt.operators import build
from setuptools_polyopt.operators.facts import FACTS
from setuptools_polyopt.operators.intervals import to_integer
from setuptools_polyopt.operators.values import cast

Element = Callable[[tuple[Expr, ...]], Expr]


def table(ctx: Context, extents: Sequence[Affine], dtype: DType, value: Element, span: Span) -> ArrayValue:
    """A new array whose elements are functions of their indices."""
    for form in extents:
        ctx.state.assume(form, "the extent of the new array is not negative", span)
    target = ctx.state.temporary("t", dtype, tuple(form.expr() for form in extents))
    with arrays.nest(ctx, target.extents, span) as indices:
        arrays.store(ctx, target.load(indices), value(indices), span)
    ctx.state.nests -= 1
    return target


# along one axis


def arange(ctx: Context, call: Arguments) -> Value:
    given = call.bound("start", "stop", "step", "dtype")
    if len(call.positional) == 1 and "stop" not in given:
        given["stop"] = given.pop("start")
    dtype, span = given_dtype(given.get("dtype"), call.span), call.span
    numbers: dict[str, Value] = {name: given[name] for name in ("start", "stop", "step") if name in given}
    if "stop" not in numbers:
        raise unsupported(span, "arguments", "`numpy.arange` with these arguments is not supported")
    if any(isinstance(value, ScalarValue) and value.type.dtype.is_float for value in numbers.values()):
        return _floats(ctx, numbers, dtype, span)
    start, stop, step = (
        form_of(ctx, numbers[name], "a bound of `numpy.arange`", span) if name in numbers else number(default)
        for name, default in (("start", 0), ("stop", 0), ("step", 1))
    )
    if not step.value:
        raise unsupported(span, "arguments", "the step of `numpy.arange` has to be a constant other than zero")
    wanted = dtype or DType.INT64
    if wanted.is_complex or wanted in (DType.BOOL, DType.FLOAT32):
        raise unsupported(span, "dtype", f"`numpy.arange` of {wanted.value} is not supported")
    return progression(ctx, start, stop, step.value, wanted, span)


def progression(ctx: Context, start: Affine, stop: Affine, step: int, dtype: DType, span: Span) -> ArrayValue:
    """`start, start + step, ...` up to before `stop`."""
    length = stop - start if step > 0 else start - stop
    ctx.state.assume(length, "the range does not run the wrong way", span)
    count = ctx.state.form(Binary("floordiv", (length + (abs(step) - 1)).expr(), integer(abs(step)), DType.INT64))
    assert count is not None  # a form over a positive constant

    def value(indices: tuple[Expr, ...]) -> Expr:
        exact = (Affine(((indices[0], step),), 0) + start).expr()
        return to_integer(exact, dtype) if dtype.is_integer else cast(exact, dtype)

    return table(ctx, (count,), dtype, value, span)


def _floats(ctx: Context, given: dict[str, Value], dtype: DType | None, span: Span) -> ArrayValue:
    """Of constants only: their number is one then."""
    known = {}
    for name, item in given.items():
        if not isinstance(item, ScalarValue) or not isinstance(item.expr, Const) or item.type.dtype.kind not in "if":
            raise unsupported(span, "arguments", "`numpy.arange` of floats is supported for constants only", "use np.arange(n) * step")
        known[name] = float(item.expr.value.real)
    start, step = known.get("start", 0.0), known.get("step", 1.0)
    following = start + step
    delta = following - start
    if dtype not in (None, DType.FLOAT64) or not step or start + delta != following:
        raise unsupported(span, "arguments", "`numpy.arange` of these numbers is not supported")
    count = max(0, math.ceil((known["stop"] - start) / step))

    def value(indices: tuple[Expr, ...]) -> Expr:
        scaled = Binary("mul", cast(indices[0], DType.FLOAT64), Const(delta, DType.FLOAT64), DType.FLOAT64)
        return Binary("add", Const(start, DType.FLOAT64), scaled, DType.FLOAT64)

    return table(ctx, (number(count),), DType.FLOAT64, value, span)


def linspace(ctx: Context, call: Arguments) -> Value:
    given = call.bound("start", "stop", "num", "endpoint", "retstep", "dtype", required=2)
    span, double = call.span, DType.FLOAT64
    if "retstep" in given or given_dtype(given.get("dtype"), span) not in (None, double):
        raise unsupported(span, "keyword-argument", "`numpy.linspace` of float64 alone is supported")
    count = form_of(ctx, given["num"], "the number of points", span) if "num" in given else number(50)
    endpoint = flag(given.get("endpoint"), True, "endpoint", span)
    ends = []
    for name in ("start", "stop"):
        value = arrays.settle_scalar(ctx, given[name], span)
        if value.type.dtype not in (DType.INT64, double):
            raise unsupported(span, "operator-type", f"`numpy.linspace` between {value.type.dtype.value} is not supported")
        ends.append(cast(value.expr, double))
    start, stop = ends
    parts = count - 1 if endpoint else count
    ctx.state.assume(parts - 1, "there are several points", span)
    delta, step = ctx.state.scratch(double), ctx.state.scratch(double)
    divisor = cast(parts.expr(), double)
    arrays.store(ctx, delta, Binary("sub", stop, start, double), span)
    arrays.store(ctx, step, Binary("div", delta, divisor, double), span)

    def value_at(indices: tuple[Expr, ...]) -> Expr:
        index = cast(indices[0], double)
        tiny = Binary("mul", Binary("div", index, divisor, double), delta, double)
        usual = Binary("mul", index, step, double)
        return Binary("add", Select(Compare("eq", step, build.zero(double)), tiny, usual, double), start, double)

    target = table(ctx, (count,), double, value_at, span)
    if endpoint:
        arrays.store(ctx, target.load(((count - 1).expr(),)), stop, span)
    ctx.state.nests += 1
    return target


# matrices


def eye(ctx: Context, call: Arguments) -> Value:
    names = ("N", "M", "k", "dtype") if call.name == "eye" else ("n", "dtype")
    given = call.bound(*names)
    dtype, span = given_dtype(given.get("dtype"), call.span) or DType.FLOAT64, call.span
    rows = form_of(ctx, given[names[0]], "a size", span)
    columns = form_of(ctx, given["M"], "a size", span) if "M" in given else rows
    offset = form_of(ctx, given["k"], "the diagonal's number", span) if "k" in given else number(0)
    one, zero = build.number(1, dtype), build.zero(dtype)

    def value(indices: tuple[Expr, ...]) -> Expr:
        return Select(Compare("eq", indices[1], _plus(indices[0], offset)), one, zero, dtype)

    return table(ctx, (rows, columns), dtype, value, span)


def _plus(index: Expr, offset: Affine) -> Expr:
    return (Affine(((index, 1),), 0) + offset).expr()


def tri(ctx: Context, call: Arguments) -> Value:
    given = call.bound("N", "M", "k", "dtype")
    dtype, span = given_dtype(given.get("dtype"), call.span) or DType.FLOAT64, call.span
    rows = form_of(ctx, given["N"], "a size", span)
    columns = form_of(ctx, given["M"], "a size", span) if "M" in given else rows
    offset = form_of(ctx, given["k"], "the diagonal's number", span) if "k" in given else number(0)
    one, zero = build.number(1, dtype), build.zero(dtype)
    return table(ctx, (rows, columns), dtype, lambda ij: Select(below(ij[0], ij[1], offset, True), one, zero, dtype), span)


# grids


def indices(ctx: Context, call: Arguments) -> Value:
    given = call.bound("dimensions", "dtype")
    dtype = given_dtype(given.get("dtype"), call.span) or DType.INT64
    if not dtype.is_integer and dtype is not DType.FLOAT64:
        raise unsupported(call.span, "dtype", f"`numpy.indices` of {dtype.value} is not supported")
    sizes = [form_of(ctx, item, "a size", call.span) for item in items(given["dimensions"])]
    return _all_indices(ctx, sizes, [number(0)] * len(sizes), [1] * len(sizes), dtype, call.span)


def _all_indices(
    ctx: Context, sizes: Sequence[Affine], starts: Sequence[Affine], steps: Sequence[int], dtype: DType, span: Span
) -> ArrayValue:
    """For each axis an array of the index on it, one behind the other."""

    def along(axis: int) -> ArrayValue:
        def value(place: tuple[Expr, ...]) -> Expr:
            exact = (Affine(((place[axis], steps[axis]),), 0) + starts[axis]).expr()
            return to_integer(exact, dtype) if dtype.is_integer else cast(exact, dtype)

        return views.new_axis(table(ctx, sizes, dtype, value, span), 0)

    return concatenated(ctx, [along(axis) for axis in range(len(sizes))], 0, span)


def grid(ctx: Context, name: str, slices: Sequence[Sequence[Value | None]], span: Span) -> Value:
    """`np.mgrid[a:b, c:d]` and `np.ogrid[...]` of integers."""
    starts, sizes, steps = [], [], []
    for start, stop, step in slices:
        if stop is None:
            raise unsupported(span, "arguments", f"`{name}` needs the ends of its ranges")
        first = number(0) if start is None else form_of(ctx, start, "a bound of a grid", span)
        width = number(1) if step is None else form_of(ctx, step, "the step of a grid", span)
        if width.value is None or width.value < 1:
            raise unsupported(span, "arguments", "the step of a grid has to be a positive constant")
        length = form_of(ctx, stop, "a bound of a grid", span) - first
        ctx.state.assume(length, "the range does not run the wrong way", span)
        count = ctx.state.form(Binary("floordiv", (length + (width.value - 1)).expr(), integer(width.value), DType.INT64))
        assert count is not None  # a form over a positive constant
        starts.append(first)
        sizes.append(count)
        steps.append(width.value)
    if name == "numpy.mgrid" and len(sizes) > 1:
        return _all_indices(ctx, sizes, starts, steps, DType.INT64, span)
    lines = [progression(ctx, a, a + n * s, s, DType.INT64, span) for a, n, s in zip(starts, sizes, steps, strict=True)]
    if len(lines) == 1:
        return lines[0]
    if not FACTS.weak_scalars:
        raise unsupported(span, "arguments", "before NumPy 2 an open grid is a list")
    return TupleValue(tuple(_beside(line, axis, len(lines)) for axis, line in enumerate(lines)))


def _beside(line: ArrayValue, axis: int, rank: int) -> ArrayValue:
    """A vector along one of several axes."""
    for place in range(rank):
        if place != axis:
            line = views.new_axis(line, place)
    return line


def meshgrid(ctx: Context, call: Arguments) -> Value:
    span = call.span
    if call.keywords.keys() - {"indexing", "sparse"} or not FACTS.weak_scalars:
        raise unsupported(span, "arguments", "`numpy.meshgrid` with these arguments is not supported")
    swapped = word(call.keywords.get("indexing"), "xy", "indexing", span) == "xy" and len(call.positional) > 1
    lines = [call.array({"x": value}, "x") for value in call.positional]
    if any(line.rank != 1 for line in lines) or not lines:
        raise unsupported(span, "arguments", "`numpy.meshgrid` is supported for vectors only")
    places = [1, 0, *range(2, len(lines))] if swapped else list(range(len(lines)))
    shape = [lines[place].extents[0] for place in places]  # the first two change places, and back
    found = [_beside(line, place, len(lines)) for line, place in zip(lines, places, strict=True)]
    if not flag(call.keywords.get("sparse"), False, "sparse", span):
        found = [views.broadcast_to(ctx, line, shape, span) for line in found]
    return TupleValue(tuple(arrays.materialise(ctx, line, span, C_ORDER) for line in found))


GRIDS: dict[str, Callable[[Context, Arguments], Value]] = {
    "numpy.arange": arange, "numpy.linspace": linspace, "numpy.eye": eye, "numpy.identity": eye, "numpy.tri": tri,
    "numpy.indices": indices, "numpy.meshgrid": meshgrid,
}  # fmt: skip
