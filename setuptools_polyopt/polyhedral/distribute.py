"""Distribution of innermost loops: every innermost loop should be one that vectorises, or one call of NumPy's inner loop.

Statements that share an innermost loop stay together when they are plain arithmetic over the same range (their temporaries become scalars
in registers). A NumPy call, a statement over another range (which would need a guard at every iteration), and a statement that does not
move with the loop get a loop (or a place) of their own. Distribution happens only where no dependence runs backwards.

Where the parts touch the same elements, the loop is also cut into blocks, so that these stay in the cache; parts that share nothing run
through memory one after the other.

    for i: for j: t = a + b; u = numpy.exp(t); o = u * c      ->   for i: for j: t = a + b | for j: u = numpy.exp(t) | for j: o = u * c
"""

from __future__ import annotations

from dataclasses import replace

import islpy as isl

from setuptools_polyopt.ir.expressions import Call, Reduce
from setuptools_polyopt.polyhedral.legality import domain_of
from setuptools_polyopt.polyhedral.marks import tile_member
from setuptools_polyopt.polyhedral.scop import Scop, Statement, has_calls
from setuptools_polyopt.polyhedral.spaces import function_map
from setuptools_polyopt.polyhedral.strides import in_span
from setuptools_polyopt.polyhedral.tree import Allocate, Band, Leaf, Member, Sequence, Tree, band, sequence

BLOCK = 1024
"""Elements of a row that a run of statements handles before the next ones: their buffers (8 KiB of doubles each) stay in the first or
second level of the cache, and a call of NumPy's inner loop costs little per element."""


def distribute(tree: Tree, scop: Scop, deps: isl.UnionMap, outer: tuple[Member, ...] = ()) -> Tree:
    """Split the loops of every band where that helps.

    deps: all dependences, restricted to pairs with equal dates in `outer`.
    """
    match tree:
        case Leaf() | Allocate():
            return tree
        case Sequence(children=children):
            return sequence(distribute(child, scop, deps, outer) for child in children)
        case Band(members=members, child=child):
            domain = domain_of(tree, scop)
            inside = deps.intersect_domain(domain).intersect_range(domain)
            for position, member in enumerate(members):
                here = (*outer, *members[:position])
                groups = _groups(child, member, scop, inside, here, position == len(members) - 1)
                if len(groups) > 1:
                    return _split(tree, position, groups, scop, inside, here)
                inside = inside.eq_at_multi_union_pw_aff(member.union())
            return replace(tree, child=distribute(child, scop, inside, (*outer, *members)))


def _split(tree: Band, position: int, groups: list[tuple[str, ...]], scop: Scop, deps: isl.UnionMap, outer: tuple[Member, ...]) -> Tree:
    member = tree.members[position]
    parts = [distribute(_part(tree, position, group, outer), scop, deps, outer) for group in groups]
    blocked = position == len(tree.members) - 1 and not any(is_still(member, name, outer) for name in tree.names)
    if blocked and not member.note and deps.is_subset(deps.eq_at_multi_union_pw_aff(member.union())) and _share(groups, scop, outer):
        return band((*tree.members[:position], tile_member(member, BLOCK, "block")), tree.permutable, sequence(parts))
    return band(tree.members[:position], tree.permutable, sequence(parts))


def _share(groups: list[tuple[str, ...]], scop: Scop, outer: tuple[Member, ...]) -> bool:
    """Whether two groups touch the same element in one iteration of the loops outside."""
    for index, group in enumerate(groups):
        for other in groups[:index]:
            meets = _touched(group, scop).apply_range(_touched(other, scop).reverse())
            for member in outer:
                meets = meets.eq_at_multi_union_pw_aff(member.union())
            if not meets.is_empty():
                return True
    return False


def _touched(group: tuple[str, ...], scop: Scop) -> isl.UnionMap:
    found = isl.UnionMap.empty_ctx(scop.context.get_ctx())
    for name in group:
        for access in scop.statement(name).accesses:
            found = found.union(isl.UnionMap.from_map(access.relation))
    return found


def _part(tree: Band, position: int, group: tuple[str, ...], outer: tuple[Member, ...]) -> Tree:
    """One group's share of the loops from `position` on; a loop in which none of it moves is dropped."""
    child: Tree = Leaf(group)
    members = [m.only(group) for m in tree.members[position:]]
    if all(is_still(members[0], name, outer) for name in group):
        members = members[1:]
    return band(members, tree.permutable, child)


def is_still(member: Member, name: str, outer: tuple[Member, ...]) -> bool:
    """Is the statement's date in this loop fixed by the loops outside?"""
    row = member.row(name)
    rows = [r for r in (m.row(name) for m in outer) if r is not None]
    return row is not None and in_span(row, rows) and not member.note


def _groups(
    child: Tree, member: Member, scop: Scop, deps: isl.UnionMap, outer: tuple[Member, ...], last: bool
) -> list[tuple[str, ...]]:
    """The statements below a loop, in order, split into those that may share it; one group where they must or should."""
    if not isinstance(child, Leaf) or len(child.names) == 1:
        return [child.names]
    groups: list[list[str]] = [[child.names[0]]]
    for name in child.names[1:]:
        together = _together(groups[-1][-1], name, member, scop, outer) if not last else all(
            _alike(other, name, member, scop, outer) for other in groups[-1]
        )
        if together:
            groups[-1].append(name)
        else:
            groups.append([name])
    return in_order([tuple(group) for group in groups], scop, deps)


def _together(first: str, second: str, member: Member, scop: Scop, outer: tuple[Member, ...]) -> bool:
    return is_still(member, first, outer) == is_still(member, second, outer)


def _alike(first: str, second: str, member: Member, scop: Scop, outer: tuple[Member, ...]) -> bool:
    """May two statements share an innermost loop without loss?"""
    if not _together(first, second, member, scop, outer):
        return False
    if _is_block_call(scop.statement(first)) or _is_block_call(scop.statement(second)):
        return False
    return bool(_range(first, member, scop, outer).is_equal(_range(second, member, scop, outer)))


def _is_block_call(statement: Statement) -> bool:
    return has_calls(statement, (Reduce,)) or has_calls(statement, (Call,), "numpy")


def _range(name: str, member: Member, scop: Scop, outer: tuple[Member, ...]) -> isl.Set:
    """The dates of a statement in the loops down to this one."""
    functions = [m.dates[name] for m in (*outer, member)]
    statement = scop.statement(name)
    return function_map(statement.space, None, functions).intersect_domain(statement.domain).range()


def in_order(groups: list[tuple[str, ...]], scop: Scop, deps: isl.UnionMap) -> list[tuple[str, ...]]:
    """The groups in an order in which no dependence runs backwards; groups that depend on each other in a circle become one."""
    domains = [domain_of(Leaf(group), scop) for group in groups]
    size = range(len(groups))
    reach = [[a != b and not deps.intersect_domain(domains[a]).intersect_range(domains[b]).is_empty() for b in size] for a in size]
    for middle in size:
        for a in size:
            for b in size:
                reach[a][b] = reach[a][b] or (reach[a][middle] and reach[middle][b])
    result = []
    left = list(size)
    while left:
        first = next(a for a in left if all(reach[a][b] for b in left if reach[b][a]))
        circle = [a for a in left if a == first or (reach[a][first] and reach[first][a])]
        result.append(tuple(name for a in circle for name in groups[a]))
        left = [a for a in left if a not in circle]
    return result
