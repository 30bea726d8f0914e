"""Scans: what goes along an axis element by element and keeps where it is.

    np.cumsum(a, axis=0)     ->     for i1:     t[0, i1] = a[0, i1]
                                    for i0, i1: t[i0 + 1, i1] = t[i0, i1] + a[i0 + 1, i1]
    np.argmax(a)             ->     best = a[0], at = 0;  for i: at = i if a[i] > best else at;  best = ... likewise

`accumulate` is sequential in NumPy too; of equal candidates the first wins, and a NaN before all numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from setuptools_polyopt.diagnostics import Span, unsupported
from setuptools_polyopt.frontend import arrays
from setuptools_polyopt.frontend.arguments import Arguments, axis_number, flag
from setuptools_polyopt.frontend.context import Context
from setuptools_polyopt.frontend.creation import given_dtype
from setuptools_polyopt.frontend.values import C_ORDER, ArrayValue, ScalarValue, Value
from setuptools_polyopt.ir.dtypes import DType
from setuptools_polyopt.ir.expressions import Binary, Compare, Expr, Load, Select, integer
from setuptools_polyopt.operators import build, elementwise
from setuptools_polyopt.operators.values import ScalarType, cast, element, from_numpy, numpy_dtype

Step = Callable[[Expr, Expr], Expr]


def cumulative(ctx: Context, call: Arguments) -> Value:
    """`np.cumsum` and `np.cumprod`; an array of several axes needs one to go along."""
    given = call.bound("a", "axis", "dtype")
    source = call.array(given, "a")
    if "axis" not in given and source.rank > 1:
        raise unsupported(call.span, "axis", f"`{call.path}` over several axes at once has no affine index map", "name an axis")
    axis = axis_number(ctx, given["axis"], source.rank, call.span) if "axis" in given else 0
    dtype = given_dtype(given.get("dtype"), call.span)
    return accumulated(ctx, "add" if call.name == "cumsum" else "multiply", source, axis, dtype, call.span)


def accumulated(ctx: Context, ufunc: str, source: ArrayValue, axis: int, dtype: DType | None, span: Span) -> ArrayValue:
    """`np.UFUNC.accumulate(source, axis, dtype)`."""
    numpy_type = None if dtype is None else numpy_dtype(dtype)
    result = from_numpy(getattr(np, ufunc).accumulate(np.ones(1, numpy_dtype(source.dtype)), dtype=numpy_type).dtype, span)
    if (result.kind in "iu" and source.dtype.kind in "fc") or source.dtype.is_complex:
        raise unsupported(span, "operator-type", f"a running {ufunc} of {source.dtype.value} as {result.value} is not supported")
    extent = ctx.state.form(source.extents[axis])
    if extent is None:
        raise unsupported(span, "shape", "the extent of this axis is no affine expression")
    ctx.state.assume(extent - 1, "the axis is not empty", span)
    target = ctx.state.temporary("t", result, source.extents, arrays.common_order([source], source.rank))
    around = [extent for place, extent in enumerate(source.extents) if place != axis]

    def at(outer: Sequence[Expr], index: Expr) -> tuple[Expr, ...]:
        return (*outer[:axis], index, *outer[axis:])

    with arrays.nest(ctx, around, span) as outer:
        first = at(outer, integer(0))
        arrays.store(ctx, target.load(first), cast(source.read(first), result), span)
    ctx.state.nests -= bool(around)
    with arrays.nest(ctx, at(around, (extent - 1).expr()), span) as indices:
        outer, before = (*indices[:axis], *indices[axis + 1 :]), indices[axis]
        here = at(outer, Binary("add", before, integer(1), DType.INT64))
        old, new = (element(expr) for expr in (target.load(indices), cast(source.read(here), result)))
        value = elementwise.call(f"numpy.{ufunc}", (old, new), {}, ctx.function.fp, span)
        arrays.store(ctx, target.load(here), value.expr, span)
    return target


def position(ctx: Context, call: Arguments) -> Value:
    """`np.argmin` and `np.argmax`: over one axis, or the flat position in the whole array."""
    given = call.bound("a", "axis", "out", "keepdims")
    source = call.array(given, "a")
    keepdims = flag(given.get("keepdims"), False, "keepdims", call.span)
    if "out" in given or source.dtype.is_complex or (keepdims and "axis" not in given):
        raise unsupported(call.span, "arguments", f"`{call.path}` with these arguments is not supported")
    axes = [axis_number(ctx, given["axis"], source.rank, call.span)] if "axis" in given else list(range(source.rank))
    for axis in axes:
        extent = ctx.state.form(source.extents[axis])
        if extent is None:
            raise unsupported(call.span, "shape", "the extent of this axis is no affine expression")
        ctx.state.assume(extent - 1, "the axis is not empty", call.span)
    kept = [axis for axis in range(source.rank) if axis not in axes]
    shape = tuple(source.extents[axis] if axis in kept else integer(1) for axis in range(source.rank) if axis in kept or keepdims)
    best, places = (_storage(ctx, dtype, shape, source) for dtype in (source.dtype, DType.INT64))
    return _search(ctx, call, source, kept, axes, best, places)


def _storage(ctx: Context, dtype: DType, shape: tuple[Expr, ...], source: ArrayValue) -> ArrayValue | Load:
    if not shape:
        return ctx.state.scratch(dtype)
    order = source.order if source.order is not None and source.order.plain else None
    return ctx.state.temporary("t", dtype, shape, order if len(shape) > 1 else C_ORDER)


def _search(
    ctx: Context, call: Arguments, source: ArrayValue, kept: list[int], axes: list[int], best: ArrayValue | Load, places: ArrayValue | Load
) -> Value:
    def cell(target: ArrayValue | Load, indices: Mapping[int, Expr]) -> Load:
        if isinstance(target, Load):
            return target
        whole = target.rank == source.rank
        return target.load(tuple(indices[axis] if axis in kept else integer(0) for axis in range(source.rank) if axis in kept or whole))

    with arrays.nest(ctx, [source.extents[axis] for axis in kept], call.span) as outer:
        start: dict[int, Expr] = {axis: integer(0) for axis in axes} | dict(zip(kept, outer, strict=True))
        arrays.store(ctx, cell(best, start), source.read(tuple(start[axis] for axis in range(source.rank))), call.span)
        arrays.store(ctx, cell(places, start), integer(0), call.span)
    ctx.state.nests -= bool(kept)
    order = (*kept, *axes)
    with arrays.nest(ctx, [source.extents[axis] for axis in order], call.span) as indices:
        here = dict(zip(order, indices, strict=True))
        value, old, place = source.read(tuple(here[axis] for axis in range(source.rank))), cell(best, here), cell(places, here)
        better = _better(call.name == "argmax", value, old)
        arrays.store(ctx, place, Select(better, _flat(source, axes, here), place, DType.INT64), call.span)
        arrays.store(ctx, old, Select(better, value, old, source.dtype), call.span)
    return ScalarValue(ScalarType("numpy", DType.INT64), places) if isinstance(places, Load) else places


def _better(largest: bool, value: Expr, best: Expr) -> Expr:
    if value.dtype is DType.BOOL:
        return build.both(value, build.negation(best)) if largest else build.both(build.negation(value), best)
    beats: Expr = Compare("gt" if largest else "lt", value, best)
    if value.dtype.is_float:
        first = build.both(build.test("isnan", value), build.negation(build.test("isnan", best)))
        beats = build.either(beats, first)
    return beats


def _flat(source: ArrayValue, axes: Sequence[int], indices: Mapping[int, Expr]) -> Expr:
    """The position in C order over the axes."""
    result: Expr = indices[axes[0]]
    for axis in axes[1:]:
        scaled = Binary("mul", result, source.extents[axis], DType.INT64)
        result = Binary("add", scaled, indices[axis], DType.INT64)
    return result
