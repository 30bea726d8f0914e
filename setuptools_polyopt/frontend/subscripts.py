"""Subscripts: elements, rows, slices, new axes.

    a[i, j]  a[i][j]      an element: subscripts stay plain affine forms, the guard's bounds come from isl
    a[-1]                 the last one: `n - 1`
    a[i - 1]              `i - 1 + n if i - 1 < 0 else i - 1` where i really starts at zero
    a[1:-1, ::2]          a view; guards make sure that nothing is clipped: 1 <= n - 1
    a[i], a[..., None]    views of other ranks

Not here: index arrays and masks (not supported yet), assignment (`statements`).
"""

from __future__ import annotations

import ast
from dataclasses import dataclass, replace

from setuptools_polyopt.diagnostics import Span, unsupported
from setuptools_polyopt.frontend import lists, views
from setuptools_polyopt.frontend.affine import Affine, number
from setuptools_polyopt.frontend.arrays import drop_axis
from setuptools_polyopt.frontend.context import Context
from setuptools_polyopt.frontend.values import (
    ArrayValue,
    ListValue,
    NoneValue,
    PathValue,
    ScalarValue,
    TupleValue,
    Value,
)
from setuptools_polyopt.ir.dtypes import DType
from setuptools_polyopt.ir.expressions import Binary, Compare, Expr, Select, integer
from setuptools_polyopt.ir.statements import Assign
from setuptools_polyopt.operators.values import ScalarType, cast


def subscript(ctx: Context, node: ast.Subscript) -> Value:
    """The value of `base[index]` when it is read."""
    place = locate(ctx, node)
    if isinstance(place, Element):
        return place.value
    return place


@dataclass(frozen=True, slots=True)
class Element:
    """One element of an array, at a full index of the view; or of a list, whose elements are of exactly that type."""

    view: ArrayValue
    indices: tuple[Expr, ...]
    of: ListValue | None = None

    @property
    def type(self) -> ScalarType:
        """Of the element when it is read."""
        return ScalarType("numpy", self.view.dtype) if self.of is None else self.of.element

    @property
    def value(self) -> ScalarValue:
        """What reading it gives."""
        return ScalarValue(self.type, self.view.read(self.indices)) if self.of is None else self.of.read(self.view, self.indices)


def locate(ctx: Context, node: ast.Subscript) -> Element | Value:
    """The element or view that a subscript names, for reading and writing."""
    items = _items(node.slice)
    base_node, brackets = node.value, 1
    while isinstance(base_node, ast.Subscript) and _plain(items) and _plain(_items(base_node.slice)):
        inner = _items(base_node.slice)  # a[i][j] is a[i, j] as long as there are no slices
        items, base_node, brackets = inner + items, base_node.value, brackets + 1
    base = ctx.expr(base_node)
    if isinstance(base, TupleValue):
        return _tuple_item(ctx, base, node)
    if isinstance(base, PathValue) and base.path in ("numpy.mgrid", "numpy.ogrid"):
        return _grid(ctx, base.path, items, ctx.span(node))
    if isinstance(base, ListValue):
        return _of_list(ctx, base, items, brackets, node)
    if not isinstance(base, ArrayValue):
        raise unsupported(
            ctx.span(node), "subscript", f"`{ast.unparse(base_node)}` is not an array whose elements can be read here"
        )
    return _index(ctx, base, items, node)


def _of_list(ctx: Context, base: ListValue, items: list[ast.expr], brackets: int, node: ast.Subscript) -> Element | Value:
    """`x[i][j]`, with one index in each pair of brackets; `x[i:j]`."""
    whole_slice = len(items) == 1 and isinstance(items[0], ast.Slice)
    if len(items) != brackets or not (_plain(items) or whole_slice) or any(_is_ellipsis(i) or _adds_axis(ctx, i) for i in items):
        raise unsupported(ctx.span(node), "subscript", "a list is read with one index at a time")
    place = _index(ctx, base.view, items, node)
    if isinstance(place, Element):
        return Element(place.view, place.indices, base)
    assert isinstance(place, ArrayValue)  # what else there is of an array
    return lists.sliced(ctx, base, place, ctx.span(node)) if whole_slice else base.row(place)


def _grid(ctx: Context, name: str, items: list[ast.expr], span: Span) -> Value:
    """`np.mgrid[a:b, c:d]`."""
    from setuptools_polyopt.frontend import grids  # which makes arrays, out of what subscripts read

    slices = [item for item in items if isinstance(item, ast.Slice)]
    if len(slices) < len(items):
        raise unsupported(span, "arguments", f"`{name}` is supported with slices only")
    parts = ((item.lower, item.upper, item.step) for item in slices)
    return grids.grid(ctx, name, [tuple(None if p is None else ctx.expr(p) for p in part) for part in parts], span)


def _items(index: ast.expr) -> list[ast.expr]:
    return list(index.elts) if isinstance(index, ast.Tuple) else [index]


def _plain(items: list[ast.expr]) -> bool:
    """Whether every item selects one index."""
    special = (ast.Slice, ast.List, ast.Tuple)
    return not any(isinstance(item, special) or (isinstance(item, ast.Constant) and not isinstance(item.value, int)) for item in items)


def _tuple_item(ctx: Context, base: TupleValue, node: ast.Subscript) -> Value:
    if isinstance(node.slice, ast.Slice):
        return TupleValue(base.items[_constant_slice(ctx, node.slice)])
    index = ctx.expr(node.slice)
    form = ctx.state.form(index.expr) if isinstance(index, ScalarValue) else None
    if form is None or form.value is None or not -len(base.items) <= form.value < len(base.items):
        raise unsupported(ctx.span(node), "tuple-subscript", "a tuple can only be read at a constant index")
    return base.items[form.value]


def _constant_slice(ctx: Context, node: ast.Slice) -> slice:
    """The slice of a tuple, all of whose parts have to be constants."""
    parts: list[int | None] = []
    for part in (node.lower, node.upper, node.step):
        value = None if part is None else index_form(ctx, part).value
        if part is not None and value is None:
            raise unsupported(ctx.span(node), "tuple-subscript", "a tuple can only be read at a constant index")
        parts.append(value)
    return slice(*parts)


def _index(ctx: Context, base: ArrayValue, items: list[ast.expr], node: ast.Subscript) -> Element | Value:
    """Apply the items from left to right; `axis` is the axis of the view so far that the next item speaks of."""
    used = sum(not _adds_axis(ctx, item) and not _is_ellipsis(item) for item in items)
    if used > base.rank:
        raise unsupported(ctx.span(node), "too-many-indices", f"{used} subscripts for an array of rank {base.rank}")
    if used == base.rank and len(items) == used and _plain(items):
        return _element(ctx, base, items)
    view, axis = base, 0
    for item in items:
        if _is_ellipsis(item):
            axis += base.rank - used
        elif _adds_axis(ctx, item):
            view, axis = views.new_axis(view, axis), axis + 1
        elif isinstance(item, ast.Slice):
            view, axis = _slice(ctx, view, axis, item), axis + 1
        else:
            view = _row(ctx, view, axis, item)
    if not view.rank:
        return Element(view, ())
    return view


def _is_ellipsis(item: ast.expr) -> bool:
    return isinstance(item, ast.Constant) and item.value is ...


def _adds_axis(ctx: Context, item: ast.expr) -> bool:
    if isinstance(item, ast.Constant):
        return item.value is None
    path = ctx.function.module.dotted(item) if isinstance(item, ast.Name | ast.Attribute) else None
    local = isinstance(item, ast.Name) and ctx.is_local(item.id)
    return path == "numpy.newaxis" and not local and isinstance(ctx.expr(item), NoneValue)


def _element(ctx: Context, base: ArrayValue, items: list[ast.expr]) -> Element:
    return Element(base, tuple(_position(ctx, base, axis, item) for axis, item in enumerate(items)))


def _row(ctx: Context, view: ArrayValue, axis: int, item: ast.expr) -> ArrayValue:
    position = _position(ctx, view, axis, item)
    form = ctx.state.form(position)
    if isinstance(position, Binary) and position.op == "index":  # a view stays where it is when what it was found by changes
        kept = ctx.state.scratch(DType.INT64)
        ctx.state.emit(Assign(kept, position.left, ctx.span(item)))
        position = replace(position, left=kept)
    if view.whole and form is not None:  # views may never be read, so their bounds have to be guarded here
        _inside(ctx, form, view.extents[axis], ctx.span(item))
    return drop_axis(view, axis, position)


def _position(ctx: Context, view: ArrayValue, axis: int, item: ast.expr) -> Expr:
    """The non-negative index on an axis; certain to be in bounds unless the view is a whole array (then isl sees to it). What data decides
    is checked when it is used."""
    span = ctx.span(item)
    value = index_value(ctx, item)
    form = ctx.state.form(value)
    extent = ctx.state.form(view.extents[axis])
    if extent is None:
        raise unsupported(span, "subscript", "the extent of this axis is no affine expression")
    if form is None or not ctx.state.regular(form):
        ctx.state.assume(extent - 1, "an axis that is indexed with data is not empty", span)
        return Binary("index", value if form is None else form.expr(), extent.expr(), DType.INT64, checked=True)
    if form.value is not None and form.value < 0:
        form = form + extent
    elif _can_be_negative(ctx, form):
        if not view.whole:
            raise unsupported(span, "negative-index", "this index of a view may be negative", "write the positive index")
        raw = form.expr()
        return Select(Compare("lt", raw, integer(0)), (form + extent).expr(), raw, DType.INT64)
    if not view.whole:
        _inside(ctx, form, view.extents[axis], span)
    return form.expr()


def _inside(ctx: Context, form: Affine, extent: Expr, span: Span) -> None:
    size = ctx.state.form(extent)
    if size is None:
        raise unsupported(span, "subscript", "the extent of this axis is no affine expression")
    ctx.state.assume(form, "the index is not negative", span)
    ctx.state.assume(size - form - 1, "the index is below the extent", span)


def _can_be_negative(ctx: Context, form: Affine) -> bool:
    """Whether some iteration has a negative index whatever the parameters are (else a guard on them can exclude it)."""
    if ctx.state.certain(form):
        return False
    least = ctx.state.extreme(form, largest=False)
    return least is not None and least.value is not None and least.value < 0


def index_value(ctx: Context, item: ast.expr) -> Expr:
    """An index as an int64; raises Unsupported for anything but integers."""
    span = ctx.span(item)
    value = ctx.expr(item)
    if isinstance(value, ArrayValue):
        what = "mask" if value.dtype is DType.BOOL else "index array"
        raise unsupported(span, "index-array", f"subscripts with an {what} are not supported yet".replace("an mask", "a mask"))
    if not isinstance(value, ScalarValue) or not value.type.dtype.is_integer:
        raise unsupported(span, "index-type", "an index has to be an integer")
    return cast(value.expr, DType.INT64, checked=value.type.dtype is DType.UINT64)


def index_form(ctx: Context, item: ast.expr) -> Affine:
    """The linear form of an index expression; raises Unsupported for data and for products of variables."""
    form = ctx.state.form(index_value(ctx, item))
    if form is None or not ctx.state.regular(form):
        raise unsupported(
            ctx.span(item),
            "non-affine-index",
            f"the index `{ast.unparse(item)}` is not a sum of loop variables, sizes and constants",
            "index with loop variables and sizes",
        )
    return form


def _slice(ctx: Context, view: ArrayValue, axis: int, item: ast.Slice) -> ArrayValue:
    """`start:stop:step` in canonical form: guards 0 <= start <= stop <= extent, so that nothing is clipped."""
    span = ctx.span(item)
    step = _step(ctx, item)
    size = ctx.state.form(view.extents[axis])
    if size is None:
        raise unsupported(span, "slice", "the extent of this axis is no affine expression")
    if item.lower is None and item.upper is None and step == 1:
        return view.derived(view.dims, view.extents, view.order, view.whole)
    start, length = (_forward if step > 0 else _backward)(ctx, item, size, step, span)
    dims = tuple(dim.along(axis, start.expr(), step) for dim in view.dims)
    extents = (*view.extents[:axis], length.expr(), *view.extents[axis + 1 :])
    order = view.order if step > 0 or view.order is None else replace(view.order, mirrored=True)
    return view.derived(dims, extents, order, False)


def _step(ctx: Context, item: ast.Slice) -> int:
    if item.step is None or (isinstance(item.step, ast.Constant) and item.step.value is None):
        return 1
    step = index_form(ctx, item.step).value
    if not step:
        raise unsupported(ctx.span(item), "slice-step", "the step of a slice has to be a constant other than zero")
    return step


def _bound(ctx: Context, node: ast.expr | None, size: Affine, default: Affine) -> Affine:
    """A slice's start or stop; a negative constant counts from the end."""
    if node is None or (isinstance(node, ast.Constant) and node.value is None):
        return default
    form = index_form(ctx, node)
    return form + size if form.value is not None and form.value < 0 else form


def _forward(ctx: Context, item: ast.Slice, size: Affine, step: int, span: Span) -> tuple[Affine, Affine]:
    start = _bound(ctx, item.lower, size, number(0))
    stop = _bound(ctx, item.upper, size, size)
    what = f"the slice `{ast.unparse(item)}` lies inside the array"
    ctx.state.assume(start, what, span)
    ctx.state.assume(stop - start, what, span)
    ctx.state.assume(size - stop, what, span)
    return start, _count(ctx, stop - start, step)


def _backward(ctx: Context, item: ast.Slice, size: Affine, step: int, span: Span) -> tuple[Affine, Affine]:
    start = _bound(ctx, item.lower, size, size - 1)
    stop = _bound(ctx, item.upper, size, number(-1))
    what = f"the slice `{ast.unparse(item)}` lies inside the array"
    if item.upper is not None:
        ctx.state.assume(stop, what, span)
    if item.lower is not None:
        ctx.state.assume(start, what, span)
        ctx.state.assume(size - start - 1, what, span)
    ctx.state.assume(start - stop, what, span)
    return start, _count(ctx, start - stop, -step)


def _count(ctx: Context, length: Affine, step: int) -> Affine:
    """How many of `length` places a positive step visits: rounded up."""
    if step == 1:
        return length
    form = ctx.state.form(Binary("floordiv", (length + (step - 1)).expr(), integer(step), DType.INT64))
    assert form is not None  # a sum over a positive constant
    return form
