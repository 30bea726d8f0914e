"""Whole-array operations as loop nests: broadcasting, one temporary per operator, assignment to views.

    c = a + 2.0 * b     ->     for i0 in 0..n: t[i0] = 2.0 * b[i0]
                               for i0 in 0..n: c[i0] = a[i0] + t[i0]

The right-hand side of an array assignment is complete before anything is stored; the polyhedral stage contracts the temporaries.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext

from setuptools_polyopt.diagnostics import Span, unsupported
from setuptools_polyopt.frontend.affine import Affine, affine
from setuptools_polyopt.frontend.context import Context
from setuptools_polyopt.frontend.values import ArrayValue, Dim, Order, ScalarValue, Value
from setuptools_polyopt.ir.expressions import Binary, Call, Cast, Const, Expr, Load, Select, Sym, integer
from setuptools_polyopt.ir.kernel import Role
from setuptools_polyopt.ir.statements import Assign, Block, For
from setuptools_polyopt.ir.visitors import children, loads, map_expr, walk_expr
from setuptools_polyopt.operators import build, elementwise
from setuptools_polyopt.operators.values import Operand, element

RANK_LIMIT = 6

Combine = Callable[[tuple[Operand, ...]], Operand]


def operand_of(value: Value, span: Span) -> Operand:
    """A scalar as the operators want it."""
    if not isinstance(value, ScalarValue):
        raise unsupported(span, "not-a-number", "a number is needed here", developer=type(value).__name__)
    if value.narrow:
        raise unsupported(
            span, "narrow-start", "the name starts as a constant of another type", "start it with a value of its later type (0.0, not 0)"
        )
    return Operand(value.expr, value.type)


def apply(ctx: Context, values: Sequence[Value], combine: Combine, span: Span) -> Value:
    """`combine` of elements: a scalar if all values are scalars, else a fresh array of the broadcast extents."""
    if not any(isinstance(value, ArrayValue) for value in values):
        result = combine(tuple(operand_of(value, span) for value in values))
        return ScalarValue(result.type, result.expr)
    steady = [value if isinstance(value, ArrayValue) else settle_scalar(ctx, value, span) for value in values]
    arrays = [value for value in steady if isinstance(value, ArrayValue)]
    extents = broadcast(ctx, [array.extents for array in arrays], span)

    def body(indices: tuple[Expr, ...]) -> Operand:
        return combine(tuple(element_of(value, indices, span) for value in steady))

    probe = body(tuple(integer(0) for _ in extents))
    dtype, converted = probe.dtype, _conversions(ctx, probe.expr, span)
    target = ctx.state.temporary("t", dtype, extents, _iteration_order(arrays, len(extents)))
    with nest(ctx, extents, span) as indices:
        value = map_expr(body(indices).expr, lambda node: converted.get(node, node))
        if ctx.function.fp != "fast":
            _check_strides(ctx, value, indices, span)
        store(ctx, target.load(indices), value, span)
    return target


def _check_strides(ctx: Context, value: Expr, indices: Sequence[Expr], span: Span) -> None:
    """Some of NumPy's loops (complex products) have reproducible bits only on operands that advance by one element, or not at all.

    Where the last axis has one element, another is NumPy's innermost: none may run backwards.
    """
    *outer, inner = names = [index.name for index in indices if isinstance(index, Sym)]
    if any(_runs_backwards(load, names) for load in _operands_of_numpy(value)):
        raise unsupported(
            span, "reversed-operand", "NumPy's loops have other bits for reversed arrays", "copy it first"
        )
    operands = {load.array for load in _operands_of_numpy(value) if load.indices}  # what arrives reversed, or in another order, as well
    ctx.state.ordered.update((name, None) for name in sorted(operands) if ctx.state.arrays[name].role is Role.ARGUMENT)
    for load in elementwise.unit_stride_arguments(value):
        if not isinstance(load, Load) or not load.indices:
            continue
        forms = [affine(index) or Affine((), 0) for index in load.indices]
        steps = [form.coefficient(inner) for form in forms]
        backwards = any(form.coefficient(name) < 0 for form in forms for name in outer)
        if any(steps[:-1]) or steps[-1] not in (0, 1) or backwards:
            raise unsupported(
                span, "complex-stride", "a complex operand with gaps between its elements is left to NumPy", "copy it first"
            )
        ctx.state.steady[load.array] = None
        if ctx.state.arrays[load.array].role is Role.ARGUMENT:
            ctx.state.ordered[load.array] = None


def _operands_of_numpy(value: Expr) -> Iterator[Load]:
    """The elements that NumPy's own loops are given."""
    for node in walk_expr(value):
        if isinstance(node, Call) and node.function.startswith("numpy."):
            yield from loads(node)


def _runs_backwards(load: Load, names: Sequence[str]) -> bool:
    forms = [affine(index) or Affine((), 0) for index in load.indices]
    return any(form.coefficient(name) < 0 for form in forms for name in names)


def _conversions(ctx: Context, expr: Expr, span: Span) -> dict[Expr, Load]:
    """Conversions of scalars in an element's expression, computed before the loops: NumPy converts an operand once, and warns or raises
    where it overflows, even if the array is empty."""
    found: dict[Expr, Load] = {}
    for node in _evaluated(expr):
        if isinstance(node, Cast) and node not in found and (node.checked or node.operand.dtype.kind in "fc") and _is_scalar(node.operand):
            found[node] = ctx.state.scratch(node.dtype)
            store(ctx, found[node], node, span)
    return found


def _evaluated(expr: Expr) -> Iterator[Expr]:
    """The sub-expressions that are evaluated whatever the values are, outer first."""
    yield expr
    match expr:
        case Select(cond=cond):
            yield from _evaluated(cond)
        case Binary(op="and" | "or", left=left):
            yield from _evaluated(left)
        case _:
            for child in children(expr):
                yield from _evaluated(child)


def _is_scalar(expr: Expr) -> bool:
    parts = tuple(walk_expr(expr))
    return any(isinstance(part, Load | Sym) for part in parts) and not any(isinstance(part, Load) and part.indices for part in parts)


def settle_scalar(ctx: Context, value: Value, span: Span) -> ScalarValue:
    """A scalar operand of an array operation, evaluated once and before the loops, as Python does."""
    operand = operand_of(value, span)
    if isinstance(operand.expr, Const | Sym) or ctx.state.form(operand.expr) is not None:
        return ScalarValue(operand.type, operand.expr)
    if isinstance(operand.expr, Load) and not operand.expr.indices:
        return ScalarValue(operand.type, operand.expr)
    target = ctx.state.scratch(operand.dtype)
    store(ctx, target, operand.expr, span)
    return ScalarValue(operand.type, target)


def element_of(value: ArrayValue | ScalarValue, indices: tuple[Expr, ...], span: Span) -> Operand:
    """An operand's element where the result's indices are these: axes of extent one are stretched."""
    if isinstance(value, ScalarValue):
        return operand_of(value, span)
    own = indices[len(indices) - value.rank :]
    stretched = tuple(integer(0) if extent == integer(1) else i for extent, i in zip(value.extents, own, strict=True))
    return element(value.read(stretched))


def broadcast(ctx: Context, shapes: Sequence[tuple[Expr, ...]], span: Span) -> tuple[Expr, ...]:
    """The common extents: those that are literally one stretch, all others must be equal (proved, or guarded)."""
    rank = max(len(shape) for shape in shapes)
    if rank > RANK_LIMIT:
        raise unsupported(span, "rank", f"arrays of rank {rank} are not supported")
    result: list[Expr] = []
    for axis in range(-rank, 0):
        own = [shape[axis] for shape in shapes if len(shape) >= -axis and shape[axis] != integer(1)]
        for other in own[1:]:
            ctx.state.assume_equal(own[0], other, "the extents of the operands", span)
        result.append(own[0] if own else integer(1))
    return tuple(result)


def common_order(arrays: Sequence[ArrayValue], rank: int) -> Order | None:
    """The memory order that NumPy gives a result of layout "K": that of all operands, where it is known to be one."""
    if rank <= 1:
        return Order()
    orders = [array.order for array in arrays if array.rank >= 2]
    known = [order for order in orders if order is not None]
    axes = known[0].axes if known else ()
    if len(known) < len(orders) or any(order.axes != axes for order in known) or (axes and any(array.rank != rank for array in arrays)):
        return None
    return Order(frozenset().union(*(order.needs for order in known)), axes)


def _iteration_order(arrays: Sequence[ArrayValue], rank: int) -> Order | None:
    """The memory order of an element-wise operation's result: that of all operands, or C where an operand in C order has all of the
    result's elements; and operands along a single axis leave it at C. A temporary in another order may become the result, if it is
    large (see `elision`)."""
    large = [array for array in arrays if sum(extent != integer(1) for extent in array.extents) > 1]
    known = [array for array in large if array.order is not None and not array.order.axes]
    steady = all(array in known or not array.fresh for array in large)
    if steady and any(array.rank == rank and integer(1) not in array.extents for array in known):
        return common_order(known, rank)
    return common_order(large, rank)


@contextmanager
def nest(ctx: Context, extents: Sequence[Expr], span: Span, prefix: str = "i") -> Iterator[tuple[Expr, ...]]:
    """A loop per extent around what is emitted inside; gives the indices."""
    state = ctx.state
    names = []
    for depth, extent in enumerate(extents):
        name = state.iterator(f"{prefix}{depth}")
        names.append(name)
        state.loops.append(For(name, integer(0), extent, 1, (), span=span))
    steered = {name: None for name, extent in zip(names, extents, strict=True) if state.is_data(extent)}
    state.irregular.update(steered)
    with state.serially(span) if steered else nullcontext():
        with state.block() as inner:
            try:
                yield tuple(Sym(name) for name in names)
            finally:
                del state.loops[len(state.loops) - len(names) :]
                for name in steered:
                    del state.irregular[name]
            body: Block = tuple(inner)
        for name, extent in zip(reversed(names), reversed(extents), strict=True):
            body = (For(name, integer(0), extent, 1, body, span=span),)
        for statement in body:
            state.emit(statement)
    state.nests += 1


def store(ctx: Context, target: Load, value: Expr, span: Span) -> None:
    """`target = value`; the types agree."""
    ctx.state.emit(Assign(target, value, span))


def materialise(ctx: Context, array: ArrayValue, span: Span, order: Order | bool | None = True, base: str = "t") -> ArrayValue:
    """A fresh copy; `order`: that of the copy (True: what NumPy's "K" gives)."""
    kept = common_order([array], array.rank) if order is True else order
    target = ctx.state.temporary(base, array.dtype, array.extents, kept or None)
    with nest(ctx, array.extents, span) as indices:
        store(ctx, target.load(indices), array.read(indices), span)
    return target


def fill(ctx: Context, target: ArrayValue, value: Expr, span: Span) -> None:
    """Every element becomes `value` (of the array's dtype, evaluated before)."""
    with nest(ctx, target.extents, span) as indices:
        write(ctx, target, indices, value, span)
    ctx.state.nests -= 1


def assign(ctx: Context, target: ArrayValue, value: Value, span: Span, in_place: bool = False) -> None:
    """`target[...] = value` with NumPy's casting; `in_place`: the casting of `target op= ...`."""
    if not target.writable:
        raise unsupported(span, "read-only", "NumPy raises: this view is read only")
    convert = elementwise.convert_in_place if in_place else elementwise.convert
    if isinstance(value, ScalarValue):
        operand = Operand(value.expr, value.type) if value.narrow else operand_of(value, span)
        converted = convert(operand, target.dtype, span)
        steady = once(ctx, converted, span)
        fill(ctx, target, steady, span)
        ctx.state.nests += 1
        return
    if not isinstance(value, ArrayValue):
        raise unsupported(span, "assigned-value", "only numbers and arrays can be assigned to array elements")
    value = _fit(ctx, target, value, span)
    if value.storage == target.storage and (value.dims, value.part) != (target.dims, target.part):
        if target.rank == 1 and _steps(value) != _steps(target) and not _apart(ctx, value, target):
            text = "NumPy copies between a row and a column of one array element by element where they cross"
            raise unsupported(span, "overlapping-copy", text, "copy the right-hand side first")
        value = materialise(ctx, value, span)
    if value.storage == target.storage:
        ctx.state.writes(target.storage)
        return
    with nest(ctx, target.extents, span) as indices:
        write(ctx, target, indices, convert(element_of(value, indices, span), target.dtype, span), span)
    ctx.state.nests -= 1


def write(ctx: Context, target: ArrayValue, indices: tuple[Expr, ...], value: Expr, span: Span) -> None:
    """`target[indices] = value`, of the target's type; of a complex number's part the other one stays."""
    whole = target.load(indices)
    if target.part:
        parts = (value, build.imag(whole)) if target.part == "real" else (build.real(whole), value)
        value = build.pack(*parts)
    store(ctx, whole, value, span)


def _steps(view: ArrayValue) -> tuple[int, ...]:
    """How a view of one dimension moves through its storage."""
    return tuple(abs(dim.step(view.rank - 1)) for dim in view.dims)


def _apart(ctx: Context, first: ArrayValue, second: ArrayValue) -> bool:
    """Whether two views of one storage certainly have no element in common."""
    pairs = [(_reach(ctx, first, a), _reach(ctx, second, b)) for a, b in zip(first.dims, second.dims, strict=True)]
    return any(a and b and (ctx.state.certain(a[0] - b[1] - 1) or ctx.state.certain(b[0] - a[1] - 1)) for a, b in pairs)


def _reach(ctx: Context, view: ArrayValue, dim: Dim) -> tuple[Affine, Affine] | None:
    """The smallest and the largest subscript that a view has on an axis of its storage."""
    start = ctx.state.form(dim.offset)
    if start is None:
        return None
    low = high = start
    for axis, step in dim.terms:
        extent = ctx.state.form(view.extents[axis])
        if extent is None:
            return None
        low, high = (low, high + (extent - 1) * step) if step > 0 else (low + (extent - 1) * step, high)
    return low, high


def once(ctx: Context, expr: Expr, span: Span) -> Expr:
    """The expression as something that loops may read again and again."""
    if isinstance(expr, Const | Sym) or (isinstance(expr, Load) and not expr.indices):
        return expr
    scratch = ctx.state.scratch(expr.dtype)
    store(ctx, scratch, expr, span)
    return scratch


def _fit(ctx: Context, target: ArrayValue, value: ArrayValue, span: Span) -> ArrayValue:
    """The value stretched to the target's extents."""
    extents = value.extents
    while len(extents) > target.rank and extents[0] == integer(1):
        value, extents = drop_axis(value, 0), extents[1:]
    if len(extents) > target.rank:
        raise unsupported(span, "shape-mismatch", f"an array of rank {len(extents)} does not fit a target of rank {target.rank}")
    for axis in range(-len(extents), 0):
        if extents[axis] != integer(1):
            ctx.state.assume_equal(target.extents[axis], extents[axis], "the extents of both sides", span)
    return value


def drop_axis(value: ArrayValue, axis: int, index: Expr | None = None) -> ArrayValue:
    """The view at one index (default: zero) of an axis."""
    at = integer(0) if index is None else index
    dims = tuple(dim.along(axis, at, 0).mapped(lambda own: ((own - (own > axis), 1),)) for dim in value.dims)
    extents = value.extents[:axis] + value.extents[axis + 1 :]
    order = value.order and value.order.with_axes(value.rank, lambda own: (other - (other > axis) for other in own if other != axis))
    return value.derived(dims, extents, order, value.whole)


def transpose(value: ArrayValue, axes: Sequence[int]) -> ArrayValue:
    """Axis k of the result is axis `axes[k]` of the value."""
    places = {old: new for new, old in enumerate(axes)}
    dims = tuple(dim.mapped(lambda axis: ((places[axis], 1),)) for dim in value.dims)
    order = value.order and value.order.with_axes(value.rank, lambda own: (places[axis] for axis in own))
    return value.derived(dims, tuple(value.extents[k] for k in axes), order, value.whole)

