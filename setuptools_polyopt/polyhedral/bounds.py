"""When is every subscript of a kernel within bounds?

Before: a kernel, whose subscripts may leave their arrays for some parameters. After: one condition over the parameters (and scalar
inputs) under which no instance of any statement does (an access under a data condition counts as happening). A guard evaluates it at run
time, and the later phases take it for granted, so it should be one convex set: where such parameters exist, the condition also asks that
every statement runs at least once. Sizes for which a loop is empty go to the original, which is quick on them.
"""

from __future__ import annotations

import islpy as isl

from setuptools_polyopt.diagnostics import unsupported
from setuptools_polyopt.ir.dtypes import DType
from setuptools_polyopt.ir.expressions import TRUE, Binary, Expr, Unary
from setuptools_polyopt.ir.kernel import Array, Kernel
from setuptools_polyopt.ir.printer import print_expr
from setuptools_polyopt.ir.visitors import walk_expr
from setuptools_polyopt.polyhedral.accesses import Access
from setuptools_polyopt.polyhedral.affine import NotAffine, set_to_condition
from setuptools_polyopt.polyhedral.limits import TooIntricate, bounded
from setuptools_polyopt.polyhedral.scop import Scop, Statement, extract
from setuptools_polyopt.polyhedral.simplify import simplify
from setuptools_polyopt.polyhedral.spaces import constant, param_names, set_space, variable

LIMIT = 1_000_000


def bounds(kernel: Kernel) -> Expr:
    """The condition under which every access is in bounds (`TRUE` when it always is).

    kernel: in program order. Raises Unsupported where a subscript or an extent is not affine.
    """
    scop = extract(kernel)
    try:
        with bounded(scop.context.get_ctx(), LIMIT):
            good = _busy(scop.context.subtract(outside(scop)), scop).gist(scop.context).coalesce()
            condition = TRUE if good.is_equal(isl.Set.universe(good.get_space())) else _to_condition(good, scop)
    except TooIntricate as error:
        text = "the subscripts are too intricate for their bounds to be checked beforehand"
        raise unsupported(kernel.span, "bounds-cost", text, "split the function", str(error)) from None
    if any(getattr(node, "checked", False) for node in walk_expr(condition)):
        text = "the bounds of the subscripts depend on arithmetic that may overflow, so they cannot be checked beforehand"
        raise unsupported(kernel.span, "bounds-overflow", text, "compute the integer before")
    return condition


def _busy(good: isl.Set, scop: Scop) -> isl.Set:
    """The part of a parameter set in which every statement runs, where that makes it simpler."""
    good = good.coalesce()
    busy = good
    for statement in scop.statements:
        busy = busy.intersect(statement.domain.params())
    busy = busy.coalesce()
    return busy if not busy.is_empty() and busy.n_basic_set() < good.n_basic_set() else good


def outside(scop: Scop) -> isl.Set:
    """The parameter values (within the context) for which some access is out of bounds."""
    bad = isl.Set.empty(scop.context.get_space())
    for statement in scop.statements:
        for access in statement.accesses:
            if access.loose:
                raise unsupported(
                    statement.span,
                    "subscript",
                    f"the subscript in `{print_expr(access.load)}` is not affine, so its bounds cannot be checked beforehand",
                    "use sums and constant multiples of integers and loop variables",
                )
            bad = bad.union(_outside(access, statement, scop))
    return bad.coalesce()


def _outside(access: Access, statement: Statement, scop: Scop) -> isl.Set:
    array = scop.kernel.array(access.load.array)
    if not array.rank:
        return isl.Set.empty(scop.context.get_space())
    touched = access.relation.intersect_domain(statement.domain).range()
    try:
        return touched.subtract(inside(array, scop)).params()
    except NotAffine as error:
        raise unsupported(statement.span, "extent", f"the extent `{error}` of `{array.name}` is not affine") from None


def inside(array: Array, scop: Scop) -> isl.Set:
    """The elements `{ A[a0, a1] }` that an array has. Raises NotAffine for an extent that is not affine."""
    names = [f"a{k}" for k in range(array.rank)]
    space = set_space(scop.context.get_ctx(), param_names(scop.context.get_space()), array.name, names)
    elements = isl.Set.universe(space)
    for name, extent in zip(names, array.extents, strict=True):
        index = variable(space, name)
        elements = elements.intersect(index.ge_set(constant(space, 0))).intersect(index.lt_set(scop.affine.function(extent, space)))
    return elements


def _to_condition(good: isl.Set, scop: Scop) -> Expr:
    """The shorter of "one of these cases holds" and "none of these cases holds"."""
    direct = simplify(set_to_condition(good, scop.names))
    bad = scop.context.subtract(good).gist(scop.context).coalesce()
    parts = bad.get_basic_sets()
    if len(parts) >= good.n_basic_set():
        return direct
    result: Expr | None = None
    for part in parts:
        clause: Expr = Unary("not", simplify(set_to_condition(isl.Set.from_basic_set(part), scop.names)), DType.BOOL)
        result = clause if result is None else Binary("and", result, clause, DType.BOOL)
    return TRUE if result is None else result
