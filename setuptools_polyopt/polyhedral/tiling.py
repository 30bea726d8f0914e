"""The order of the loops of a permutable band, and its tiles.

Innermost comes the loop along which accesses are contiguous and nothing is carried (float accumulations stay in order: the loop that
carries one cannot be it). Tiles pay when some data is used again only after at least two loops have passed over other data, or when an
access is contiguous along another loop than the innermost. Where that other loop carries a dependence, it comes innermost itself and the
loop that carries nothing outermost. Parallel tile loops come first; where none is parallel, the wavefront over
the first two tile loops makes the second one parallel. Without tiles, a loop that is both the innermost and the only parallel one is
cut into blocks.

    for i: for j: for k: C[i, j] += A[i, k] * B[k, j]
      -> for i_tile parallel: for j_tile: for k_tile: for i: for k: for j vector
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import islpy as isl

from setuptools_polyopt.polyhedral.legality import domain_of
from setuptools_polyopt.polyhedral.marks import tile_member
from setuptools_polyopt.polyhedral.scop import Scop, Statement
from setuptools_polyopt.polyhedral.spaces import linear
from setuptools_polyopt.polyhedral.strides import STRIDED, Row, access_cost, cost, in_span, jumps, solve
from setuptools_polyopt.polyhedral.tree import Allocate, Band, Leaf, Member, Tree, sequence
from setuptools_polyopt.polyhedral.tree import Sequence as Steps


@dataclass(frozen=True)
class Sizes:
    """Tile sizes in iterations: of the innermost loop, and of the others."""

    inner: int = 256
    other: int = 32


CONTIGUOUS_BLOCK = 512
"""Iterations of a block of the innermost loop: rows of a page's length keep the prefetcher going."""

STRIDED_BLOCK = 32
"""The same where an access jumps: the lines (and pages) of a block stay in the first-level cache until their next elements are used."""


def restructure(tree: Tree, scop: Scop, deps: isl.UnionMap, sizes: Sizes | None, outer: tuple[Member, ...] = ()) -> Tree:
    """Order and tile every band that has no other loops below it.

    deps: all dependences, restricted to pairs with equal dates in `outer`. sizes: None for no tiles.
    """
    match tree:
        case Leaf() | Allocate():
            return tree
        case Steps(children=children):
            return sequence(restructure(child, scop, deps, sizes, outer) for child in children)
        case Band(members=members, child=child):
            domain = domain_of(tree, scop)
            deps = deps.intersect_domain(domain).intersect_range(domain)
            if isinstance(child, Leaf) and len(members) > 1 and tree.permutable and not any(m.note for m in members):
                return _restructure(tree, scop, deps, sizes, outer)
            for member in members:
                deps = deps.eq_at_multi_union_pw_aff(member.union())
            return replace(tree, child=restructure(child, scop, deps, sizes, (*outer, *members)))


def _restructure(tree: Band, scop: Scop, deps: isl.UnionMap, sizes: Sizes | None, outer: tuple[Member, ...]) -> Tree:
    statements = [scop.statement(name) for name in tree.names]
    inner = _innermost(tree.members, statements, scop, deps, outer)
    points = [m for m in tree.members if m is not inner] + ([inner] if inner is not None else [])
    entry = [m for m in tree.members if deps.is_subset(deps.eq_at_multi_union_pw_aff(m.union()))]
    chain = _chain(inner, entry, points, statements, scop, outer)
    if inner is not None and chain is not None:
        rest = [m for m in tree.members if m is not inner and m is not chain]
        return replace(tree, members=(inner, *rest, chain))
    if sizes is None or not _pays(points, statements, bool(entry), scop, outer):
        if inner is not None and entry == [inner]:
            strided = _strided(inner, tree.members, statements, scop, outer)
            block = tile_member(inner, STRIDED_BLOCK if strided else CONTIGUOUS_BLOCK, "block")
            points = [block, *points[:-1], replace(inner, note="point")]
        return replace(tree, members=tuple(points))
    first = [m for m in tree.members if m in entry] + [m for m in tree.members if m not in entry]
    size = {id(m): sizes.inner if m is points[-1] and len(points) > 1 else sizes.other for m in first}
    loops = [tile_member(m, size[id(m)]) for m in first]
    if not entry:
        loops = [_wavefront(first[0], size[id(first[0])], first[1], size[id(first[1])]), *loops[1:]]
    return Band((*loops, *(replace(m, note="point") for m in points)), True, tree.child)


def _chain(
    inner: Member | None,
    entry: Sequence[Member],
    points: Sequence[Member],
    statements: Sequence[Statement],
    scop: Scop,
    outer: tuple[Member, ...],
) -> Member | None:
    """The loop that should be innermost although it carries a dependence: the others jump from line to line, and it does not.

    Where rows of such a chain are independent (the loop `inner` carries nothing), several of them then run side by side
    (codegen/interleave.py). Alone, too, a chain whose sum stays in a register (codegen/registers.py) beats a vector loop over elements
    that lie far apart. Not where tiles bring data back that would be gone.
    """
    if inner is None or any(_reused(s, points, outer) for s in statements):
        return None
    deepest = max(len(s.iterators) for s in statements)
    core = [s for s in statements if len(s.iterators) == deepest]
    for member in points:
        if member not in entry and all(_jumps(s, inner, points, scop, outer) > _jumps(s, member, points, scop, outer) for s in core):
            return member
    return None


def _jumps(statement: Statement, member: Member, points: Sequence[Member], scop: Scop, outer: tuple[Member, ...]) -> int:
    """How many accesses touch another line at every iteration when the loop is innermost."""
    loops = (*outer, *points)
    rows = _rows(statement, loops)
    return 0 if rows is None else jumps(statement, scop, rows, loops.index(member))


def _wavefront(a: Member, a_size: int, b: Member, b_size: int) -> Member:
    """The sum of two tile numbers."""
    dates = {}
    rows: dict[str, Row | None] = {}
    for name in a.dates:
        x, y = a.dates[name], b.dates[name]
        context = x.get_ctx()
        dates[name] = x.scale_down_val(isl.Val(a_size, context)).floor().add(y.scale_down_val(isl.Val(b_size, context)).floor())
        rows[name] = None
    return Member(dates, False, "serial", "wavefront", "wave", rows)


def _innermost(
    members: Sequence[Member], statements: Sequence[Statement], scop: Scop, deps: isl.UnionMap, outer: tuple[Member, ...]
) -> Member | None:
    """The loop to have innermost: cheapest for the deepest statements among those that carry none of their own dependences."""
    deepest = max(len(s.iterators) for s in statements)
    core = [s for s in statements if len(s.iterators) == deepest]
    best: tuple[int, int] | None = None
    found: Member | None = None
    for position, member in enumerate(members):
        if not all(_free(s, member, members, deps) for s in core):
            continue
        costs = [_cost(s, member, members, scop, outer) for s in core]
        known = [c for c in costs if c is not None]
        if len(known) < len(costs):
            continue
        rank = (sum(known), -position)
        if best is None or rank < best:
            best, found = rank, member
    return found


def _strided(inner: Member, members: Sequence[Member], statements: Sequence[Statement], scop: Scop, outer: tuple[Member, ...]) -> bool:
    costs = [_cost(s, inner, members, scop, outer) for s in statements]
    return any(c is not None and c >= STRIDED for c in costs)


def _free(statement: Statement, member: Member, members: Sequence[Member], deps: isl.UnionMap) -> bool:
    domain = isl.UnionSet.from_set(statement.domain)
    own = deps.intersect_domain(domain).intersect_range(domain)
    for other in members:
        if other is not member:
            own = own.eq_at_multi_union_pw_aff(other.union())
    return bool(own.is_subset(own.eq_at_multi_union_pw_aff(member.union())))


def _rows(statement: Statement, members: Sequence[Member]) -> list[Row] | None:
    rows = [m.row(statement.name) for m in members]
    known = [row for row in rows if row is not None]
    return known if len(known) == len(rows) else None


def _cost(statement: Statement, member: Member, members: Sequence[Member], scop: Scop, outer: tuple[Member, ...]) -> int | None:
    loops = (*outer, *members)
    rows = _rows(statement, loops)
    return None if rows is None else cost(statement, scop, rows, loops.index(member))


def _pays(points: Sequence[Member], statements: Sequence[Statement], parallel: bool, scop: Scop, outer: tuple[Member, ...]) -> bool:
    """Are tiles worth their overhead? parallel: whether some tile loop is parallel as it is (without a wavefront)."""
    for s in statements:
        rows = _rows(s, (*outer, *points))
        if rows is not None and parallel and _transposed(s, scop, rows, len(outer)):
            return True
    return any(_reused(s, points, outer) for s in statements)


def _reused(statement: Statement, points: Sequence[Member], outer: tuple[Member, ...]) -> bool:
    rows = _rows(statement, (*outer, *points))
    return rows is not None and _far_reuse(statement, rows, len(outer))


def _far_reuse(statement: Statement, rows: Sequence[Row], start: int) -> bool:
    """Is an element used again along a loop that has two more inside which move the access?"""
    for access in statement.accesses:
        if access.subscripts is None or not access.subscripts:
            continue
        matrix = [linear(function) for function in access.subscripts]
        known = [row for row in matrix if row is not None]
        for position in range(start, len(rows) - 2):
            if not in_span(rows[position], [*rows[:position], *known]):
                moving = [k for k in range(position + 1, len(rows)) if not _invariant(known, rows, k)]
                if len(moving) >= 2:
                    return True
    return False


def _invariant(matrix: Sequence[Row], rows: Sequence[Row], position: int) -> bool:
    """Do the subscripts stay the same when loop `position` advances and those outside it are fixed?"""
    others = [row for k, row in enumerate(rows) if k != position]
    return all(in_span(row, others) for row in matrix)


def _transposed(statement: Statement, scop: Scop, rows: Sequence[Row], start: int) -> bool:
    """Does some access jump in the innermost loop, and run along contiguous elements in another one of the band?"""
    inner, *others = (solve(rows, statement.iterators, k) for k in (len(rows) - 1, *range(start, len(rows) - 1)))
    for access in statement.accesses:
        array = scop.kernel.array(access.load.array)
        jumps = inner is not None and access_cost(access, array, inner) >= STRIDED
        if jumps and any(other is not None and access_cost(access, array, other) == 1 for other in others):
            return True
    return False
