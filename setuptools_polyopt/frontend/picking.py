"""Elements that index arrays or a mask pick, for reading and for writing.

    b = a[p]            for i: b[i] = a[p[i]]                      every p[i] is checked when it is used
    a[p] = v            for i: a[p[i]] = v[i]                      in this order: the last one stays
    a[p] += v           t = a[p] + v; a[p] = t                     as NumPy does it
    b = a[m]            n = 0; for i: if m[i]: b[n] = a[i]; n += 1     b has room for all, and an extent that is data
    a[m] = v            for i: if m[i]: a[i] = v                   (or v[n]; n += 1)

Not here: index arrays with slices or new axes between them, masks beside other subscripts.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from setuptools_polyopt.diagnostics import Span, unsupported
from setuptools_polyopt.frontend import arrays
from setuptools_polyopt.frontend.affine import number
from setuptools_polyopt.frontend.context import Context
from setuptools_polyopt.frontend.values import C_ORDER, ArrayValue, Order, ScalarValue, Value
from setuptools_polyopt.ir.dtypes import DType
from setuptools_polyopt.ir.expressions import Binary, Compare, Expr, Load, integer
from setuptools_polyopt.ir.statements import If
from setuptools_polyopt.operators import elementwise
from setuptools_polyopt.operators.values import Operand, ScalarType, cast, element


@dataclass(frozen=True)
class Picked:
    """Elements of a view. first: the axis of the first index array; indices: one array (or number) for each axis from there on, which are
    broadcast against each other to `shape`; they take the place of these axes."""

    view: ArrayValue
    first: int
    indices: tuple[ArrayValue | Expr, ...]
    shape: tuple[Expr, ...]

    @property
    def extents(self) -> tuple[Expr, ...]:
        return (*self.view.extents[: self.first], *self.shape, *self.view.extents[self.first + len(self.indices) :])

    def place(self, ctx: Context, at: Sequence[Expr], span: Span) -> tuple[Expr, ...]:
        """The index of the view for an index of what is picked."""
        own = tuple(at[self.first : self.first + len(self.shape)])
        rest = at[self.first + len(self.shape) :]
        found = []
        for axis, index in enumerate(self.indices, self.first):
            raw = index if not isinstance(index, ArrayValue) else _number(index, own, span)
            found.append(Binary("index", raw, self.view.extents[axis], DType.INT64, checked=True))
        return (*at[: self.first], *found, *rest)


@dataclass(frozen=True)
class Masked:
    """Elements of a view where a mask over its first axes is true."""

    view: ArrayValue
    mask: ArrayValue


def _number(index: ArrayValue, at: tuple[Expr, ...], span: Span) -> Expr:
    own = at[len(at) - index.rank :]
    stretched = tuple(integer(0) if extent == integer(1) else i for extent, i in zip(index.extents, own, strict=True))
    return cast(element(index.read(stretched)).expr, DType.INT64, checked=index.dtype is DType.UINT64)


def pick(ctx: Context, view: ArrayValue, first: int, indices: Sequence[Value], span: Span) -> Picked | Masked:
    """What subscripts pick of a view, whose axes from `first` on they are for. Raises Unsupported."""
    if any(isinstance(index, ArrayValue) and index.dtype is DType.BOOL for index in indices):
        mask = indices[0]
        if len(indices) > 1 or first or not isinstance(mask, ArrayValue) or mask.rank > view.rank:
            raise unsupported(span, "index-array", "a mask beside other subscripts is not supported")
        for axis, extent in enumerate(mask.extents):
            ctx.state.assume_equal(view.extents[axis], extent, "the extents of the array and of the mask", span)
        return Masked(view, mask)
    found: list[ArrayValue | Expr] = []
    for axis, index in enumerate(indices, first):
        _not_empty(ctx, view.extents[axis], span)
        if isinstance(index, ArrayValue) and index.dtype.is_integer:
            found.append(index)
        elif isinstance(index, ScalarValue) and index.type.dtype.is_integer:
            found.append(arrays.settle_scalar(ctx, index, span).expr)
        else:
            raise unsupported(span, "index-type", "an index has to be an integer")
    shape = arrays.broadcast(ctx, [index.extents for index in found if isinstance(index, ArrayValue)], span)
    others = (*view.extents[:first], *view.extents[first + len(found) :], *(shape if len(found) > 1 else ()))
    for extent in others:  # NumPy looks at every index, even where nothing is picked
        _not_empty(ctx, extent, span)
    return Picked(view, first, tuple(cast(i, DType.INT64) if not isinstance(i, ArrayValue) else i for i in found), shape)


def _not_empty(ctx: Context, extent: Expr, span: Span) -> None:
    size = ctx.state.form(extent)
    if size is None:
        ctx.state.check(Compare("ge", extent, integer(1)), span)
    else:
        ctx.state.assume(size - 1, "an axis that is indexed with data is not empty", span)


def read(ctx: Context, picked: Picked | Masked, span: Span) -> ArrayValue:
    """A fresh array of what is picked."""
    if isinstance(picked, Masked):
        return _compressed(ctx, picked, span)
    target = ctx.state.temporary("t", picked.view.dtype, picked.extents, _order(picked))
    with arrays.nest(ctx, picked.extents, span) as at:
        arrays.store(ctx, target.load(at), picked.view.read(picked.place(ctx, at, span)), span)
    return target


def _order(picked: Picked) -> Order | None:
    """The memory order of what NumPy makes of index arrays, where that is known."""
    indices = [index for index in picked.indices if isinstance(index, ArrayValue) and index.rank > 1]
    orders = [index.order for index in (*indices, picked.view)]
    if len(picked.extents) == 1:
        return C_ORDER
    if picked.first or any(order is None or not order.plain for order in orders):
        return None
    return Order(frozenset().union(*(order.needs for order in orders if order is not None)))


def assign(ctx: Context, picked: Picked | Masked, value: Value, span: Span) -> None:
    """`a[p] = value`."""
    view = picked.view
    if not view.writable:
        raise unsupported(span, "assigned-value", "this cannot be assigned to")
    if not isinstance(value, ScalarValue | ArrayValue):
        raise unsupported(span, "assigned-value", "only numbers and arrays can be assigned to array elements")
    if isinstance(value, ScalarValue):
        operand = Operand(value.expr, value.type) if value.narrow else arrays.operand_of(value, span)
        converted = elementwise.convert(operand, view.dtype, span)
        value = ScalarValue(ScalarType("numpy", view.dtype), arrays.once(ctx, converted, span))
    elif value.storage == view.storage:
        value = arrays.materialise(ctx, value, span)
    if isinstance(picked, Masked):
        _spread(ctx, picked, value, span)
        return
    indices = [index for index in picked.indices if isinstance(index, ArrayValue)]
    if any(index.storage == view.storage for index in indices) or any(index.rank > 1 and index.order != C_ORDER for index in indices):
        raise unsupported(span, "index-array", "the order in which NumPy stores these elements is not known", "copy the index array first")
    extents = picked.extents
    if isinstance(value, ArrayValue):
        if value.rank > len(extents):
            raise unsupported(span, "shape-mismatch", "the value has more axes than what it is assigned to")
        for axis in range(-value.rank, 0):
            if value.extents[axis] != integer(1):
                ctx.state.assume_equal(extents[axis], value.extents[axis], "the extents of both sides", span)
    with arrays.nest(ctx, extents, span) as at:
        stored = elementwise.convert(arrays.element_of(value, at, span), view.dtype, span)
        arrays.write(ctx, view, picked.place(ctx, at, span), stored, span)
    ctx.state.nests -= 1


def _compressed(ctx: Context, picked: Masked, span: Span) -> ArrayValue:
    view, mask = picked.view, picked.mask
    room: Expr = mask.extents[0]
    for extent in mask.extents[1:]:
        room = Binary("mul", room, extent, DType.INT64)
    for extent in mask.extents:
        _not_empty(ctx, extent, span)
    target = ctx.state.temporary("t", view.dtype, (room, *view.extents[mask.rank :]))
    others = view.extents[mask.rank :]
    with ctx.state.serially(span), _counting(ctx, span) as count:
        place = Binary("index", count, room, DType.INT64, checked=True)
        # a number is stored whatever the mask says, and the next one over it: a jump that nobody can foresee would cost more
        with _where(ctx, mask, span) if others else arrays.nest(ctx, mask.extents, span) as at:
            with arrays.nest(ctx, others, span, "j") as rest:
                arrays.store(ctx, target.load((place, *rest)), view.read((*at, *rest)), span)
            _advance(ctx, count, span, integer(1) if others else cast(mask.read(at), DType.INT64))
    length = ctx.state.local("n", count, number(0), ctx.state.form(room), span, room)
    return replace(target, extents=(length, *target.extents[1:]), fresh=False, whole=False)


def _spread(ctx: Context, picked: Masked, value: ScalarValue | ArrayValue, span: Span) -> None:
    view, mask = picked.view, picked.mask
    others = view.extents[mask.rank :]
    if isinstance(value, ScalarValue) or value.rank <= len(others) or value.extents[0] == integer(1):
        with _where(ctx, mask, span) as at, arrays.nest(ctx, others, span, "j") as rest:
            stored = arrays.element_of(value, (integer(0), *rest), span)
            arrays.write(ctx, view, (*at, *rest), elementwise.convert(stored, view.dtype, span), span)
        ctx.state.nests -= 1
        return
    if value.rank > 1 + len(others):
        raise unsupported(span, "shape-mismatch", "the value has more axes than what it is assigned to")
    with ctx.state.serially(span), _counting(ctx, span) as count:
        with _where(ctx, mask, span) as at:
            with arrays.nest(ctx, others, span, "j") as rest:
                stored = arrays.element_of(value, (count, *rest), span)
                arrays.write(ctx, view, (*at, *rest), elementwise.convert(stored, view.dtype, span), span)
            _advance(ctx, count, span, integer(1))
        ctx.state.check(Compare("eq", count, value.extents[0]), span)


@contextmanager
def _counting(ctx: Context, span: Span) -> Iterator[Load]:
    """A counter that begins at zero."""
    count = ctx.state.scratch(DType.INT64)
    arrays.store(ctx, count, integer(0), span)
    yield count


def _advance(ctx: Context, count: Load, span: Span, step: Expr) -> None:
    arrays.store(ctx, count, Binary("add", count, step, DType.INT64), span)


@contextmanager
def _where(ctx: Context, mask: ArrayValue, span: Span) -> Iterator[tuple[Expr, ...]]:
    """Loops over a mask; what is emitted inside runs where it is true."""
    with arrays.nest(ctx, mask.extents, span) as at:
        with ctx.state.block() as block:
            yield at
            inside = tuple(block)
        ctx.state.emit(If(mask.read(at), inside, (), span))
