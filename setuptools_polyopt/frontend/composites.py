"""Functions that NumPy itself composes of others: each is written here as NumPy's own sequence of operations.

    np.var(a, axis=0)     ->     mean of the squares of a - mean(a, axis=0, keepdims=True), divided by the number less `ddof`

Every operation rounds as the original's does, because it is the same one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace

from setuptools_polyopt.diagnostics import Span, unsupported
from setuptools_polyopt.frontend import arrays, contraction, library, scans, views
from setuptools_polyopt.frontend.affine import Affine, number
from setuptools_polyopt.frontend.arguments import (
    PYTHON_INT,
    Arguments,
    axis_number,
    axis_numbers,
    constant_integer,
    flag,
)
from setuptools_polyopt.frontend.context import Context
from setuptools_polyopt.frontend.grids import GRIDS
from setuptools_polyopt.frontend.joining import JOINING
from setuptools_polyopt.frontend.pointwise import POINTWISE
from setuptools_polyopt.frontend.reduction import Options, reduced
from setuptools_polyopt.frontend.values import ArrayValue, ScalarValue, Value
from setuptools_polyopt.ir.dtypes import DType
from setuptools_polyopt.ir.expressions import Compare, Const
from setuptools_polyopt.operators import build, elementwise
from setuptools_polyopt.operators.facts import FACTS
from setuptools_polyopt.operators.values import Operand, ScalarType, literal


def composite(ctx: Context, call: Arguments) -> Value:
    """The value of a call of one of `FUNCTIONS`; raises Unsupported."""
    return FUNCTIONS[call.path](ctx, call)


def ufunc(ctx: Context, name: str, span: Span, *values: Value) -> Value:
    """`np.NAME(*values)`."""
    return arrays.apply(ctx, values, lambda operands: elementwise.call(f"numpy.{name}", operands, {}, ctx.function.fp, span), span)


def constant(value: int | float, span: Span) -> ScalarValue:
    """A Python number."""
    operand = literal(value, span)
    return ScalarValue(operand.type, operand.expr)


def part(ctx: Context, source: ArrayValue, axis: int, start: int, stop: int, span: Span) -> ArrayValue:
    """`source[..., start:stop, ...]`; a stop of zero or less counts from the end, and nothing is clipped."""
    extent = _extent(ctx, source, axis, span)
    length = (extent if stop <= 0 else number(0)) + (stop - start)
    ctx.state.assume(length, "the axis is long enough", span)
    ctx.state.assume(extent - max(start, stop), "the axis is long enough", span)
    dims = tuple(dim.along(axis, number(start).expr(), 1) for dim in source.dims)
    extents = (*source.extents[:axis], length.expr(), *source.extents[axis + 1 :])
    return source.derived(dims, extents, source.order, False)


def _extent(ctx: Context, source: ArrayValue, axis: int, span: Span) -> Affine:
    form = ctx.state.form(source.extents[axis])
    if form is None:
        raise unsupported(span, "shape", "the extent of this axis is no affine expression")
    return form


# statistics


def _variance(ctx: Context, call: Arguments) -> Value:
    given = call.bound("a", "axis", "dtype", "out", "ddof", "keepdims")
    source = call.array(given, "a")
    if "out" in given or "dtype" in given or source.dtype.is_complex:
        raise unsupported(call.span, "arguments", f"`{call.path}` with these arguments is not supported")
    axes = axis_numbers(ctx, given.get("axis"), source.rank, call.span)
    ddof = constant_integer(ctx, given.get("ddof"), 0, "`ddof=`", call.span)
    keepdims = flag(given.get("keepdims"), False, "keepdims", call.span)
    mean = reduced(ctx, "numpy.mean", source, axes, call.span, Options(keepdims=True))
    squares = ufunc(ctx, "square", call.span, ufunc(ctx, "subtract", call.span, source, mean))
    assert isinstance(squares, ArrayValue)  # of an array
    found = reduced(ctx, "numpy.mean", squares, axes, call.span, Options(keepdims=keepdims, ddof=ddof))
    return ufunc(ctx, "sqrt", call.span, found) if call.name == "std" else found


def _range(ctx: Context, call: Arguments) -> Value:
    given = call.bound("a", "axis", "out", "keepdims")
    source = call.array(given, "a")
    axes = axis_numbers(ctx, given.get("axis"), source.rank, call.span)
    if "out" in given:
        raise unsupported(call.span, "keyword-argument", f"`{call.path}` with the argument `out=` is not supported")
    options = Options(flag(given.get("keepdims"), False, "keepdims", call.span))
    highest, lowest = (reduced(ctx, path, source, axes, call.span, options) for path in ("numpy.max", "numpy.min"))
    return ufunc(ctx, "subtract", call.span, highest, lowest)


def _average(ctx: Context, call: Arguments) -> Value:
    given = call.bound("a", "axis", "weights")
    source, span = call.array(given, "a"), call.span
    axes = axis_numbers(ctx, given.get("axis"), source.rank, span)
    if "weights" not in given:
        return reduced(ctx, "numpy.mean", source, axes, span)
    weights = call.array(given, "weights")
    if weights.rank != source.rank or weights.dtype is not source.dtype or not source.dtype.is_float:
        raise unsupported(span, "arguments", f"`{call.path}` with weights of another type or rank is not supported")
    for own, other in zip(source.extents, weights.extents, strict=True):
        ctx.state.assume_equal(own, other, "the extents of the values and of their weights", span)
    scale = reduced(ctx, "numpy.sum", weights, axes, span)
    total = reduced(ctx, "numpy.sum", _array(ufunc(ctx, "multiply", span, source, weights)), axes, span)

    def quotient(operands: tuple[Operand, ...]) -> Operand:
        result = elementwise.call("numpy.divide", operands, {}, ctx.function.fp, span)
        zero = Compare("eq", operands[1].expr, build.zero(operands[1].dtype))
        return replace(result, expr=build.fail_if(zero, result.expr))

    return arrays.apply(ctx, (total, scale), quotient, span)


def _array(value: Value) -> ArrayValue:
    assert isinstance(value, ArrayValue)  # made of an array
    return value


def _count(ctx: Context, call: Arguments) -> Value:
    """Of all elements a Python int, or an np.int64 in newer versions; an array of integers along axes."""
    given = call.bound("a", "axis", "keepdims")
    source = call.array(given, "a")
    axes = axis_numbers(ctx, given.get("axis"), source.rank, call.span)
    keepdims = flag(given.get("keepdims"), False, "keepdims", call.span)
    if source.dtype is not DType.BOOL:
        source = _array(ufunc(ctx, "not_equal", call.span, source, constant(0, call.span)))
    found = reduced(ctx, "numpy.sum", source, axes, call.span, Options(keepdims))
    plain = "axis" not in given and not keepdims and not FACTS.numpy_count
    return replace(found, type=PYTHON_INT) if plain and isinstance(found, ScalarValue) else found


def _trace(ctx: Context, call: Arguments) -> Value:
    given = call.bound("a", "offset", "axis1", "axis2", "dtype")
    source = call.array(given, "a")
    offset = constant_integer(ctx, given.get("offset"), 0, "the diagonal's offset", call.span)
    if source.rank != 2 or given.keys() & {"axis1", "axis2", "dtype"}:
        raise unsupported(call.span, "arguments", "`numpy.trace` is supported for matrices only")
    return reduced(ctx, "numpy.sum", views.diagonal(ctx, source, offset, (0, 1), call.span), (0,), call.span)


def _norm(ctx: Context, call: Arguments) -> Value:
    """Norms of vectors. Those of whole arrays are roots of BLAS products in NumPy."""
    given = call.bound("x", "ord", "axis", "keepdims")
    source, span = call.array(given, "x"), call.span
    axes = axis_numbers(ctx, given.get("axis"), source.rank, span)
    keepdims = flag(given.get("keepdims"), False, "keepdims", span)
    order = _order(given.get("ord"), span)
    if source.dtype.is_complex:
        raise unsupported(span, "operator-type", "the norm of complex numbers is not supported")
    if not source.dtype.is_float:
        source = _array(ufunc(ctx, "add", span, source, constant(0.0, span)))
    whole = "axis" not in given and (order is None or (order == 2 and source.rank == 1))
    if whole and ctx.function.fp == "strict" and not keepdims:
        return ufunc(ctx, "sqrt", span, ScalarValue(ScalarType("numpy", source.dtype), library.square(ctx, source, span)))
    if order in (None, 2) and (whole or len(axes) == 1):
        squares = _array(ufunc(ctx, "multiply", span, source, source))
        return ufunc(ctx, "sqrt", span, reduced(ctx, "numpy.sum", squares, axes, span, Options(keepdims)))
    if len(axes) != 1 or order not in (1, math.inf, -math.inf):
        raise unsupported(span, "arguments", "this norm is not supported")
    sizes = _array(ufunc(ctx, "absolute", span, source))
    if order == 1:
        return reduced(ctx, "numpy.sum", sizes, axes, span, Options(keepdims))
    # without NumPy's initial value, which came with version 2.3: of nothing, the original answers or raises
    return reduced(ctx, "numpy.max" if order == math.inf else "numpy.min", sizes, axes, span, Options(keepdims))


def _order(value: Value | None, span: Span) -> float | None:
    if value is None:
        return None
    if isinstance(value, ScalarValue) and isinstance(value.expr, Const) and not isinstance(value.expr.value, complex):
        return float(value.expr.value)
    raise unsupported(span, "arguments", "the order of a norm has to be a constant number")


# differences


def _difference(ctx: Context, call: Arguments) -> Value:
    given = call.bound("a", "n", "axis")
    source, span = call.array(given, "a"), call.span
    axis = axis_number(ctx, given["axis"], source.rank, span) if "axis" in given else source.rank - 1
    times = constant_integer(ctx, given.get("n"), 1, "the number of differences", span)
    if times < 1:
        raise unsupported(span, "arguments", "at least one difference has to be taken")
    for _ in range(times):
        operation = "not_equal" if source.dtype is DType.BOOL else "subtract"
        later, earlier = part(ctx, source, axis, 1, 0, span), part(ctx, source, axis, 0, -1, span)
        source = _array(ufunc(ctx, operation, span, later, earlier))
    return source


def _trapezoid(ctx: Context, call: Arguments) -> Value:
    given = call.bound("y", "x", "dx")
    values, span = call.array(given, "y"), call.span
    if values.rank != 1:
        raise unsupported(span, "arguments", f"`{call.path}` of an array of rank {values.rank} is not supported")
    width: Value = given.get("dx", constant(1.0, span))
    if "x" in given:
        places = call.array(given, "x")
        if places.rank != 1:
            raise unsupported(span, "arguments", f"`{call.path}` with places of rank {places.rank} is not supported")
        width = ufunc(ctx, "subtract", span, part(ctx, places, 0, 1, 0, span), part(ctx, places, 0, 0, -1, span))
    sums = ufunc(ctx, "add", span, part(ctx, values, 0, 1, 0, span), part(ctx, values, 0, 0, -1, span))
    areas = ufunc(ctx, "divide", span, ufunc(ctx, "multiply", span, width, sums), constant(2.0, span))
    return reduced(ctx, "numpy.sum", _array(areas), (0,), span)


def _cross(ctx: Context, call: Arguments) -> Value:
    """Of vectors with three components along the last axis."""
    given = call.bound("a", "b", required=2)
    left, right, span = call.array(given, "a"), call.array(given, "b"), call.span
    for operand in (left, right):
        ctx.state.assume_equal(operand.extents[-1], number(3).expr(), "the number of components and three", span)
    first, second = ([arrays.drop_axis(v, v.rank - 1, number(k).expr()) for k in range(3)] for v in (left, right))
    if left.rank == 1 or right.rank == 1 or left.rank != right.rank or left.dtype is not right.dtype or not left.dtype.is_float:
        raise unsupported(span, "arguments", "`numpy.cross` is supported for two arrays of as many vectors and one floating type")
    shape = arrays.broadcast(ctx, [left.extents, right.extents], span)
    target = ctx.state.temporary("t", left.dtype, (*shape[:-1], number(3).expr()))
    for k in range(3):
        i, j = (k + 1) % 3, (k + 2) % 3
        value = ufunc(
            ctx, "subtract", span,
            ufunc(ctx, "multiply", span, first[i], second[j]), ufunc(ctx, "multiply", span, first[j], second[i]),
        )  # fmt: skip
        arrays.assign(ctx, arrays.drop_axis(target, target.rank - 1, number(k).expr()), value, span)
    return target


_READERS = (
    "tensordot", "array", "asarray", "zeros", "ones", "empty", "full", "reshape", "transpose", "broadcast_to", "indices", "polyval",
    "select",
)  # fmt: skip
DISPLAYS = frozenset(JOINING) | {f"numpy.{name}" for name in _READERS}
"""Functions to which a list is as good as a tuple."""

FUNCTIONS: Mapping[str, Callable[[Context, Arguments], Value]] = {
    "numpy.var": _variance, "numpy.std": _variance, "numpy.ptp": _range, "numpy.average": _average,
    "numpy.count_nonzero": _count, "numpy.trace": _trace, "numpy.linalg.norm": _norm,
    "numpy.diff": _difference, "numpy.trapezoid": _trapezoid, "numpy.trapz": _trapezoid, "numpy.cross": _cross,
    "numpy.cumsum": scans.cumulative, "numpy.cumprod": scans.cumulative,
    "numpy.einsum": contraction.einsum, "numpy.tensordot": contraction.tensordot,
    "numpy.argmax": scans.position, "numpy.argmin": scans.position, **JOINING, **GRIDS, **POINTWISE,
}  # fmt: skip
