"""What a chunk of a parallel loop reads and writes, so that it can run where only that has been brought.

Before: a stage with its parallel loop. After: for the iterations `[lo, hi)` of the loop (values of its iterator where the step is one,
else their numbers), as expressions over the parameters and lo and hi: a box of each array that holds every element whose value from
outside the chunk reads, and boxes that hold every element that it writes.

    for i in 1..n-1 parallel: b[i] = a[i-1] + a[i+1]      ->      reads a[lo-1 : hi+1], writes b[lo : hi]

A box may hold more than is touched, but the boxes that different chunks write never meet (isl proves it), so each can be copied back as a
whole; where a chunk does not write all of its box, the old contents are among what it reads. One box an array is tried first, then one for
each place in the program that writes (`c[i, j]` and its mirror image `c[j, i]`).

Not done here: shapes other than boxes; chunks of inner loops.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import product

import islpy as isl

from setuptools_polyopt.diagnostics import unsupported
from setuptools_polyopt.ir.dtypes import DType
from setuptools_polyopt.ir.expressions import TRUE, Binary, Compare, CompareOp, Expr, Sym, integer
from setuptools_polyopt.ir.kernel import Array, Assumption, Holds, Kernel, Layout, NoOverlap, Param, Role
from setuptools_polyopt.ir.statements import Block, For, If
from setuptools_polyopt.ir.visitors import map_block_exprs, substitute
from setuptools_polyopt.polyhedral.accesses import Access
from setuptools_polyopt.polyhedral.affine import NotAffine, function_to_expr
from setuptools_polyopt.polyhedral.bounds import inside
from setuptools_polyopt.polyhedral.dependences import unwritten
from setuptools_polyopt.polyhedral.footprint import Box, Footprint, footprints
from setuptools_polyopt.polyhedral.limits import TooIntricate, bounded
from setuptools_polyopt.polyhedral.optimise import optimise
from setuptools_polyopt.polyhedral.options import Options
from setuptools_polyopt.polyhedral.scop import Scop, extract
from setuptools_polyopt.polyhedral.simplify import simplify
from setuptools_polyopt.polyhedral.spaces import param_names, param_space, set_space
from setuptools_polyopt.polyhedral.stages import Stage

LOWER, UPPER = "<lo>", "<hi>"
"""The names of a chunk's ends in expressions."""

_LIMIT = 10_000_000
_FLOW_LIMIT = 5_000_000
_PIECES = 3
_INT = DType.INT64


@dataclass(frozen=True)
class Chunk:
    """The boxes that a chunk needs (one an array) and those that it writes, by array."""

    reads: Mapping[str, Box]
    writes: Mapping[str, tuple[Box, ...]]


@dataclass(frozen=True, eq=False)
class Chunks:
    """The chunks of stages so far: stages that differ in names and strides alone share them."""

    known: dict[tuple[Kernel, For], Chunk] = field(default_factory=dict)
    devices: dict[Kernel, tuple[Kernel, Mapping[str, Footprint]]] = field(default_factory=dict)

    def of(self, stage: Stage) -> Chunk:
        """As `chunk`."""
        holds = tuple(item for item in stage.kernel.assumptions if isinstance(item, Holds))
        arrays = tuple(replace(array, layout=Layout.C) for array in stage.kernel.arrays)
        key = replace(stage.kernel, name="", arrays=arrays, assumptions=holds), _loop(stage)
        if key not in self.known:
            self.known[key] = chunk(stage)
        return self.known[key]

    def on_device(self, stage: Stage) -> tuple[Kernel, Mapping[str, Footprint]]:
        """A chunk of a stage scheduled for a GPU: a kernel with its ends as parameters, for which all arrays are arguments; and what it
        does to them. Raises Unsupported."""
        kernel = _on_arguments(between(stage.kernel, _loop(stage)))
        holds = tuple(item for item in kernel.assumptions if isinstance(item, Holds))
        form = replace(kernel, name="", arrays=tuple(replace(a, layout=Layout.C) for a in kernel.arrays), assumptions=holds)
        if form not in self.devices:
            scop = extract(form)
            self.devices[form] = optimise(form, Options(gpu=True), scop).kernel, footprints(scop)
        scheduled, touched = self.devices[form]
        layouts = {array.name: array.layout for array in kernel.arrays}
        arrays = tuple(replace(array, layout=layouts.get(array.name, array.layout)) for array in scheduled.arrays)
        return replace(scheduled, name=kernel.name, arrays=arrays, assumptions=kernel.assumptions), touched


def _on_arguments(kernel: Kernel) -> Kernel:
    """The kernel with its results as arguments, of which only a part may be at hand, and which may hold something already."""
    results = [array.name for array in kernel.arrays if array.role is Role.RESULT and array.rank]
    known = [array.name for array in kernel.arrays if array.role is Role.ARGUMENT]
    apart = [NoOverlap(name, other) for k, name in enumerate(results) for other in (*results[:k], *known)]
    arrays = tuple(replace(array, role=Role.ARGUMENT) if array.name in results else array for array in kernel.arrays)
    return replace(kernel, arrays=arrays, assumptions=(*kernel.assumptions, *apart))


def _loop(stage: Stage) -> For:
    if stage.loop is None:
        raise ValueError("the stage has no loop to cut")
    return stage.loop


def chunk(stage: Stage) -> Chunk:
    """What a chunk of the stage's loop reads and writes.

    Raises Unsupported where chunks cannot be kept apart, or where that cannot be found out with reasonable effort.
    """
    span = stage.kernel.span
    try:
        scop = extract(between(stage.kernel, _loop(stage)))
        scop.context.get_ctx().set_ast_build_detect_min_max(1)
        with bounded(scop.context.get_ctx(), _LIMIT):
            return _Footprint(scop, stage).run()
    except TooIntricate as error:
        text = "what a part of its parallel loop touches is too intricate to be found out"
        raise unsupported(span, "ray-cost", text, "split the function", str(error)) from None
    except NotAffine as error:
        text = f"what a part of its parallel loop touches depends on `{error}`, which is not affine"
        raise unsupported(span, "ray-footprint", text, "use sizes that are sums of integers") from None


def between(kernel: Kernel, loop: For) -> Kernel:
    """The kernel with the loop (of step one now) from LOWER to UPPER, which are parameters, and what is known of these."""
    low, high, one = Sym(LOWER), Sym(UPPER), integer(1)
    body, first = loop.body, loop.lower
    known = [_compare("lt", low, high)]
    if loop.step == 1:
        known += [_compare("ge", low, first), _compare("le", high, loop.upper)]
    else:
        last = _sum("add", first, _sum("mul", integer(loop.step), _sum("sub", high, one)))
        known += [_compare("ge", low, integer(0)), _compare("lt", last, loop.upper)]
        value = simplify(_sum("add", first, _sum("mul", integer(loop.step), Sym(loop.var))))
        body = map_block_exprs(body, lambda expr: substitute(expr, {loop.var: value}))
    inner = replace(loop, lower=low, upper=high, step=1, body=body)
    ends = (Param(LOWER, -(2**40)), Param(UPPER, -(2**40)))
    assumptions: tuple[Assumption, ...] = (*kernel.assumptions, *(Holds(condition, "") for condition in known))
    return replace(kernel, params=(*kernel.params, *ends), body=_exchange(kernel.body, loop, inner), assumptions=assumptions)


def _exchange(body: Block, old: For, new: For) -> Block:
    """The block with one loop replaced, which is at the top or under conditions."""
    return tuple(
        new if item == old else replace(item, body=_exchange(item.body, old, new)) if isinstance(item, If) else item for item in body
    )


def _sum(op: str, left: Expr, right: Expr) -> Expr:
    return Binary(op, left, right, _INT)  # type: ignore[arg-type]


def _compare(op: CompareOp, left: Expr, right: Expr) -> Expr:
    return Compare(op, left, right)


class _Footprint:
    def __init__(self, scop: Scop, stage: Stage) -> None:
        self.scop = scop
        self.stage = stage
        self.arrays = [array for array in scop.kernel.arrays if array.rank and array.role is not Role.TEMPORARY]

    def run(self) -> Chunk:
        writes = {array.name: boxes for array in self.arrays if (boxes := self._writes(array))}
        reads = {}
        needed = self._needed()
        for array in self.arrays:
            wanted = needed.get(array.name)
            if array.name in writes:
                missing = self._unwritten(array, writes[array.name])
                wanted = missing if wanted is None else wanted if missing is None else wanted.union(missing)
            if wanted is not None and not wanted.is_empty():
                reads[array.name] = self._box(wanted, array)
        return Chunk(reads, writes)

    # sets of elements

    def _accesses(self, array: Array, write: bool) -> list[tuple[Access, isl.Set]]:
        return [
            (access, access.relation.intersect_domain(statement.domain).range())
            for statement in self.scop.statements
            for access in statement.accesses
            if access.write is write and access.load.array == array.name
        ]

    def _needed(self) -> dict[str, isl.Set]:
        """The elements whose values from before the chunk are read."""
        context = self.scop.context.get_ctx()
        try:
            with bounded(context, _FLOW_LIMIT):
                relation = unwritten(self.scop)
        except TooIntricate:
            relation = self.scop.reads
        context.reset_operations()
        context.set_max_operations(_LIMIT)
        sets = relation.range().get_set_list()
        found = [sets.get_at(k) for k in range(sets.n_set())]
        return {part.get_tuple_name(): part for part in found if not part.is_empty()}

    def _unwritten(self, array: Array, boxes: Sequence[Box]) -> isl.Set | None:
        """The boxes as a set, where a chunk does not certainly write all of them."""
        elements = isl.Set.empty(self._space(array))
        for box in boxes:
            elements = elements.union(self._elements(array, box))
        certain = isl.Set.empty(self._space(array))
        for access, touched in self._accesses(array, True):
            if access.must:
                certain = certain.union(touched)
        return None if elements.intersect_params(self.scop.context).is_subset(certain) else elements

    def _space(self, array: Array) -> isl.Space:
        names = [f"a{axis}" for axis in range(array.rank)]
        return set_space(self.scop.context.get_ctx(), param_names(self.scop.context.get_space()), array.name, names)

    def _elements(self, array: Array, box: Box) -> isl.Set:
        space = self._space(array)
        elements = isl.Set.universe(space)
        for axis, (low, high) in enumerate(box):
            index = Sym(f"a{axis}")
            condition = Binary("and", _compare("ge", index, low), _compare("lt", index, high), DType.BOOL)
            elements = elements.intersect(self.scop.affine.condition(condition, space))
        return elements

    # boxes

    def _box(self, elements: isl.Set, array: Array) -> Box:
        room = inside(array, self.scop).intersect_params(self.scop.context)
        elements = elements.intersect(room).coalesce()
        hull = isl.Set.from_basic_set(elements.simple_hull()).intersect(room)
        return tuple(self._axis(elements, hull, axis) for axis in range(array.rank))

    def _axis(self, elements: isl.Set, hull: isl.Set, axis: int) -> tuple[Expr, Expr]:
        """First index and the one after the last; of the hull where the exact ends are made of many pieces."""
        context = self.scop.context.intersect(elements.params())
        one = isl.Val.one(context.get_ctx())
        low, high = elements.dim_min(axis).coalesce(), elements.dim_max(axis).coalesce()
        if low.n_piece() > _PIECES:
            low = hull.dim_min(axis)
        if high.n_piece() > _PIECES:
            high = hull.dim_max(axis)
        first = function_to_expr(low, context, self.scop.names)
        last = function_to_expr(high.add_constant_val(one), context, self.scop.names)
        return simplify(first), simplify(last)

    def _writes(self, array: Array) -> tuple[Box, ...]:
        """Boxes that different chunks do not share."""
        touched = [part for _, part in self._accesses(array, True) if not part.is_empty()]
        if not touched:
            return ()
        everything = touched[0]
        for part in touched[1:]:
            everything = everything.union(part)
        whole = (self._box(everything, array),)
        if self._apart(whole, array):
            return whole
        single = tuple(dict.fromkeys(self._box(part, array) for part in touched))
        if len(single) > 1 and self._apart(single, array):
            return single
        text = f"parts of its parallel loop write to the same region of `{array.name}`, so they cannot run in different memories"
        raise unsupported(self.stage.kernel.span, "ray-overlap", text, "write to contiguous parts of the array")

    def _apart(self, boxes: Sequence[Box], array: Array) -> bool:
        """Whether no box of a chunk meets one of a later chunk."""
        ends = {LOWER: Sym(f"{LOWER}'"), UPPER: Sym(f"{UPPER}'")}
        context = self.scop.context.get_ctx()
        space = param_space(context, (*param_names(self.scop.context.get_space()), *(end.name for end in ends.values())))
        # what is known of the first chunk, and the same of the second
        known = self.scop.context.align_params(space)
        known = known.intersect(_renamed(self.scop.context, {name: end.name for name, end in ends.items()}).align_params(space))
        known = known.intersect(self.scop.affine.condition(_compare("le", Sym(UPPER), ends[LOWER]), space))
        for first, second in product(boxes, boxes):
            later = [(substitute(low, ends), substitute(high, ends)) for low, high in second]
            meet: Expr = TRUE
            for (low, high), (next_low, next_high) in zip(first, later, strict=True):
                for a, b in ((low, next_high), (next_low, high), (low, high), (next_low, next_high)):
                    meet = Binary("and", meet, _compare("lt", a, b), DType.BOOL)
            if not known.intersect(self.scop.affine.condition(meet, space)).is_empty():
                return False
        return True


def _renamed(params: isl.Set, names: Mapping[str, str]) -> isl.Set:
    """A parameter set with other names for some parameters."""
    for old, new in names.items():
        position = params.find_dim_by_name(isl.dim_type.param, old)
        params = params.set_dim_id(isl.dim_type.param, position, isl.Id(new, context=params.get_ctx()))
    return params
