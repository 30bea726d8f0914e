"""Which elements of its arguments must be copied before a kernel runs, so that a failure leaves them as they were.

Before: a kernel in program order that writes some of its arguments. After: a box of indices per argument. With `everything`, all that
is written (the original may stop in the middle); without it, only what is written and whose old value is read (the original will run to
its end and write the rest again). An element that the kernel always writes before it reads it needs no copy:

    C[i, j] = 0.0; for k in range(n): C[i, j] += A[i, k] * B[k, j]      ->  nothing to keep

`footprints` says the same of a run somewhere else, to which arrays have to be brought: which box of an argument it touches, whether what
was there before matters, and which box it writes.

Where isl would need too many operations, the box is the whole array. Not done here: shapes other than boxes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

import islpy as isl

from setuptools_polyopt.ir.dtypes import DType
from setuptools_polyopt.ir.expressions import Binary, Compare, Expr, Sym, integer
from setuptools_polyopt.ir.kernel import Array, Role
from setuptools_polyopt.ir.statements import Break, Continue, While, walk
from setuptools_polyopt.ir.visitors import assigns
from setuptools_polyopt.polyhedral.accesses import Access, picked_in
from setuptools_polyopt.polyhedral.affine import function_to_expr
from setuptools_polyopt.polyhedral.bounds import inside
from setuptools_polyopt.polyhedral.dependences import unwritten
from setuptools_polyopt.polyhedral.limits import TooIntricate, bounded
from setuptools_polyopt.polyhedral.scop import Scop
from setuptools_polyopt.polyhedral.simplify import simplify
from setuptools_polyopt.polyhedral.spaces import param_names, set_space

LIMIT = 10_000_000

Box: TypeAlias = tuple[tuple[Expr, Expr], ...]
"""Per axis: the first index and the one after the last. May be empty or reach outside where nothing is written."""


def must_keep(scop: Scop, everything: bool) -> Mapping[str, Box]:
    """The boxes by argument name; an argument without any such element is absent."""
    try:
        with bounded(scop.context.get_ctx(), LIMIT):
            return _boxes(scop, everything)
    except TooIntricate:
        written = {item.target.array for item in assigns(scop.kernel.body)}
        whole = (array for array in scop.kernel.arrays if array.role is Role.ARGUMENT and array.name in written)
        return {array.name: tuple((integer(0), extent) for extent in array.extents) for array in whole}


def _boxes(scop: Scop, everything: bool) -> dict[str, Box]:
    elements = scop.must_writes.union(scop.may_writes).range()
    if not everything:
        elements = elements.intersect(unwritten(scop).range())
    boxes = {}
    for array in scop.kernel.arrays:
        if array.role is Role.ARGUMENT:
            touched = _of(elements, array.name)
            if touched is not None:
                boxes[array.name] = _box(_hull(touched, array, scop), array, scop)
    return boxes


def steered(scop: Scop) -> Mapping[str, bool]:
    """The arrays that are written where data decides which elements are, or how long: their boxes may be much larger than what is. True:
    data decides how long."""
    found: dict[str, bool] = {}
    for statement in scop.statements:
        ends = any(isinstance(item, While | Break | Continue) for item in walk(statement.body))
        for access in statement.accesses:
            if access.write and (ends or _is_picked(access)):
                found[access.load.array] = ends or found.get(access.load.array, False)
    return found


def _is_picked(access: Access) -> bool:
    """Whether isl sees some elements of an axis, one of which it is."""
    return bool(access.loose) or any(True for index in access.load.indices for _ in picked_in(index))


@dataclass(frozen=True)
class Footprint:
    """What a kernel does to an argument. touched: all elements that it reads or writes; loads: whether it may read what was there before,
    or leaves elements of the written box as they were; written: None where it only reads."""

    touched: Box
    loads: bool
    written: Box | None


def footprints(scop: Scop) -> Mapping[str, Footprint]:
    """The footprints of all arguments that are touched, by name."""
    try:
        with bounded(scop.context.get_ctx(), LIMIT):
            return _footprints(scop)
    except TooIntricate:
        written = {item.target.array for item in assigns(scop.kernel.body)}
        boxes = {a.name: tuple((integer(0), extent) for extent in a.extents) for a in scop.kernel.arrays if a.role is Role.ARGUMENT}
        return {name: Footprint(box, True, box if name in written else None) for name, box in boxes.items()}


def _footprints(scop: Scop) -> dict[str, Footprint]:
    writes, certain = scop.must_writes.union(scop.may_writes).range(), scop.must_writes.range()
    reads, old = scop.reads.range(), unwritten(scop).range()
    found = {}
    for array in scop.kernel.arrays:
        touched = _of(writes.union(reads), array.name)
        if array.role is not Role.ARGUMENT or touched is None:
            continue
        whole = _hull(touched, array, scop)
        box, sure = _of(writes, array.name), _of(certain, array.name)
        written = None if box is None else _box(_hull(box, array, scop), array, scop)
        loads = _of(old, array.name) is not None or sure is None or written is None or not _covers(sure, written, array, scop)
        found[array.name] = Footprint(_box(whole, array, scop), loads, written)
    return found


def _hull(elements: isl.Set, array: Array, scop: Scop) -> isl.Set:
    return isl.Set.from_basic_set(elements.simple_hull()).intersect(inside(array, scop))


def _box(hull: isl.Set, array: Array, scop: Scop) -> Box:
    return tuple(_axis(hull, axis, scop) for axis in range(array.rank))


def _covers(sure: isl.Set, box: Box, array: Array, scop: Scop) -> bool:
    """Whether every element of a box certainly is among those of a set."""
    names = [f"a{axis}" for axis in range(array.rank)]
    space = set_space(scop.context.get_ctx(), param_names(scop.context.get_space()), array.name, names)
    elements = isl.Set.universe(space)
    for name, (low, high) in zip(names, box, strict=True):
        above, below = Compare("ge", Sym(name), low), Compare("lt", Sym(name), high)
        elements = elements.intersect(scop.affine.condition(Binary("and", above, below, DType.BOOL), space))
    return bool(elements.intersect_params(scop.context).is_subset(sure))


def _of(elements: isl.UnionSet, name: str) -> isl.Set | None:
    """The part of a union that lies in one array, None when it is empty."""
    sets = elements.get_set_list()
    for k in range(sets.n_set()):
        part = sets.get_at(k)
        if part.get_tuple_name() == name and not part.is_empty():
            return part
    return None


def _axis(touched: isl.Set, axis: int, scop: Scop) -> tuple[Expr, Expr]:
    context = scop.context.intersect(touched.params())
    lower = function_to_expr(touched.dim_min(axis), context, scop.names)
    upper = function_to_expr(touched.dim_max(axis), context, scop.names)
    return simplify(lower), simplify(Binary("add", upper, integer(1), DType.INT64))
