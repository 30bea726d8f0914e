"""Access relations: which elements a statement instance reads and writes.

Reads under a `Select` or to the right of a short-circuit operator count only where the (affine) condition lets them be evaluated; data
conditions count as true. A `Reduce` reads a box. A read that the same statement has certainly written before is no read of the outside.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import islpy as isl

from setuptools_polyopt.exhaustive import assert_never
from setuptools_polyopt.ir.expressions import Binary, Expr, Load, Reduce, Select
from setuptools_polyopt.ir.kernel import Array
from setuptools_polyopt.ir.statements import Alloc, Assign, Block, For, If
from setuptools_polyopt.ir.visitors import children, walk_expr
from setuptools_polyopt.polyhedral.affine import Affine, NotAffine
from setuptools_polyopt.polyhedral.spaces import (
    constant,
    dim_names,
    drop_domain_dim,
    function_map,
    param_names,
    set_space,
    variable,
)


@dataclass(frozen=True, eq=False)
class Access:
    """One reference of a statement.

    relation: `{ S[i, j] -> A[index] }`. must: the access happens at every instance. exact: the relation is not the whole array for want of
    affine subscripts. subscripts: its functions of the iterators, where it is exact and no range of a `Reduce` (else None).
    """

    load: Load
    relation: isl.Map
    write: bool
    must: bool
    exact: bool
    subscripts: tuple[isl.PwAff, ...] | None


@dataclass(frozen=True, eq=False)
class Scene:
    """Where accesses are looked at: the statement's space, and what names mean."""

    affine: Affine
    arrays: dict[str, Array]
    context: isl.Context
    params: tuple[str, ...]
    space: isl.Space


def subscripts(expr: Expr) -> list[Expr]:
    """The integer expressions in subscripts, in ranges of reductions and in conditions of an expression."""
    found: list[Expr] = []
    for node in walk_expr(expr):
        match node:
            case Load(indices=indices):
                found += indices
            case Reduce(ranges=ranges):
                found += [bound for part in ranges for bound in (part.lower, part.upper)]
            case Select(cond=cond):
                found.append(cond)
            case Binary(op="and" | "or", left=left):
                found.append(left)
            case _:
                pass
    return found


def of_block(body: Block, scene: Scene) -> tuple[Access, ...]:
    """All accesses of a statement's body, in program order."""
    found: list[Access] = []
    _block(body, scene, isl.Set.universe(scene.space), True, set(), found)
    return tuple(found)


def _block(body: Block, scene: Scene, where: isl.Set, must: bool, written: set[Load], found: list[Access]) -> None:
    for statement in body:
        match statement:
            case Assign(target=target, value=value):
                found += _reads(value, scene, where, must, written)
                for index in target.indices:
                    found += _reads(index, scene, where, must, written)
                found.append(_access(target, scene, where, True, must))
                written.add(target)
            case If(cond=cond):
                found += _reads(cond, scene, where, must, written)
                inner = _narrow(cond, scene, where, True)
                outer = _narrow(cond, scene, where, False)
                _block(statement.body, scene, inner, False, set(written), found)
                _block(statement.orelse, scene, outer, False, set(written), found)
            case For() | Alloc():
                raise TypeError("a statement holds no loops")
            case _:
                assert_never(statement)


def _narrow(cond: Expr, scene: Scene, where: isl.Set, holds: bool) -> isl.Set:
    try:
        inside = scene.affine.condition(cond, where.get_space())
    except NotAffine:
        return where
    return where.intersect(inside) if holds else where.subtract(inside)


def _reads(expr: Expr, scene: Scene, where: isl.Set, must: bool, written: set[Load]) -> Iterator[Access]:
    match expr:
        case Load():
            for index in expr.indices:
                yield from _reads(index, scene, where, must, written)
            if expr not in written:
                yield _access(expr, scene, where, False, must)
        case Select(cond=cond, then=then, orelse=orelse):
            yield from _reads(cond, scene, where, must, written)
            yield from _reads(then, scene, _narrow(cond, scene, where, True), False, written)
            yield from _reads(orelse, scene, _narrow(cond, scene, where, False), False, written)
        case Binary(op="and" | "or", left=left, right=right):
            yield from _reads(left, scene, where, must, written)
            yield from _reads(right, scene, _narrow(left, scene, where, expr.op == "and"), False, written)
        case Reduce():
            for part in children(expr)[:-1]:
                yield from _reads(part, scene, where, must, written)
            yield _range(expr, scene, where)
        case _:
            for child in children(expr):
                yield from _reads(child, scene, where, must, written)


def _access(load: Load, scene: Scene, where: isl.Set, write: bool, must: bool) -> Access:
    space = where.get_space()
    try:
        functions = tuple(scene.affine.function(index, space) for index in load.indices)
    except NotAffine:
        return Access(load, _whole(load, scene, where), write, False, False, None)
    relation = function_map(space, load.array, functions).intersect_domain(where)
    return Access(load, relation, write, must, True, functions)


def _range(reduce: Reduce, scene: Scene, where: isl.Set) -> Access:
    """The elements that a reduction reads, for all values of its variables (the skipped ones too)."""
    space = where.get_space()
    name = space.get_tuple_name(isl.dim_type.set) or ""
    names = tuple(part.var for part in reduce.ranges)
    wide = set_space(scene.context, param_names(space), name, (*dim_names(space), *names))
    inside = isl.Set.universe(wide)
    try:
        for part in reduce.ranges:
            value = variable(wide, part.var)
            inside = inside.intersect(value.ge_set(scene.affine.function(part.lower, wide)))
            inside = inside.intersect(value.lt_set(scene.affine.function(part.upper, wide)))
        functions = [scene.affine.function(index, wide) for index in reduce.body.indices]
    except NotAffine:
        return Access(reduce.body, _whole(reduce.body, scene, where), False, False, False, None)
    relation = function_map(wide, reduce.body.array, functions).intersect_domain(inside)
    for name in names:
        relation = drop_domain_dim(relation, name)
    relation = relation.intersect_domain(where)
    return Access(reduce.body, relation, False, True, True, None)


def extent_set(array: Array, scene: Scene) -> isl.Set:
    """All elements of an array; an extent that is not affine leaves its dimension unbounded above."""
    names = tuple(f"a{k}" for k in range(array.rank))
    space = set_space(scene.context, scene.params, array.name, names)
    domain = isl.Set.universe(space)
    for name, extent in zip(names, array.extents, strict=True):
        value = variable(space, name)
        domain = domain.intersect(value.ge_set(constant(space, 0)))
        try:
            domain = domain.intersect(value.lt_set(scene.affine.function(extent, space)))
        except NotAffine:
            continue
    return domain


def _whole(load: Load, scene: Scene, where: isl.Set) -> isl.Map:
    return isl.Map.from_domain_and_range(where, extent_set(scene.arrays[load.array], scene))


def unions(
    context: isl.Context, statements: Sequence[tuple[isl.Set, tuple[Access, ...]]]
) -> tuple[isl.UnionMap, isl.UnionMap, isl.UnionMap]:
    """Reads, must-writes and may-writes of all statements, restricted to their domains."""
    reads, must, may = (isl.UnionMap.empty_ctx(context) for _ in range(3))
    for domain, found in statements:
        for access in found:
            relation = isl.UnionMap.from_map(access.relation.intersect_domain(domain))
            if not access.write:
                reads = reads.union(relation)
            elif access.must:
                must = must.union(relation)
            else:
                may = may.union(relation)
    return reads.coalesce(), must.coalesce(), may.coalesce()
