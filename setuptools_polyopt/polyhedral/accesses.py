"""Access relations: which elements a statement instance reads and writes.

Reads under a `Select` or to the right of a short-circuit operator count only where the (affine) condition lets them be evaluated; data
conditions count as true. A `Reduce` reads a box. A read that the same statement has certainly written before is no read of the outside.
What `index` picks is any element of its axis; a subscript that is not affine for another reason stands for its whole axis. Loops inside a
statement (of a `Serial`) are projected out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import islpy as isl

from setuptools_polyopt.exhaustive import assert_never
from setuptools_polyopt.ir.expressions import Binary, Call, Expr, Load, Reduce, Select, Sym
from setuptools_polyopt.ir.kernel import Array
from setuptools_polyopt.ir.statements import Alloc, Assign, Block, Break, Continue, For, If, Serial, While, jumps, walk
from setuptools_polyopt.ir.visitors import children, loads, symbols, walk_expr, with_children
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

    relation: `{ S[i, j] -> A[index] }`. must: the access happens at every instance. loose: its subscripts that are not affine. subscripts:
    its functions of the iterators, where all are affine and no range of a `Reduce` or of a loop inside goes into them (else None).
    """

    load: Load
    relation: isl.Map
    write: bool
    must: bool
    loose: tuple[Expr, ...]
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
                written -= {known for known in written if any(load.array == target.array for i in known.indices for load in loads(i))}
                written.add(target)
            case If(cond=cond):
                found += _reads(cond, scene, where, must, written)
                inner = _narrow(cond, scene, where, True)
                outer = _narrow(cond, scene, where, False)
                then, orelse = set(written), set(written)
                _block(statement.body, scene, inner, False, then, found)
                _block(statement.orelse, scene, outer, False, orelse, found)
                written.clear()
                written |= then & orelse
            case Serial():
                _block(statement.body, scene, where, must, written, found)
            case While(cond=cond):
                found += _reads(cond, scene, where, must, written)
                _forget(statement.body, written)
                _block(statement.body, scene, where, False, set(written), found)
            case For():
                _loop(statement, scene, where, must, written, found)
            case Break() | Continue():
                pass
            case Alloc():
                raise TypeError("a statement allocates nothing")
            case _:
                assert_never(statement)


def _forget(body: Block, written: set[Load]) -> None:
    """Take away elements whose subscripts a loop's body changes."""
    changed = {item.target.array for item in walk(body) if isinstance(item, Assign)}
    written -= {known for known in written if any(load.array in changed for index in known.indices for load in loads(index))}


def _loop(loop: For, scene: Scene, where: isl.Set, must: bool, written: set[Load], found: list[Access]) -> None:
    """The accesses of a loop inside a statement, for all values of its variable."""
    for bound in (loop.lower, loop.upper):
        found += _reads(bound, scene, where, must, written)
    wide = _wider(where.get_space(), scene, (loop.var,))
    inside = isl.Set.universe(wide)
    try:
        value = variable(wide, loop.var)
        lower, upper = scene.affine.function(loop.lower, wide), scene.affine.function(loop.upper, wide)
        ends = (value.ge_set(lower), value.lt_set(upper)) if loop.step > 0 else (value.le_set(lower), value.gt_set(upper))
        inside = ends[0].intersect(ends[1])
        must = must and abs(loop.step) == 1 and not jumps(loop.body)
    except NotAffine:
        must = False
    _forget(loop.body, written)
    inner: list[Access] = []
    _block(loop.body, scene, inside, must, set(written), inner)
    for access in inner:
        relation = drop_domain_dim(access.relation, loop.var).intersect_domain(where)
        found.append(replace(access, relation=relation, subscripts=_without(access, loop.var, scene, where)))


def _without(access: Access, name: str, scene: Scene, where: isl.Set) -> tuple[isl.PwAff, ...] | None:
    """The subscripts of an access in a loop as functions of what is around it, where the loop's variable is not in them."""
    if access.subscripts is None or any(name in symbols(index) for index in access.load.indices):
        return None
    return tuple(scene.affine.function(index, where.get_space()) for index in access.load.indices)


def _wider(space: isl.Space, scene: Scene, names: Sequence[str]) -> isl.Space:
    """The space with further dimensions."""
    return set_space(scene.context, param_names(space), space.get_tuple_name(isl.dim_type.set) or "", (*dim_names(space), *names))


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
            for part in (*children(expr)[:-1], *(pick for index in expr.body.indices for pick in picked_in(index))):
                yield from _reads(part, scene, where, must, written)
            yield _range(expr, scene, where)
        case _:
            for child in children(expr):
                yield from _reads(child, scene, where, must, written)


def _access(load: Load, scene: Scene, where: isl.Set, write: bool, must: bool) -> Access:
    space = where.get_space()
    functions = [_function(index, scene, space) for index in load.indices]
    known = tuple(function for function in functions if function is not None)
    if len(known) == len(functions):
        relation = function_map(space, load.array, known).intersect_domain(where)
        return Access(load, relation, write, must, (), known)
    picked = {node: f"@{n}" for n, node in enumerate(dict.fromkeys(p for index in load.indices for p in picked_in(index)))}
    put = [_put(index, picked) for index in load.indices]
    wide = _wider(space, scene, tuple(picked.values()))
    loose = {axis: load.indices[axis] for axis, index in enumerate(put) if _function(index, scene, wide) is None}
    free = {f"@axis{axis}": scene.arrays[load.array].extents[axis] for axis in loose}
    wide = _wider(space, scene, (*picked.values(), *free))
    inside = isl.Set.universe(wide)
    for name, extent in {**{name: node.right for node, name in picked.items()}, **free}.items():
        value, limit = variable(wide, name), _function(extent, scene, wide)
        inside = inside.intersect(value.ge_set(constant(wide, 0)))
        inside = inside if limit is None else inside.intersect(value.lt_set(limit))
    functions = [_function(index, scene, wide) for index in put]
    subscript = [variable(wide, f"@axis{axis}") if function is None else function for axis, function in enumerate(functions)]
    relation = function_map(wide, load.array, subscript).intersect_domain(inside)
    for name in (*picked.values(), *free):
        relation = drop_domain_dim(relation, name)
    return Access(load, relation.intersect_domain(where), write, False, tuple(loose.values()), None)


def picked_in(expr: Expr) -> Iterator[Binary]:
    """The outermost `index` operations of a subscript."""
    if isinstance(expr, Binary) and expr.op == "index":
        yield expr
    elif not isinstance(expr, Load | Call | Reduce):
        for child in children(expr):
            yield from picked_in(child)


def _put(expr: Expr, names: Mapping[Binary, str]) -> Expr:
    """The subscript with a symbol for each element that is picked."""
    if isinstance(expr, Binary) and expr in names:
        return Sym(names[expr])
    return with_children(expr, tuple(_put(child, names) for child in children(expr))) if children(expr) else expr


def _function(expr: Expr, scene: Scene, space: isl.Space) -> isl.PwAff | None:
    try:
        return scene.affine.function(expr, space)
    except NotAffine:
        return None


def _range(reduce: Reduce, scene: Scene, where: isl.Set) -> Access:
    """The elements that a reduction reads, for all values of its variables (the skipped ones too)."""
    space = where.get_space()
    names = tuple(part.var for part in reduce.ranges)
    wide = _wider(space, scene, names)
    inside = isl.Set.universe(wide)
    try:
        for part in reduce.ranges:
            value = variable(wide, part.var)
            inside = inside.intersect(value.ge_set(scene.affine.function(part.lower, wide)))
            inside = inside.intersect(value.lt_set(_limit(part.upper, scene, wide)))
    except NotAffine:
        return Access(reduce.body, _whole(reduce.body, scene, where), False, False, reduce.body.indices, None)
    element = _access(reduce.body, scene, inside, False, True)
    relation = element.relation
    for name in names:
        relation = drop_domain_dim(relation, name)
    return replace(element, relation=relation.intersect_domain(where), subscripts=None)


def _limit(upper: Expr, scene: Scene, space: isl.Space) -> isl.PwAff:
    """The end of a range, or what it stays below where data decides it (`min(m, n)`)."""
    if isinstance(upper, Binary) and upper.op == "min":
        known = [limit for limit in (_function(part, scene, space) for part in (upper.left, upper.right)) if limit is not None]
        if len(known) == 1:
            return known[0]
    return scene.affine.function(upper, space)


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
