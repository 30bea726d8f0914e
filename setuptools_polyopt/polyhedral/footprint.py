"""Which elements of its arguments must be copied before a kernel runs, so that a failure leaves them as they were.

Before: a kernel in program order that writes some of its arguments. After: a box of indices per argument. With `everything`, all that
is written (the original may stop in the middle); without it, only what is written and whose old value is read (the original will run to
its end and write the rest again). An element that the kernel always writes before it reads it needs no copy:

    C[i, j] = 0.0; for k in range(n): C[i, j] += A[i, k] * B[k, j]      ->  nothing to keep

Where isl would need too many operations, the box is the whole array. Not done here: shapes other than boxes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

import islpy as isl

from setuptools_polyopt.ir.dtypes import DType
from setuptools_polyopt.ir.expressions import Binary, Expr, integer
from setuptools_polyopt.ir.kernel import Role
from setuptools_polyopt.ir.visitors import assigns
from setuptools_polyopt.polyhedral.affine import function_to_expr
from setuptools_polyopt.polyhedral.bounds import inside
from setuptools_polyopt.polyhedral.dependences import unwritten
from setuptools_polyopt.polyhedral.limits import TooIntricate, bounded
from setuptools_polyopt.polyhedral.scop import Scop
from setuptools_polyopt.polyhedral.simplify import simplify

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
                hull = isl.Set.from_basic_set(touched.simple_hull()).intersect(inside(array, scop))
                boxes[array.name] = tuple(_axis(hull, axis, scop) for axis in range(array.rank))
    return boxes


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
