"""Fusion of outer loops that isl leaves apart.

isl fuses loop nests only as a whole. NumPy expressions often allow less than that: rows can be handled together though a row's reduction
has to be finished before its elements are used. This pass joins neighbouring nests at one loop where no dependence crosses iterations:

    for i: for j: d[i, j] = ...                    for i parallel:
    for i: s[i] = sum(d[i, :])             ->          for j: d[i, j] = ...
    for i: for j: o[i, j] = d[i, j] / s[i]             s[i] = sum(d[i, :])
                                                       for j: o[i, j] = d[i, j] / s[i]

Only nests that share data are joined, never at the loop that runs along contiguous elements of a deeper nest, and a statement that
would lose its own vector loop is peeled off again where nothing is gained from having it inside.
"""

from __future__ import annotations

from dataclasses import replace

import islpy as isl

from setuptools_polyopt.ir.expressions import Reduce
from setuptools_polyopt.polyhedral.legality import domain_of
from setuptools_polyopt.polyhedral.scop import Scop, has_calls
from setuptools_polyopt.polyhedral.strides import cost
from setuptools_polyopt.polyhedral.tree import Allocate, Band, Leaf, Member, Sequence, Tree, band, depth, path, sequence


def fuse(
    tree: Tree, scop: Scop, deps: isl.UnionMap, outer: tuple[Member, ...] = (), alone: frozenset[str] = frozenset()
) -> Tree:
    """Join neighbouring nests of every sequence.

    deps: all dependences, restricted to pairs with equal dates in `outer`. Coincidence must be known; it holds for the result as well.
    alone: statements whose nests are joined to no other.
    """
    match tree:
        case Leaf() | Allocate():
            return tree
        case Band(members=members, child=child):
            for member in members:
                deps = deps.eq_at_multi_union_pw_aff(member.union())
            return replace(tree, child=fuse(child, scop, deps, (*outer, *members), alone))
        case Sequence(children=children):
            done: list[Tree] = []
            for child in children:
                child = fuse(child, scop, _within(child, scop, deps), outer, alone)
                _append(done, child, scop, deps, outer, alone)
            return sequence(_peel(child, scop) for child in done)


def _within(tree: Tree, scop: Scop, deps: isl.UnionMap) -> isl.UnionMap:
    domain = domain_of(tree, scop)
    return deps.intersect_domain(domain).intersect_range(domain)


def _append(
    done: list[Tree], child: Tree, scop: Scop, deps: isl.UnionMap, outer: tuple[Member, ...], alone: frozenset[str]
) -> None:
    """Join a nest to the last one before it that it can be joined to, or put it at the end."""
    domain = domain_of(child, scop)
    for position in reversed(range(len(done))):
        apart = alone & {*done[position].names, *child.names}
        joined = None if apart else _join(done[position], child, scop, deps, outer)
        if joined is not None:
            done[position] = joined
            return
        if not deps.intersect_domain(domain_of(done[position], scop)).intersect_range(domain).is_empty():
            break
    done.append(child)


def _join(first: Tree, second: Tree, scop: Scop, deps: isl.UnionMap, outer: tuple[Member, ...]) -> Tree | None:
    if not isinstance(first, Band) or not isinstance(second, Band) or not _share(first, second, scop):
        return None
    between = deps.intersect_domain(domain_of(first, scop)).intersect_range(domain_of(second, scop))
    for a in _candidates(first, scop, outer):
        for b in _candidates(second, scop, outer):
            member = replace(a, dates={**a.dates, **b.dates}, rows={**a.rows, **b.rows}, kind="serial")
            if not between.is_subset(between.eq_at_multi_union_pw_aff(member.union())):
                continue
            inside = deps.eq_at_multi_union_pw_aff(member.union())
            parts = sequence((_without(first, a), _without(second, b)))
            child = fuse(parts, scop, inside, (*outer, member))
            if isinstance(child, Band) and child.permutable:
                return replace(child, members=(member, *child.members))
            return Band((member,), True, child)
    return None


def _share(first: Tree, second: Tree, scop: Scop) -> bool:
    """Is there an array of rank 1 or more that both touch?"""

    def arrays(tree: Tree) -> set[str]:
        found = {a.load.array for name in tree.names for a in scop.statement(name).accesses}
        return {name for name in found if scop.kernel.array(name).rank}

    return bool(arrays(first) & arrays(second))


def _candidates(tree: Band, scop: Scop, outer: tuple[Member, ...]) -> list[Member]:
    """The loops at which a nest may be joined: parallel ones, not the contiguous one of a nest that has others."""
    found = [m for k, m in enumerate(tree.members) if m.coincident and (tree.permutable or k == 0)]
    if depth(tree) == 1:
        return found
    return [m for m in found if not _contiguous(m, tree, scop, outer)]


def _contiguous(member: Member, tree: Band, scop: Scop, outer: tuple[Member, ...]) -> bool:
    """Is the loop the best one to have innermost for some statement?"""
    for name in tree.names:
        loops = (*outer, *path(tree, name))
        rows = [m.row(name) for m in loops]
        known = [row for row in rows if row is not None]
        if len(known) != len(rows):
            continue
        costs = [cost(scop.statement(name), scop, known, k) for k in range(len(loops))]
        mine = costs[loops.index(member)]
        others = [c for k, c in enumerate(costs) if c is not None and k >= len(outer) and loops[k] is not member]
        if mine is not None and others and mine < min(others):
            return True
    return False


def _without(tree: Band, member: Member) -> Tree:
    return band((m for m in tree.members if m is not member), tree.permutable, tree.child)


def _peel(tree: Tree, scop: Scop) -> Tree:
    """Take statements without an inner loop at the start and at the end of a joined nest out again."""
    if not isinstance(tree, Band) or len(tree.members) != 1 or not isinstance(tree.child, Sequence):
        return tree
    member = tree.members[0]
    if not member.coincident:
        return tree
    children = list(tree.child.children)
    before: list[Tree] = []
    after: list[Tree] = []
    while len(children) > 1 and _peels(children[0], scop):
        before.append(children.pop(0))
    while len(children) > 1 and _peels(children[-1], scop):
        after.insert(0, children.pop())
    if not before and not after:
        return tree
    parts = [before, children, after]
    return sequence(Band((member.only(sequence(p).names),), True, sequence(p)) for p in parts if p)


def _peels(tree: Tree, scop: Scop) -> bool:
    return isinstance(tree, Leaf) and not any(has_calls(scop.statement(name), (Reduce,)) for name in tree.names)
