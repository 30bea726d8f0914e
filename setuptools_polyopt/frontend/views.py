"""Views as index arithmetic: no element moves, only the map from indices to places in the storage changes.

    a.T, transpose, swapaxes, moveaxis, rollaxis     axes change places
    expand_dims, squeeze, atleast_1d/2d/3d           axes of extent one come and go
    flip, fliplr, flipud, rot90                      an axis runs backwards: n - 1 - i
    diagonal, diag of a matrix                       one index for two axes of the storage
    broadcast_to                                     indices that the storage does not see
    reshape                                          axes of extent one, equal axes, an axis split by constants: i * 4 + j

Of what is read only in NumPy (diagonal, broadcast_to) the value is not writable. A reshape that merges axes is one flat index of an
unknown stride: no affine map, so it stays NumPy's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from setuptools_polyopt.diagnostics import Span, Unsupported, unsupported
from setuptools_polyopt.frontend import arrays
from setuptools_polyopt.frontend.affine import Affine, number
from setuptools_polyopt.frontend.arguments import (
    PYTHON_INT,
    Arguments,
    axis_number,
    axis_numbers,
    constant_integer,
    items,
)
from setuptools_polyopt.frontend.context import Context
from setuptools_polyopt.frontend.values import ArrayValue, Order, ScalarValue, TupleValue, Value
from setuptools_polyopt.ir.dtypes import DType
from setuptools_polyopt.ir.expressions import Binary, Expr, integer


def view(ctx: Context, call: Arguments) -> Value:
    """The value of a view function or method; raises Unsupported."""
    if not call.positional or not isinstance(call.positional[0], ArrayValue):
        raise unsupported(call.span, "view", f"`{call.path}` of something else than an array is not supported")
    return _FUNCTIONS[call.name](ctx, call)


# axes change places


def _transpose(ctx: Context, call: Arguments) -> ArrayValue:
    source = call.array(dict(zip("a", call.positional, strict=False)), "a")
    given = call.keywords.get("axes") or (call.positional[1:] and TupleValue(call.positional[1:])) or None
    if call.keywords.keys() - {"axes"}:
        call.bound("a", "axes")
    if isinstance(given, TupleValue) and len(given.items) == 1 and isinstance(given.items[0], TupleValue):
        given = given.items[0]
    if given is None or (isinstance(given, TupleValue) and len(given.items) == 1 and not isinstance(given.items[0], ScalarValue)):
        return arrays.transpose(source, range(source.rank)[::-1])
    return _permuted(source, axis_numbers(ctx, given, source.rank, call.span), call.span)


def _permuted(source: ArrayValue, axes: tuple[int, ...], span: Span) -> ArrayValue:
    if sorted(axes) != list(range(source.rank)):
        raise unsupported(span, "view", "the axes are no permutation of the array's axes")
    return arrays.transpose(source, axes)


def _swapaxes(ctx: Context, call: Arguments) -> ArrayValue:
    given = call.bound("a", "axis1", "axis2", required=3)
    source = call.array(given, "a")
    first, second = (axis_number(ctx, given[name], source.rank, call.span) for name in ("axis1", "axis2"))
    axes = list(range(source.rank))
    axes[first], axes[second] = axes[second], axes[first]
    return arrays.transpose(source, axes)


def _moveaxis(ctx: Context, call: Arguments) -> ArrayValue:
    given = call.bound("a", "source", "destination", required=3)
    source = call.array(given, "a")
    old, new = (axis_numbers(ctx, given[name], source.rank, call.span) for name in ("source", "destination"))
    if len(old) != len(new):
        raise unsupported(call.span, "view", "as many axes have to be named as places for them")
    order = [axis for axis in range(source.rank) if axis not in old]
    for place, axis in sorted(zip(new, old, strict=True)):
        order.insert(place, axis)
    return arrays.transpose(source, order)


def _rollaxis(ctx: Context, call: Arguments) -> ArrayValue:
    given = call.bound("a", "axis", "start", required=2)
    source = call.array(given, "a")
    axis = axis_number(ctx, given["axis"], source.rank, call.span)
    start = constant_integer(ctx, given.get("start"), 0, "the place of the axis", call.span)
    start += source.rank if start < 0 else 0
    order = [other for other in range(source.rank) if other != axis]
    order.insert(start - (axis < start), axis)
    return _permuted(source, tuple(order), call.span)


# axes of extent one


def new_axis(source: ArrayValue, axis: int) -> ArrayValue:
    """The view with an axis of extent one before `axis`."""
    dims = tuple(dim.mapped(lambda own: ((own + (own >= axis), 1),)) for dim in source.dims)
    extents = (*source.extents[:axis], integer(1), *source.extents[axis:])
    order = source.order
    if order is not None and order.axes:
        order = order.with_axes(source.rank, lambda own: (axis, *(other + (other >= axis) for other in own)))
    return source.derived(dims, extents, order, source.whole)


def _expand_dims(ctx: Context, call: Arguments) -> ArrayValue:
    given = call.bound("a", "axis", required=2)
    source = call.array(given, "a")
    rank = source.rank + len(items(given["axis"]))
    for axis in sorted(axis_numbers(ctx, given["axis"], rank, call.span)):
        source = new_axis(source, axis)
    return source


def _squeeze(ctx: Context, call: Arguments) -> Value:
    given = call.bound("a", "axis")
    source = call.array(given, "a")
    if "axis" in given:
        axes = axis_numbers(ctx, given["axis"], source.rank, call.span)
    else:
        axes = tuple(axis for axis in range(source.rank) if source.extents[axis] == integer(1))
    for axis in range(source.rank):
        form = ctx.state.form(source.extents[axis])
        if axis in axes:
            ctx.state.assume_equal(source.extents[axis], integer(1), "the squeezed extent and one", call.span)
        elif "axis" not in given and form is not None:  # an axis of one element would go as well
            ctx.state.assume(form - 2, "the axis has more than one element", call.span)
    if len(axes) == source.rank:
        raise unsupported(call.span, "rank-0", "an array of rank 0 is not supported")
    for axis in sorted(axes, reverse=True):
        source = arrays.drop_axis(source, axis)
    return source


def at_least(source: ArrayValue, rank: int) -> ArrayValue:
    """The view with as many axes; those that are added in front and, the third one, behind."""
    while source.rank < rank:
        source = new_axis(source, 2 if source.rank == 2 else 0)
    return source


def _at_least(rank: int) -> Callable[[Context, Arguments], ArrayValue]:
    return lambda _, call: at_least(call.array(call.bound("a"), "a"), rank)


def writable(source: ArrayValue) -> ArrayValue:
    """A view through which NumPy itself writes, though it hands out a read-only one."""
    return replace(source, writable=True)


# backwards


def reversed_axis(ctx: Context, source: ArrayValue, axis: int, span: Span) -> ArrayValue:
    """The view whose index runs backwards along an axis."""
    form = ctx.state.form(source.extents[axis])
    if form is None:
        raise unsupported(span, "slice", "the extent of this axis is no affine expression")
    last = (form - 1).expr()
    dims = tuple(dim.along(axis, last, -1) for dim in source.dims)
    order = source.order and replace(source.order, mirrored=True)
    return source.derived(dims, source.extents, order, False)


def _flip(ctx: Context, call: Arguments) -> ArrayValue:
    axis = {"fliplr": 1, "flipud": 0}.get(call.name)
    given = call.bound("m", "axis") if axis is None else call.bound("m")
    source = call.array(given, "m")
    axes = axis_numbers(ctx, given.get("axis"), source.rank, call.span) if axis is None else (axis,)
    if max(axes) >= source.rank:
        raise unsupported(call.span, "axis", f"`{call.path}` of an array of rank {source.rank} raises")
    for each in axes:
        source = reversed_axis(ctx, source, each, call.span)
    return source


def _rot90(ctx: Context, call: Arguments) -> ArrayValue:
    given = call.bound("m", "k", "axes")
    source = call.array(given, "m")
    turns = constant_integer(ctx, given.get("k"), 1, "the number of turns", call.span) % 4
    axes = axis_numbers(ctx, given["axes"], source.rank, call.span) if "axes" in given else (0, 1)
    if len(axes) != 2 or source.rank < 2:
        raise unsupported(call.span, "axis", "a turn needs two axes")
    first, second = axes
    swapped = list(range(source.rank))
    swapped[first], swapped[second] = second, first
    match turns:
        case 0:
            return source.derived(source.dims, source.extents, source.order, source.whole)
        case 1:
            return arrays.transpose(reversed_axis(ctx, source, second, call.span), swapped)
        case 2:
            return reversed_axis(ctx, reversed_axis(ctx, source, first, call.span), second, call.span)
        case _:
            return reversed_axis(ctx, arrays.transpose(source, swapped), second, call.span)


# one index for two axes, and for none


def diagonal(ctx: Context, source: ArrayValue, offset: int, axes: tuple[int, int], span: Span) -> ArrayValue:
    """The elements whose index on the second axis is that on the first plus `offset`, along a new last axis."""
    first, second = axes
    rows, columns = (ctx.state.form(source.extents[axis]) for axis in axes)
    if rows is None or columns is None or first == second:
        raise unsupported(span, "view", "the extents of this diagonal are no affine expressions")
    down, across = max(-offset, 0), max(offset, 0)
    length = _smaller(ctx, rows - down, columns - across)
    ctx.state.assume(length, "the diagonal lies inside the matrix", span)
    left = [axis for axis in range(source.rank) if axis not in axes]
    places = {axis: place for place, axis in enumerate(left)}

    dims = (dim.along(first, integer(down), 1).along(second, integer(across), 1) for dim in source.dims)
    mapped = tuple(dim.mapped(lambda axis: ((places.get(axis, len(left)), 1),)) for dim in dims)
    extents = (*(source.extents[axis] for axis in left), length.expr())
    found = source.derived(mapped, extents, None if left else Order(), False)
    return replace(found, writable=False)


def _smaller(ctx: Context, first: Affine, second: Affine) -> Affine:
    if ctx.state.certain(second - first):
        return first
    if ctx.state.certain(first - second):
        return second
    form = ctx.state.form(Binary("min", first.expr(), second.expr(), DType.INT64))
    assert form is not None  # of two forms
    return form


def _diagonal(ctx: Context, call: Arguments) -> ArrayValue:
    given = call.bound("a", "offset", "axis1", "axis2")
    source = call.array(given, "a")
    if source.rank < 2:
        raise unsupported(call.span, "axis", "the diagonal of an array of rank 1 raises")
    offset = constant_integer(ctx, given.get("offset"), 0, "the diagonal's offset", call.span)
    first, second = (
        axis_number(ctx, given[name], source.rank, call.span) if name in given else default
        for name, default in (("axis1", 0), ("axis2", 1))
    )
    return diagonal(ctx, source, offset, (first, second), call.span)


def _broadcast_to(ctx: Context, call: Arguments) -> ArrayValue:
    given = call.bound("array", "shape", required=2)
    shape = [_extent(ctx, item, call.span) for item in items(given["shape"])]
    return broadcast_to(ctx, call.array(given, "array"), [form.expr() for form in shape], call.span)


def broadcast_to(ctx: Context, source: ArrayValue, shape: list[Expr], span: Span) -> ArrayValue:
    """The view of the given extents; its axes of extent one stretch."""
    while source.rank < len(shape):
        source = new_axis(source, 0)
    if source.rank > len(shape):
        raise unsupported(span, "shape-mismatch", "the array has more axes than it is to be broadcast to")
    for axis, (own, wanted) in enumerate(zip(source.extents, shape, strict=True)):
        if own != integer(1):
            ctx.state.assume_equal(wanted, own, "the extents of the array and of its broadcast shape", span)
            continue
        form = ctx.state.form(wanted)
        if form is not None:
            ctx.state.assume(form, "the extent is not negative", span)
        dims = tuple(dim.along(axis, integer(0), 0) for dim in source.dims)
        order = source.order if source.order is not None and not source.order.axes else None
        source = source.derived(dims, (*source.extents[:axis], wanted, *source.extents[axis + 1 :]), order, False)
    return replace(source, writable=False)


# other shapes


def _extent(ctx: Context, value: Value, span: Span) -> Affine:
    form = ctx.state.form(value.expr) if isinstance(value, ScalarValue) and value.type == PYTHON_INT else None
    if form is None:
        raise unsupported(span, "shape", "a shape has to be made of sizes, integer arguments and constants")
    return form


def _reshape(ctx: Context, call: Arguments) -> ArrayValue:
    source = call.array(dict(zip("a", call.positional, strict=False)), "a")
    rest = call.positional[1:]
    given = rest[0] if len(rest) == 1 else TupleValue(rest) if rest else call.keywords.get("shape")
    if given is None or call.keywords.keys() - {"shape"}:
        raise unsupported(call.span, "keyword-argument", f"`{call.path}` with these arguments is not supported")
    shape = [_extent(ctx, item, call.span) for item in items(given)]
    old = []
    for extent in source.extents:
        form = ctx.state.form(extent)
        if form is None:
            raise unsupported(call.span, "view", "the extent of an axis is no affine expression")
        old.append(form)
    if len(shape) > arrays.RANK_LIMIT:
        raise unsupported(call.span, "rank", f"arrays of rank {len(shape)} are not supported")
    if sum(form.value == -1 for form in shape) > 1 or any(form.value is not None and form.value in (0, -2) for form in shape):
        raise _reshaped(call.span)
    return _split(ctx, source, old, shape, call.span)


def _split(ctx: Context, source: ArrayValue, old: list[Affine], new: list[Affine], span: Span) -> ArrayValue:
    """Axes are matched from the last one on: an old one is a new one, or the product of several, of which all but the first are
    constants (so that a step on each is one). `-1` is what then is left of its old axis."""
    extents, steps = list(new), dict[int, list[tuple[int, int]]]()
    place = len(new) - 1
    for axis in reversed(range(len(old))):
        chosen: list[tuple[int, int]] = []
        factor = 1
        while old[axis].value != 1 or factor != 1:
            while place >= 0 and new[place].value == 1:
                place -= 1
            if place < 0 and chosen:
                break
            if place < 0:
                raise _reshaped(span)
            if new[place].value == -1:
                extents[place] = _quotient(ctx, old[axis], factor)
            chosen.append((place, factor))
            known = new[place].value
            place -= 1
            if known is None or known == -1 or factor * known == old[axis].value:
                break
            factor *= known
        if chosen:
            outer, step = chosen[-1]
            total = extents[outer] * step
            ctx.state.assume_equal(total.expr(), old[axis].expr(), "the old and the new number of elements", span)
        steps[axis] = chosen
    extents = [number(1) if place >= number_ and form.value == -1 else form for number_, form in enumerate(extents)]
    if any(form.value != 1 for form in extents[: place + 1]):
        raise _reshaped(span)
    dims = tuple(dim.mapped(lambda axis: steps[axis]) for dim in source.dims)
    whole = source.whole and all(len(chosen) <= 1 for chosen in steps.values())
    order = source.order if source.order is not None and source.order.plain else None
    return source.derived(dims, tuple(form.expr() for form in extents), order, whole)


def _quotient(ctx: Context, extent: Affine, factor: int) -> Affine:
    form = ctx.state.form(Binary("floordiv", extent.expr(), integer(factor), DType.INT64))
    assert form is not None  # a form over a positive constant
    return form


def _reshaped(span: Span) -> Unsupported:
    text = "this change of shape has no affine index map"
    return unsupported(span, "view", text, "index with several subscripts instead of a flat one")


_FUNCTIONS: Mapping[str, Callable[[Context, Arguments], Value]] = {
    "transpose": _transpose, "permute_dims": _transpose, "matrix_transpose": lambda ctx, call: arrays.transpose(
        call.array(call.bound("x"), "x"), (*range(call.array(call.bound("x"), "x").rank - 2), -1, -2)
    ),
    "swapaxes": _swapaxes, "moveaxis": _moveaxis, "rollaxis": _rollaxis,
    "expand_dims": _expand_dims, "squeeze": _squeeze,
    "atleast_1d": _at_least(1), "atleast_2d": _at_least(2), "atleast_3d": _at_least(3),
    "flip": _flip, "fliplr": _flip, "flipud": _flip, "rot90": _rot90,
    "diagonal": _diagonal, "broadcast_to": _broadcast_to, "reshape": _reshape,
}  # fmt: skip
