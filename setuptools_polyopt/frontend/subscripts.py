"""Subscripts: elements, rows, slices, new axes.

    a[i, j]  a[i][j]      an element: subscripts stay plain affine forms, the guard's bounds come from isl
    a[-1]                 the last one: `n - 1`
    a[i - 1]              `i - 1 + n if i - 1 < 0 else i - 1` where i really starts at zero
    a[1:-1, ::2]          a view; guards make sure that nothing is clipped: 1 <= n - 1
    a[i], a[..., None]    views of other ranks

    a[i:k]                with k from data: a view whose extent is data, clipped as Python clips

Not here: index arrays and masks (`picking`), assignment (`statements`).
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import dataclass, replace

from setuptools_polyopt.diagnostics import Span, unsupported
from setuptools_polyopt.frontend import lists, picking, records, views
from setuptools_polyopt.frontend.affine import Affine, number
from setuptools_polyopt.frontend.arrays import drop_axis
from setuptools_polyopt.frontend.context import Context
from setuptools_polyopt.frontend.picking import Masked, Picked
from setuptools_polyopt.frontend.ranges import kept
from setuptools_polyopt.frontend.shapes import leaf
from setuptools_polyopt.frontend.values import (
    ArrayValue,
    ListValue,
    NoneValue,
    ObjectValue,
    PathValue,
    RecordValue,
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
    return picking.read(ctx, place, ctx.span(node)) if isinstance(place, Picked | Masked) else place


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


def locate(ctx: Context, node: ast.Subscript) -> Element | Picked | Masked | Value:
    """The element or view that a subscript names, for reading and writing."""
    if isinstance(node.slice, ast.Name):
        spelt = _items_of_tuple(ctx, node.slice)
        if spelt is not None:
            around, ctx.inner = ctx.inner, {**ctx.inner, **spelt}
            names: list[ast.expr] = [ast.copy_location(ast.Name(name, ast.Load()), node) for name in spelt]
            try:
                return locate(ctx, ast.copy_location(ast.Subscript(node.value, ast.Tuple(names, ast.Load()), node.ctx), node))
            finally:
                ctx.inner = around
    items = _items(node.slice)
    base_node: ast.expr = node.value
    nodes = [node]
    while isinstance(base_node, ast.Subscript) and _plain(items) and _plain(_items(base_node.slice)):
        inner = _items(base_node.slice)  # a[i][j] is a[i, j] as long as there are no slices
        items, nodes, base_node = inner + items, [base_node, *nodes], base_node.value
    base = ctx.expr(base_node)
    while isinstance(base, TupleValue | RecordValue | ObjectValue):
        if isinstance(base, TupleValue):
            found: Value | None = _tuple_item(ctx, base, nodes[0])
        else:
            found = records.item(ctx, base, nodes[0].slice, ctx.span(node))
        assert found is not None  # of an object
        base, nodes = found, nodes[1:]
        if not nodes:
            return base
        items = [item for part in nodes for item in _items(part.slice)]
    brackets = len(nodes)
    if isinstance(base, PathValue) and base.path in ("numpy.mgrid", "numpy.ogrid"):
        return _grid(ctx, base.path, items, ctx.span(node))
    if isinstance(base, ListValue):
        return _of_list(ctx, base, items, brackets, node)
    if not isinstance(base, ArrayValue):
        raise unsupported(
            ctx.span(node), "subscript", f"`{ast.unparse(base_node)}` is not an array whose elements can be read here"
        )
    return _index(ctx, base, items, node)


def _items_of_tuple(ctx: Context, node: ast.Name) -> dict[str, Value] | None:
    """The items of a tuple that the region makes, as subscripts under names of their own; None for anything else."""
    value = ctx.expr(node)
    return {leaf(node.id, k): item for k, item in enumerate(value.items)} if isinstance(value, TupleValue) else None


def _of_list(ctx: Context, base: ListValue, items: list[ast.expr], brackets: int, node: ast.Subscript) -> Element | Value:
    """`x[i][j]`, with one index in each pair of brackets; `x[i:j]`."""
    whole_slice = len(items) == 1 and isinstance(items[0], ast.Slice)
    if len(items) != brackets or not (_plain(items) or whole_slice) or any(_is_ellipsis(i) or _adds_axis(ctx, i) for i in items):
        raise unsupported(ctx.span(node), "subscript", "a list is read with one index at a time")
    place = _index(ctx, base.view, items, node)
    if isinstance(place, Element):
        return Element(place.view, place.indices, base)
    if not isinstance(place, ArrayValue) or any(map(ctx.state.is_data, place.extents)):
        raise unsupported(ctx.span(node), "subscript", "this part of a list has a length that is data")
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


def _index(ctx: Context, base: ArrayValue, items: list[ast.expr], node: ast.Subscript) -> Element | Picked | Masked | Value:
    """Apply the items from left to right; `axis` is the axis of the view so far that the next item speaks of."""
    span = ctx.span(node)
    new = [_adds_axis(ctx, item) for item in items]
    found = [None if n or _is_ellipsis(i) or isinstance(i, ast.Slice) else _selection(ctx, i) for i, n in zip(items, new, strict=True)]
    used = sum(_axes(value) for value, n, item in zip(found, new, items, strict=True) if not n and not _is_ellipsis(item))
    if used > base.rank:
        raise unsupported(span, "too-many-indices", f"{used} subscripts for an array of rank {base.rank}")
    if any(isinstance(value, ArrayValue) for value in found):
        return _picked(ctx, base, items, found, span)
    if used == base.rank and len(items) == used and _plain(items):
        return _element(ctx, base, items, found)
    view, axis = base, 0
    for item, value, adds in zip(items, found, new, strict=True):
        if _is_ellipsis(item):
            axis += base.rank - used
        elif adds:
            view, axis = views.new_axis(view, axis), axis + 1
        elif isinstance(item, ast.Slice):
            view, axis = _slice(ctx, view, axis, item), axis + 1
        else:
            view = _row(ctx, view, axis, value, ctx.span(item))
    if not view.rank:
        return Element(view, ())
    return view


def _selection(ctx: Context, item: ast.expr) -> Value:
    value = ctx.expr(item)
    if isinstance(value, ListValue) and value.frozen:  # its items are subscripts of their own
        raise unsupported(ctx.span(item), "tuple-subscript", "a tuple among subscripts is not supported", "write its items")
    return value.view if isinstance(value, ListValue) else value


def _axes(value: Value | None) -> int:
    """How many axes of an array a subscript is for."""
    return value.rank if isinstance(value, ArrayValue) and value.dtype is DType.BOOL else 1


def _picked(ctx: Context, base: ArrayValue, items: list[ast.expr], found: list[Value | None], span: Span) -> Picked | Masked:
    """Index arrays side by side (numbers among them), with slices before and behind."""
    places = [number for number, value in enumerate(found) if value is not None]
    first, last = places[0], places[-1] + 1
    if len(places) != last - first or any(_is_ellipsis(item) or _adds_axis(ctx, item) for item in items):
        text = "index arrays with slices between them, or with new axes or `...`, are not supported"
        raise unsupported(span, "index-array", text, "take the parts one after the other")
    view = base
    count = sum(map(_axes, found[first:last]))
    for place, item in enumerate(items):
        if isinstance(item, ast.Slice):
            view = _slice(ctx, view, place if place < first else place - (last - first) + count, item)
    return picking.pick(ctx, view, first, [value for value in found[first:last] if value is not None], span)


def _is_ellipsis(item: ast.expr) -> bool:
    return isinstance(item, ast.Constant) and item.value is ...


def _adds_axis(ctx: Context, item: ast.expr) -> bool:
    if isinstance(item, ast.Constant):
        return item.value is None
    path = ctx.function.module.dotted(item) if isinstance(item, ast.Name | ast.Attribute) else None
    local = isinstance(item, ast.Name) and ctx.is_local(item.id)
    return path == "numpy.newaxis" and not local and isinstance(ctx.expr(item), NoneValue)


def _element(ctx: Context, base: ArrayValue, items: list[ast.expr], found: list[Value | None]) -> Element:
    parts = enumerate(zip(items, found, strict=True))
    return Element(base, tuple(_position(ctx, base, axis, value, ctx.span(item)) for axis, (item, value) in parts))


def _row(ctx: Context, view: ArrayValue, axis: int, value: Value | None, span: Span) -> ArrayValue:
    position = _position(ctx, view, axis, value, span)
    form = ctx.state.form(position)
    if isinstance(position, Binary) and position.op == "index":  # a view stays where it is when what it was found by changes
        kept = ctx.state.scratch(DType.INT64)
        ctx.state.emit(Assign(kept, position, span))  # checked here: there may be no element to read
        position = replace(position, left=kept)
    if view.whole and form is not None:  # views may never be read, so their bounds have to be guarded here
        _inside(ctx, form, view.extents[axis], span)
    return drop_axis(view, axis, position)


def _position(ctx: Context, view: ArrayValue, axis: int, index: Value | None, span: Span) -> Expr:
    """The non-negative index on an axis; certain to be in bounds unless the view is a whole array (then isl sees to it). What data decides
    is checked when it is used."""
    value = _integer(index, span)
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


def _integer(value: Value | None, span: Span) -> Expr:
    """An index as an int64; raises Unsupported for anything but integers."""
    if not isinstance(value, ScalarValue) or not value.type.dtype.is_integer:
        raise unsupported(span, "index-type", "an index has to be an integer")
    return cast(value.expr, DType.INT64, checked=value.type.dtype is DType.UINT64)


def index_form(ctx: Context, item: ast.expr) -> Affine:
    """The linear form of an index expression; raises Unsupported for data and for products of variables."""
    form = ctx.state.form(_integer(ctx.expr(item), ctx.span(item)))
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
    ends = [None if part is None or _is_none(part) else _integer(ctx.expr(part), span) for part in (item.lower, item.upper)]
    forms = [None if end is None else ctx.state.form(end) for end in ends]
    steered = any(end is not None and (form is None or not ctx.state.regular(form)) for end, form in zip(ends, forms, strict=True))
    if steered or not ctx.state.regular(size):
        start, length = _clipped(ctx, ends, size, step, span)
    else:
        start, length = (_forward if step > 0 else _backward)(ctx, item, forms, size, step, span)
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


def _is_none(node: ast.expr | None) -> bool:
    return node is None or (isinstance(node, ast.Constant) and node.value is None)


def _clipped(ctx: Context, ends: Sequence[Expr | None], size: Affine, step: int, span: Span) -> tuple[Affine, Affine]:
    """Start and length where data decides them: clipped to the axis, as Python does it, and found out when the slice is taken."""
    if step < 0:
        raise unsupported(span, "slice", "a slice backwards whose bounds are data is not supported")
    start, stop = number(0), size
    if ends[0] is not None:
        start = _local(ctx, "start", _clip(ctx, ends[0], size, span), size, span)
    if ends[1] is not None:
        stop = _local(ctx, "stop", _clip(ctx, ends[1], size, span), size, span)
    extent = Binary("max", (stop - start).expr(), integer(0), DType.INT64)
    if step > 1:
        extent = Binary("floordiv", Binary("add", extent, integer(step - 1), DType.INT64), integer(step), DType.INT64)
    return start, _local(ctx, "length", extent, size, span)


def _clip(ctx: Context, end: Expr, size: Affine, span: Span) -> Expr:
    raw, extent = kept(ctx, end, span), size.expr()
    last = Binary("max", Binary("add", raw, extent, DType.INT64), integer(0), DType.INT64)
    return Select(Compare("lt", raw, integer(0)), last, Binary("min", raw, extent, DType.INT64), DType.INT64)


def _local(ctx: Context, base: str, value: Expr, size: Affine, span: Span) -> Affine:
    form = ctx.state.form(ctx.state.local(base, value, number(0), size, span))
    assert form is not None  # a symbol
    return form


def _bound(ctx: Context, form: Affine | None, size: Affine, default: Affine, span: Span) -> Affine:
    """A slice's start or stop; what looks negative (`-k - 1`) counts from the end, and a guard asks that it is negative."""
    if form is None:
        return default
    if form.constant > 0 or any(coefficient > 0 for _, coefficient in form.terms) or form.value == 0:
        return form
    ctx.state.assume(form * -1 - 1, "this bound of a slice is negative", span)
    return form + size


def _forward(
    ctx: Context, item: ast.Slice, ends: Sequence[Affine | None], size: Affine, step: int, span: Span
) -> tuple[Affine, Affine]:
    start = _bound(ctx, ends[0], size, number(0), span)
    stop = _bound(ctx, ends[1], size, size, span)
    what = f"the slice `{ast.unparse(item)}` lies inside the array"
    ctx.state.assume(start, what, span)
    ctx.state.assume(stop - start, what, span)
    ctx.state.assume(size - stop, what, span)
    return start, _count(ctx, stop - start, step)


def _backward(
    ctx: Context, item: ast.Slice, ends: Sequence[Affine | None], size: Affine, step: int, span: Span
) -> tuple[Affine, Affine]:
    start = _bound(ctx, ends[0], size, size - 1, span)
    stop = _bound(ctx, ends[1], size, number(-1), span)
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
