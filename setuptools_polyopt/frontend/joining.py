"""Rearrangements: new arrays that are made of parts of others.

    np.concatenate((a, b))     ->     t[0:n] = a;  t[n:n + m] = b
    np.roll(a, 1)              ->     t[1:] = a[:-1];  t[:1] = a[-1:]
    np.pad(a, 2, mode="edge")  ->     the inside first, then axis by axis what mirrors or repeats it

Every part is an affine box, so the polyhedral stage sees through the copies.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence

import numpy as np

from setuptools_polyopt.diagnostics import Span, unsupported
from setuptools_polyopt.frontend import arrays, views
from setuptools_polyopt.frontend.affine import Affine, number
from setuptools_polyopt.frontend.arguments import (
    PYTHON_INT,
    Arguments,
    axis_number,
    axis_numbers,
    constant_integer,
    items,
    word,
)
from setuptools_polyopt.frontend.context import Context
from setuptools_polyopt.frontend.creation import filled, given_dtype
from setuptools_polyopt.frontend.values import C_ORDER, ArrayValue, NoneValue, Order, ScalarValue, TupleValue, Value
from setuptools_polyopt.ir.dtypes import DType
from setuptools_polyopt.ir.expressions import Binary, Compare, Expr, Select, integer
from setuptools_polyopt.operators import build, elementwise
from setuptools_polyopt.operators.values import Operand, from_numpy, numpy_dtype

_MANY = 16
"""Copies that are written out one after the other."""


def form_of(ctx: Context, value: Value, what: str, span: Span) -> Affine:
    """A size, an integer argument or a constant."""
    form = ctx.state.form(value.expr) if isinstance(value, ScalarValue) and value.type == PYTHON_INT else None
    if form is None:
        raise unsupported(span, "arguments", f"{what} has to be made of sizes, integer arguments and constants")
    return form


def extent(ctx: Context, source: ArrayValue, axis: int, span: Span) -> Affine:
    """An extent as a linear form."""
    form = ctx.state.form(source.extents[axis])
    if form is None:
        raise unsupported(span, "shape", "the extent of this axis is no affine expression")
    return form


def section(source: ArrayValue, axis: int, start: Affine, length: Affine, step: int = 1) -> ArrayValue:
    """`length` indices of an axis from `start` on; that they exist is certain already."""
    dims = tuple(dim.along(axis, start.expr(), step) for dim in source.dims)
    extents = (*source.extents[:axis], length.expr(), *source.extents[axis + 1 :])
    return source.derived(dims, extents, source.order, False)


# one behind the other


def concatenated(ctx: Context, parts: Sequence[ArrayValue], axis: int, span: Span) -> ArrayValue:
    """The arrays one behind the other along an axis."""
    rank = parts[0].rank
    if any(part.rank != rank for part in parts):
        raise unsupported(span, "shape-mismatch", "arrays of different ranks are joined")
    for part, other in itertools.product(parts[1:], range(rank)):
        if other != axis:
            ctx.state.assume_equal(parts[0].extents[other], part.extents[other], "the extents of the joined arrays", span)
    dtype = from_numpy(np.result_type(*(numpy_dtype(part.dtype) for part in parts)), span)
    lengths = [extent(ctx, part, axis, span) for part in parts]
    total = sum(lengths[1:], lengths[0])
    shape = (*parts[0].extents[:axis], total.expr(), *parts[0].extents[axis + 1 :])
    large = [part for part in parts if sum(size != integer(1) for size in part.extents) > 1]
    target = ctx.state.temporary("t", dtype, shape, arrays.common_order(large, rank) if large else C_ORDER)
    start = number(0)
    for part, length in zip(parts, lengths, strict=True):
        arrays.assign(ctx, section(target, axis, start, length), part, span)
        start = start + length
    ctx.state.nests += 1
    return target


def _parts(call: Arguments, given: dict[str, Value], name: str) -> list[ArrayValue]:
    parts = list(items(given[name]))
    arrays_only = [part for part in parts if isinstance(part, ArrayValue)]
    if not isinstance(given[name], TupleValue) or len(arrays_only) != len(parts) or not parts:
        raise unsupported(call.span, "arguments", f"`{call.path}` is supported for a tuple or list of arrays that stands in the call")
    return arrays_only


def concatenate(ctx: Context, call: Arguments) -> Value:
    given = call.bound("arrays", "axis")
    parts = _parts(call, given, "arrays")
    if isinstance(call.keywords.get("axis"), NoneValue) and parts[0].rank > 1:
        raise unsupported(call.span, "axis", "joining flattened arrays is not supported")
    axis = axis_number(ctx, given["axis"], parts[0].rank, call.span) if "axis" in given else 0
    return concatenated(ctx, parts, axis, call.span)


def stack(ctx: Context, call: Arguments) -> Value:
    given = call.bound("arrays", "axis")
    parts = _parts(call, given, "arrays")
    axis = axis_number(ctx, given["axis"], parts[0].rank + 1, call.span) if "axis" in given else 0
    return stacked(ctx, parts, axis, call.span)


def stacked(ctx: Context, parts: Sequence[ArrayValue], axis: int, span: Span) -> ArrayValue:
    """The arrays beside each other along a new axis."""
    return concatenated(ctx, [views.new_axis(part, axis) for part in parts], axis, span)


def pile(ctx: Context, call: Arguments) -> Value:
    """`hstack`, `vstack`, `dstack`, `column_stack`."""
    parts = _parts(call, call.bound("tup"), "tup")
    match call.name:
        case "hstack":
            return concatenated(ctx, parts, 0 if parts[0].rank == 1 else 1, call.span)
        case "vstack":
            return concatenated(ctx, [views.at_least(part, 2) for part in parts], 0, call.span)
        case "dstack":
            return concatenated(ctx, [views.at_least(part, 3) for part in parts], 2, call.span)
        case _:
            return concatenated(ctx, [views.new_axis(part, 1) if part.rank == 1 else part for part in parts], 1, call.span)


def append(ctx: Context, call: Arguments) -> Value:
    given = call.bound("arr", "values", "axis", required=2)
    parts = [call.array(given, "arr"), call.array(given, "values")]
    if "axis" not in given and any(part.rank != 1 for part in parts):
        raise unsupported(call.span, "axis", "joining flattened arrays is not supported")
    axis = axis_number(ctx, given["axis"], parts[0].rank, call.span) if "axis" in given else 0
    return concatenated(ctx, parts, axis, call.span)


# moved and repeated


def roll(ctx: Context, call: Arguments) -> Value:
    given = call.bound("a", "shift", "axis", required=2)
    source, span = call.array(given, "a"), call.span
    if "axis" not in given and source.rank > 1:
        raise unsupported(span, "axis", "`numpy.roll` over several axes at once has no affine index map", "name an axis")
    axes = axis_numbers(ctx, given["axis"], source.rank, span) if "axis" in given else (0,)
    shifts = [form_of(ctx, item, "a shift", span) for item in items(given["shift"])]
    if len(shifts) == 1:
        shifts *= len(axes)
    if len(shifts) != len(axes):
        raise unsupported(span, "arguments", "as many shifts as axes are needed")
    for axis, shift in zip(axes, shifts, strict=True):
        size = extent(ctx, source, axis, span)
        shift = shift + size if shift.value is not None and shift.value < 0 else shift
        ctx.state.assume(shift, "the shift is not negative", span)
        ctx.state.assume(size - shift, "the shift is not longer than the axis", span)
        target = ctx.state.temporary("t", source.dtype, source.extents, arrays.common_order([source], source.rank))
        arrays.assign(ctx, section(target, axis, shift, size - shift), section(source, axis, number(0), size - shift), span)
        arrays.assign(ctx, section(target, axis, number(0), shift), section(source, axis, size - shift, shift), span)
        ctx.state.nests += 1
        source = target
    return source


def tile(ctx: Context, call: Arguments) -> Value:
    given = call.bound("A", "reps", required=2)
    source, span = call.array(given, "A"), call.span
    times = [constant_integer(ctx, item, 1, "the number of repetitions", span) for item in items(given["reps"])]
    while len(times) < source.rank:
        times.insert(0, 1)
    while source.rank < len(times):
        source = views.new_axis(source, 0)
    if min(times) < 1 or np.prod(times) > _MANY or max(times) == 1:
        raise unsupported(span, "arguments", f"`numpy.tile` is supported for up to {_MANY} constant repetitions")
    sizes = [extent(ctx, source, axis, span) for axis in range(source.rank)]
    shape = tuple((size * count).expr() for size, count in zip(sizes, times, strict=True))
    target = ctx.state.temporary("t", source.dtype, shape)
    for places in itertools.product(*map(range, times)):
        box = target
        for axis, place in enumerate(places):
            box = section(box, axis, sizes[axis] * place, sizes[axis])
        arrays.assign(ctx, box, source, span)
    ctx.state.nests += 1
    return target


def repeat(ctx: Context, call: Arguments) -> Value:
    given = call.bound("a", "repeats", "axis", required=2)
    source, span = call.array(given, "a"), call.span
    if "axis" not in given and source.rank > 1:
        raise unsupported(span, "axis", "`numpy.repeat` over several axes at once has no affine index map", "name an axis")
    axis = axis_number(ctx, given["axis"], source.rank, span) if "axis" in given else 0
    count = constant_integer(ctx, given["repeats"], 1, "the number of repetitions", span)
    if count < 1:
        raise unsupported(span, "arguments", "nothing is repeated")
    size = extent(ctx, source, axis, span)
    shape = (*source.extents[:axis], (size * count).expr(), *source.extents[axis + 1 :])
    target = ctx.state.temporary("t", source.dtype, shape)
    for place in range(count):
        arrays.assign(ctx, section(target, axis, number(place), size, count), source, span)
    ctx.state.nests += 1
    return target


# wider


def pad(ctx: Context, call: Arguments) -> Value:
    given = call.bound("array", "pad_width", "mode", "constant_values", required=2)
    source, span = call.array(given, "array"), call.span
    mode = word(given.get("mode"), "constant", "mode", span)
    if mode not in ("constant", *_BORDERS) or ("constant_values" in given and mode != "constant"):
        raise unsupported(span, "arguments", f"`numpy.pad` with the mode {mode!r} is not supported")
    widths = _widths(ctx, given["pad_width"], source.rank, span)
    sizes = [extent(ctx, source, axis, span) for axis in range(source.rank)]
    shape = tuple((size + before + after).expr() for size, (before, after) in zip(sizes, widths, strict=True))
    plain = source.rank == 1 or (source.order is not None and not source.order.axes)
    order = Order(source.order.needs if source.order is not None and source.rank > 1 else frozenset()) if plain else None
    target = ctx.state.temporary("t", source.dtype, shape, order)
    if mode == "constant":
        value = given.get("constant_values")
        if value is not None and not isinstance(value, ScalarValue):
            raise unsupported(span, "arguments", "one number has to be given to pad with")
        fill = None if value is None else arrays.settle_scalar(ctx, value, span)
        converted = build.zero(target.dtype) if fill is None else elementwise.convert(Operand(fill.expr, fill.type), target.dtype, span)
        arrays.fill(ctx, target, converted, span)
    inside = target
    for axis, (before, _) in enumerate(widths):
        inside = section(inside, axis, before, sizes[axis])
    arrays.assign(ctx, inside, source, span)
    if mode != "constant":
        for axis in range(source.rank):
            _border(ctx, target, axis, mode, widths, sizes, span)
    ctx.state.nests += 1
    return target


def _widths(ctx: Context, value: Value, rank: int, span: Span) -> list[tuple[Affine, Affine]]:
    """Before and after each axis: one number, a pair for all axes, or a pair for each."""
    rows = items(value)
    if any(isinstance(row, TupleValue) for row in rows):
        pairs = [tuple(form_of(ctx, item, "a width", span) for item in items(row)) for row in rows]
    else:
        pairs = [tuple(form_of(ctx, item, "a width", span) for item in rows)]
    found = [(pair[0], pair[-1]) for pair in pairs if len(pair) <= 2]
    if len(found) == 1:
        found *= rank
    if len(found) != rank or len(pairs) not in (1, rank):
        raise unsupported(span, "arguments", "a pair of widths for each axis is needed")
    for form in {form for pair in found for form in pair}:
        ctx.state.assume(form, "the width is not negative", span)
    return found


# From the number of a border element, counted from the inside out, to the inner element (from the edge) that it repeats: factor and
# distance on this side, or from the other side; and how many of them there are less than elements.
_BORDERS = {"edge": (0, 0, False), "symmetric": (1, 0, False), "reflect": (1, 1, False), "wrap": (1, 0, True)}


def _border(
    ctx: Context, target: ArrayValue, axis: int, mode: str, widths: list[tuple[Affine, Affine]], sizes: list[Affine], span: Span
) -> None:
    """Fill both borders of an axis; of the axes before all is there, of those behind the inside."""
    factor, distance, opposite = _BORDERS[mode]
    (before, after), size = widths[axis], sizes[axis]
    rows = target
    for other in range(axis + 1, target.rank):
        rows = section(rows, other, widths[other][0], sizes[other])
    first, last = before, before + size - 1
    for width, start, step, near, far in ((before, first - 1, -1, first, last), (after, last + 1, 1, last, first)):
        ctx.state.assume(size - (width if factor else number(0)) - max(distance, 1 - factor), "the border is no wider than the array", span)
        origin = far if opposite else near - step * distance
        inwards = (step if opposite else -step) * factor
        shape = (*rows.extents[:axis], width.expr(), *rows.extents[axis + 1 :])
        with arrays.nest(ctx, shape, span) as indices:
            place, source = (
                rows.load((*indices[:axis], _moved(base, indices[axis], move), *indices[axis + 1 :]))
                for base, move in ((start, step), (origin, inwards))
            )
            arrays.store(ctx, place, source, span)
        ctx.state.nests -= 1


def _moved(base: Affine, index: Expr, step: int) -> Expr:
    return (base + Affine(((index, step),), 0)).expr() if step else base.expr()


# triangles and diagonals


def triangle(ctx: Context, call: Arguments) -> Value:
    """`tril` and `triu`."""
    given = call.bound("m", "k")
    source, span = call.array(given, "m"), call.span
    if source.rank < 2:
        raise unsupported(span, "arguments", f"`{call.path}` of a vector is not supported")
    offset = form_of(ctx, given["k"], "the diagonal's number", span) if "k" in given else number(0)
    plain = source.order is not None and not source.order.axes
    order = C_ORDER if source.rank == 2 else source.order if plain else None
    target = ctx.state.temporary("t", source.dtype, source.extents, order)
    with arrays.nest(ctx, source.extents, span) as indices:
        inside = below(indices[-2], indices[-1], offset, call.name == "tril")
        value = Select(inside, source.read(indices), build.zero(source.dtype), source.dtype)
        arrays.store(ctx, target.load(indices), value, span)
    return target


def below(row: Expr, column: Expr, offset: Affine, lower: bool) -> Expr:
    """Whether an element lies on or below (or, not lower: on or above) a diagonal."""
    end = Binary("add", row, offset.expr(), DType.INT64) if offset != number(0) else row
    return Compare("le" if lower else "ge", column, end)


def diag(ctx: Context, call: Arguments) -> Value:
    """A matrix's diagonal, or the matrix that has a vector as its diagonal."""
    given = call.bound("v", "k")
    source, span = call.array(given, "v"), call.span
    offset = constant_integer(ctx, given.get("k"), 0, "the diagonal's number", span)
    if source.rank == 2:
        return views.diagonal(ctx, source, offset, (0, 1), span)
    if source.rank != 1:
        raise unsupported(span, "arguments", "`numpy.diag` of an array of rank above 2 raises")
    size = extent(ctx, source, 0, span)
    side = (size + abs(offset)).expr()
    target = filled(ctx, (side, side), source.dtype, 0, span)
    rows, columns = number(max(-offset, 0)), number(max(offset, 0))
    with arrays.nest(ctx, source.extents, span) as indices:
        place = target.load((_moved(rows, indices[0], 1), _moved(columns, indices[0], 1)))
        arrays.store(ctx, place, source.read(indices), span)
    return target


def fill_diagonal(ctx: Context, call: Arguments) -> Value:
    given = call.bound("a", "val", required=2)
    target, span = call.array(given, "a"), call.span
    if target.rank != 2 or not target.writable or not isinstance(given["val"], ScalarValue):
        raise unsupported(span, "arguments", "`numpy.fill_diagonal` is supported for matrices and numbers only")
    line = views.diagonal(ctx, target, 0, (0, 1), span)
    ctx.state.assume(extent(ctx, line, 0, span) - 1, "the diagonal is not empty", span)
    arrays.assign(ctx, views.writable(line), given["val"], span)
    return NoneValue()


def copy_to(ctx: Context, call: Arguments) -> Value:
    given = call.bound("dst", "src", required=2)
    arrays.assign(ctx, call.array(given, "dst"), given["src"], call.span, in_place=isinstance(given["src"], ArrayValue))
    return NoneValue()


# from items


def array_of(ctx: Context, value: TupleValue, dtype: DType | None, span: Span) -> ArrayValue:
    """`np.array` of a display of numbers, of displays, or of arrays."""
    shape, leaves = _leaves(value, span)
    if any(isinstance(leaf, ArrayValue) for leaf in leaves):
        rows = [array_of(ctx, item, dtype, span) if isinstance(item, TupleValue) else item for item in value.items]
        if not all(isinstance(row, ArrayValue) for row in rows):
            raise unsupported(span, "creation", "an array of arrays and numbers is not supported")
        found = stacked(ctx, [row for row in rows if isinstance(row, ArrayValue)], 0, span)
        if found.order is None or not found.order.plain or (dtype is not None and found.dtype is not dtype):
            raise unsupported(span, "creation", "the order or type of an array of these arrays is not certain")
        return found
    numbers = [arrays.settle_scalar(ctx, leaf, span) for leaf in leaves]
    found_type = dtype or from_numpy(np.result_type(*(numpy_dtype(item.type.dtype) for item in numbers)), span)
    kinds = {item.type.dtype.kind for item in numbers}
    if "b" in kinds and len(kinds) > 1 and dtype is None:
        raise unsupported(span, "creation", "an array of truth values and numbers is not supported")
    target = ctx.state.temporary("t", found_type, tuple(map(integer, shape)))
    for place, item in zip(itertools.product(*map(range, shape)), numbers, strict=True):
        converted = elementwise.convert(Operand(item.expr, item.type), found_type, span)
        arrays.store(ctx, target.load(tuple(map(integer, place))), converted, span)
    return target


def _leaves(value: TupleValue, span: Span) -> tuple[tuple[int, ...], list[Value]]:
    """The shape of nested displays, and what stands in them."""
    inner: list[tuple[tuple[int, ...], list[Value]]] = [
        _leaves(item, span) if isinstance(item, TupleValue) else ((), [item]) for item in value.items
    ]
    if not inner or any(shape != inner[0][0] for shape, _ in inner):
        raise unsupported(span, "creation", "the rows of this array are empty or not of one length")
    return (len(inner), *inner[0][0]), [leaf for _, leaves in inner for leaf in leaves]


def array(ctx: Context, call: Arguments) -> Value:
    """`np.array` of a display."""
    given = call.bound("object", "dtype")
    if not isinstance(given["object"], TupleValue):
        raise unsupported(call.span, "creation", f"`{call.path}` of this is not supported")
    return array_of(ctx, given["object"], given_dtype(given.get("dtype"), call.span), call.span)


JOINING: dict[str, Callable[[Context, Arguments], Value]] = {
    "numpy.concatenate": concatenate, "numpy.concat": concatenate, "numpy.stack": stack, "numpy.append": append,
    "numpy.hstack": pile, "numpy.vstack": pile, "numpy.dstack": pile, "numpy.column_stack": pile,
    "numpy.roll": roll, "numpy.tile": tile, "numpy.repeat": repeat, "numpy.pad": pad,
    "numpy.tril": triangle, "numpy.triu": triangle, "numpy.diag": diag,
    "numpy.fill_diagonal": fill_diagonal, "numpy.copyto": copy_to,
}  # fmt: skip
