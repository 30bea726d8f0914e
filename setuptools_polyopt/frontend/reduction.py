"""Reductions of arrays: `np.sum(a, axis=0)`, `a.max()`, with NumPy's own order of summation.

What happens to one element, and in which order, is `operators.reductions`'; here it becomes loops, and its conditions become guards.

    np.sum(a, axis=1)     ->     for i0 in 0..n: S0: acc[i0] = 0.0
                                 for i0 in 0..n: S1: acc[i0] = reduce numpy.add(acc[i0]; a[i0, r] for r in 0..m)

Several trailing axes at once (`np.sum(a)` of a matrix of floats) are one flat loop in NumPy where they are contiguous in memory:
of what the region makes itself they are, of arguments a guard asks it. Other layouts stay NumPy's, unless the order is free.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from setuptools_polyopt.diagnostics import Span, Unsupported, unsupported
from setuptools_polyopt.frontend import arrays
from setuptools_polyopt.frontend.arguments import Arguments, axis_numbers, flag
from setuptools_polyopt.frontend.context import Context
from setuptools_polyopt.frontend.creation import given_dtype
from setuptools_polyopt.frontend.values import C_ORDER, ArrayValue, ScalarValue, Value
from setuptools_polyopt.ir.dtypes import DType
from setuptools_polyopt.ir.expressions import Binary, Compare, Const, Expr, Load, Range, Reduce, Sym, integer
from setuptools_polyopt.ir.kernel import Role
from setuptools_polyopt.ir.statements import If
from setuptools_polyopt.operators import elementwise
from setuptools_polyopt.operators.reductions import Plan, Reduction, plan, reduction
from setuptools_polyopt.operators.values import Operand, ScalarType, cast, element


@dataclass(frozen=True)
class _Job:
    """One reduction: which axes of which array, and where the accumulator of a result element lies."""

    ctx: Context
    rule: Reduction
    source: ArrayValue
    axes: tuple[int, ...]
    keepdims: bool
    span: Span
    ddof: int = 0

    @property
    def kept(self) -> tuple[int, ...]:
        return tuple(axis for axis in range(self.source.rank) if axis not in self.axes)


_PARAMETERS = {
    **dict.fromkeys(("sum", "prod"), ("a", "axis", "dtype", "out", "keepdims", "initial")),
    **dict.fromkeys(("min", "max", "amin", "amax"), ("a", "axis", "out", "keepdims", "initial")),
    **dict.fromkeys(("any", "all"), ("a", "axis", "out", "keepdims")),
    "mean": ("a", "axis", "dtype", "out", "keepdims"),
}  # fmt: skip


def reduce(ctx: Context, call: Arguments) -> Value:
    """The value of a reduction: a NumPy scalar, or an array if axes are left; raises Unsupported."""
    given = call.bound(*_PARAMETERS[call.name])
    if "out" in given:
        raise unsupported(call.span, "keyword-argument", f"`{call.path}` with the argument `out=` is not supported")
    source = call.array(given, "a")
    axes = axis_numbers(ctx, given.get("axis"), source.rank, call.span)
    options = Options(
        flag(given.get("keepdims"), False, "keepdims", call.span), given_dtype(given.get("dtype"), call.span), given.get("initial")
    )
    return reduced(ctx, call.path, source, axes, call.span, options)


@dataclass(frozen=True)
class Options:
    """What a reduction may be told besides its axes. ddof: taken off the number of elements that a mean divides by."""

    keepdims: bool = False
    dtype: DType | None = None
    initial: Value | None = None
    ddof: int = 0


def reduced(
    ctx: Context, path: str, source: ArrayValue, axes: Sequence[int], span: Span, options: Options = Options()
) -> Value:
    """The reduction `path` of an array over some axes."""
    if any(map(ctx.state.is_data, source.extents)) and not source.plain:
        source = arrays.materialise(ctx, source, span)
    operand = element(source.read(tuple(integer(0) for _ in source.extents)))
    rule = reduction(path, operand, ctx.function.fp, span, options.dtype)
    if rule.converted and source.rank > 1:
        raise unsupported(span, "reduction-type", "NumPy's order depends on its buffers where elements are converted to another type")
    if options.initial is not None:
        start = arrays.settle_scalar(ctx, options.initial, span)
        rule = rule.starting(elementwise.convert(Operand(start.expr, start.type), rule.accumulator, span))
    order = source.order.axes if source.order is not None and not rule.free else ()
    if order:  # strides decide in NumPy, not the numbers of axes
        source, axes = arrays.transpose(source, order), [order.index(axis) for axis in axes]
    job = _Job(ctx, rule, source, tuple(sorted(axes)), options.keepdims, span, options.ddof)
    _guards(job)
    value = _free(job) if rule.free else _ordered(job)
    left = [axis for place, axis in enumerate(order) if options.keepdims or place not in job.axes]
    if isinstance(value, ArrayValue) and left != sorted(left):
        return arrays.transpose(value, [left.index(axis) for axis in sorted(left)])
    return value


def _guards(job: _Job) -> None:
    """How many elements a result may have."""
    forms = []
    for axis in job.axes:
        extent = job.ctx.state.form(job.source.extents[axis])
        if extent is None:
            raise unsupported(job.span, "reduction", "the extent of a reduced axis is no affine expression")
        forms.append(extent)
        if job.rule.min_count:
            job.ctx.state.assume(extent - 1, "the reduced axis is not empty", job.span)
    if job.ddof:
        job.ctx.state.assume(forms[-1] - 1 - job.ddof, "there are more elements than degrees of freedom to take off", job.span)
    limit = job.rule.max_count
    if limit is not None and len(forms) == 1:
        job.ctx.state.assume(forms[0] * -1 + limit, "the reduced axis is short enough for an exact sum", job.span)
    elif limit is not None:
        count = functools.reduce(
            lambda product, form: Binary("mul", product, cast(form.expr(), DType.FLOAT64), DType.FLOAT64), forms, _one()
        )
        job.ctx.state.hold(Compare("le", count, Const(float(limit), DType.FLOAT64)), "the sum of the elements is exact", job.span)


def _one() -> Expr:
    return Const(1.0, DType.FLOAT64)


# accumulators and results


def _target(job: _Job, dtype: DType) -> ArrayValue | Load:
    """Storage for one value per result element: a scalar if no axis is left."""
    if not job.kept and not job.keepdims:
        return job.ctx.state.scratch(dtype)
    extents = job.source.extents
    shape = tuple(extents[axis] if axis in job.kept else integer(1) for axis in range(len(extents)) if axis in job.kept or job.keepdims)
    order = job.source.order if len(job.kept) > 1 else C_ORDER  # NumPy's result lies in memory as its operand does
    return job.ctx.state.temporary("t", dtype, shape, order)


def _place(job: _Job, target: ArrayValue | Load, kept: Sequence[Expr]) -> Load:
    """The element of a target for the given indices of the kept axes."""
    if isinstance(target, Load):
        return target
    by_axis = dict(zip(job.kept, kept, strict=True))
    indices = tuple(by_axis.get(axis, integer(0)) for axis in range(job.source.rank) if axis in by_axis or job.keepdims)
    return target.load(indices)


def _element(job: _Job, kept: Sequence[Expr], reduced: Mapping[int, Expr]) -> Expr:
    """The prepared source element."""
    by_axis = dict(zip(job.kept, kept, strict=True)) | dict(reduced)
    return job.rule.prepare(job.source.read(tuple(by_axis[axis] for axis in range(job.source.rank))))


def _kept_extents(job: _Job) -> tuple[Expr, ...]:
    return tuple(job.source.extents[axis] for axis in job.kept)


def _start(job: _Job, target: ArrayValue | Load) -> None:
    """Every accumulator gets its initial value: that of the rule, or the first element."""
    with arrays.nest(job.ctx, _kept_extents(job), job.span) as kept:
        first = {axis: integer(0) for axis in job.axes}
        value = job.rule.init if job.rule.init is not None else _element(job, kept, first)
        arrays.store(job.ctx, _place(job, target, kept), value, job.span)
    job.ctx.state.nests -= 1


def _result(job: _Job, acc: ArrayValue | Load) -> Value:
    """The finished value of the accumulators."""
    array = not isinstance(acc, Load)
    count: Expr = integer(1)
    for axis in job.axes:
        extent = job.source.extents[axis]
        count = extent if count == integer(1) else Binary("mul", count, extent, DType.INT64)
    if job.ddof:
        count = Binary("sub", count, integer(job.ddof), DType.INT64)
    probe = _place(job, acc, tuple(integer(0) for _ in job.kept))
    finished = job.rule.finish(probe, count, array, job.span)
    if finished.expr == probe:
        return _value(job, acc)
    target = _target(job, finished.dtype)
    with arrays.nest(job.ctx, _kept_extents(job), job.span) as kept:
        value = job.rule.finish(_place(job, acc, kept), count, array, job.span).expr
        arrays.store(job.ctx, _place(job, target, kept), value, job.span)
    job.ctx.state.nests -= 1
    return _value(job, target)


def _value(job: _Job, target: ArrayValue | Load) -> Value:
    if isinstance(target, ArrayValue):
        return target
    return ScalarValue(ScalarType("numpy", target.dtype), target)


# loops


def _free(job: _Job) -> Value:
    """Any order is right: plain loops. (Taking the first element twice is harmless where it starts: minimum and maximum.)"""
    acc = _target(job, job.rule.accumulator)
    _start(job, acc)
    order = (*job.kept, *job.axes)
    with arrays.nest(job.ctx, tuple(job.source.extents[axis] for axis in order), job.span) as indices:
        kept, reduced = indices[: len(job.kept)], dict(zip(job.axes, indices[len(job.kept) :], strict=True))
        place = _place(job, acc, kept)
        arrays.store(job.ctx, place, job.rule.combine(place, _element(job, kept, reduced)), job.span)
    return _result(job, acc)


def _ordered(job: _Job) -> Value:
    """Floating point: NumPy's order."""
    order = plan(job.source.rank, job.axes)
    if job.rule.name == "prod":  # sequential in any case
        order = Plan(order.kept, job.axes, (), False, ())
    _memory_order(job)
    _separate(job, order)
    if order.contiguous:
        _contiguous(job, order)
    if order.inner:
        job = replace(job, source=_prepared(job))
        if order.contiguous:
            _contiguous(job, order)  # of the copy
    acc = _target(job, job.rule.accumulator)
    _start(job, acc)
    begins = job.rule.init is None and bool(order.inner)  # then the first row is one element shorter
    if begins:
        with arrays.nest(job.ctx, _kept_extents(job), job.span) as kept:
            place, first = _place(job, acc, kept), {axis: integer(0) for axis in order.sequential}
            arrays.store(job.ctx, place, _inner(job, place, kept, first, order.inner, 1), job.span)
        job.ctx.state.nests -= bool(order.sequential)
    if not begins or order.sequential:
        axes = tuple(sorted((*order.kept, *order.sequential)))  # for each result element the reduced axes in C order
        with arrays.nest(job.ctx, [job.source.extents[axis] for axis in axes], job.span) as indices:
            by_axis = dict(zip(axes, indices, strict=True))
            _accumulate(job, order, acc, by_axis, begins)
    return _result(job, acc)


def _accumulate(job: _Job, order: Plan, acc: ArrayValue | Load, indices: Mapping[int, Expr], begun: bool) -> None:
    """One step of every accumulator. Taking the first element alone once more than NumPy is harmless: an extreme has started from it;
    a first row that was taken already is left out."""
    state, kept = job.ctx.state, tuple(indices[axis] for axis in job.kept)
    place = _place(job, acc, kept)
    if not order.inner:
        arrays.store(job.ctx, place, job.rule.combine(place, _element(job, kept, indices)), job.span)
        return
    with state.block() as block:
        arrays.store(job.ctx, place, _inner(job, place, kept, indices, order.inner, 0), job.span)
    if not begun:
        state.blocks[-1].extend(block)
        return
    first, *others = (Compare("gt", indices[axis], integer(0)) for axis in order.sequential)
    condition = functools.reduce(lambda left, right: Binary("or", left, right, DType.BOOL), others, cast(first, DType.BOOL))
    state.emit(If(condition, tuple(block), (), job.span))


def _inner(job: _Job, acc: Load, kept: Sequence[Expr], reduced: Mapping[int, Expr], axes: Sequence[int], skip: int) -> Expr:
    """NumPy's own loop over the last axes."""
    names = {axis: job.ctx.state.iterator(f"r{position}" if len(axes) > 1 else "r") for position, axis in enumerate(axes)}
    body = _element(job, kept, {**reduced, **{axis: Sym(name) for axis, name in names.items()}})
    assert isinstance(body, Load)  # the elements were prepared
    assert job.rule.function is not None  # the order matters
    ranges = tuple(Range(names[axis], integer(0), job.source.extents[axis]) for axis in axes)
    return Reduce(job.rule.function, acc, ranges, body, job.rule.accumulator, skip)


def _prepared(job: _Job) -> ArrayValue:
    """The source with elements as the accumulation takes them: itself, or a converted copy."""
    zero = tuple(integer(0) for _ in job.source.extents)
    if isinstance(job.rule.prepare(job.source.read(zero)), Load):
        return job.source
    target = job.ctx.state.temporary("t", job.rule.accumulator, job.source.extents, job.source.order)
    with arrays.nest(job.ctx, job.source.extents, job.span) as indices:
        arrays.store(job.ctx, target.load(indices), job.rule.prepare(job.source.read(indices)), job.span)
    return target


def _memory_order(job: _Job) -> None:
    """NumPy goes through memory, so the source has to lie in C order; of one dimension it may lie as it likes."""
    if job.source.rank == 1:
        return
    seen = {axis for dim in job.source.dims for axis, _ in dim.terms}
    stretched = any(extent != integer(1) and axis not in seen for axis, extent in enumerate(job.source.extents))
    if job.source.order is None or not job.source.order.plain or stretched:
        raise unsupported(job.span, "reduction-order", "the memory order of the reduced array cannot be known", "copy it first")
    for argument in sorted(job.source.order.needs):
        job.ctx.state.ordered[argument] = None


def _contiguous(job: _Job, order: Plan) -> None:
    """The inner axes have to be the last ones of a storage, all of it except for the first of them, and contiguous."""
    state, source = job.ctx.state, job.source
    array = state.arrays[source.storage]
    first = array.rank - len(order.inner)
    if source.part and job.rule.init is None:  # the sign of a zero depends on the stride
        raise _stays(job, "of the parts of complex numbers ")
    for number, axis in enumerate(order.inner):
        place = first + number
        dim = source.dims[place] if place >= 0 else None
        if dim is None or dim.terms != ((axis, 1),):
            raise _stays(job, "that do not lie one after the other in memory ")
        if number and (dim.offset != integer(0) or not _equal(job, source.extents[axis], array.extents[place])):
            raise _stays(job, "that are not contiguous ")
    if array.role is Role.ARGUMENT:
        state.contiguous[source.storage] = min(first, state.contiguous.get(source.storage, first))


def _equal(job: _Job, extent: Expr, other: Expr) -> bool:
    a, b = job.ctx.state.form(extent), job.ctx.state.form(other)
    return extent == other or (a is not None and b is not None and (a - b).value == 0)


def _stays(job: _Job, what: str) -> Unsupported:
    text = f"NumPy's order over several axes {what}has no loop form"
    return unsupported(job.span, "reduction-order", text, "reduce one axis at a time, or a C-contiguous copy")


def _separate(job: _Job, order: Plan) -> None:
    """Rows are added to each other unless the axes between have a single element, when NumPy merges the reduced axes."""
    if not order.separators:
        return
    forms = [job.ctx.state.form(job.source.extents[axis]) for axis in order.separators]
    total = None
    for form in forms:
        if form is None:
            raise unsupported(job.span, "reduction", "the extent of an axis is no affine expression")
        total = form if total is None else total + form
    assert total is not None  # there are separators
    job.ctx.state.assume(total - len(forms) - 1, "the axes that are kept have more than one element", job.span)
