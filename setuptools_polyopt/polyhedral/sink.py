"""Parallel outer loops that should be the innermost ones.

A sum over columns is written (or fused) with the columns outside; each inner loop then jumps from row to row. A loop that carries no
dependence may be cut into blocks and its points moved below everything that is inside:

    for j parallel:                              for j_block parallel:
        m[j] = 0                                     for j: m[j] = 0
        for i: m[j] = m[j] + A[i, j]       ->        for i: for j vector: m[j] = m[j] + A[i, j]
        m[j] = m[j] / n                              for j: m[j] = m[j] / n

It is done where the accesses of the deepest statements become cheaper by it. Coincidence must be known.
"""

from __future__ import annotations

from dataclasses import replace

from setuptools_polyopt.exhaustive import assert_never
from setuptools_polyopt.ir.kernel import Role
from setuptools_polyopt.polyhedral.marks import tile_member
from setuptools_polyopt.polyhedral.scop import Scop
from setuptools_polyopt.polyhedral.strides import cost, kept
from setuptools_polyopt.polyhedral.tree import Allocate, Band, Leaf, Member, Sequence, Tree, path, sequence

BLOCK = 512
"""Iterations of a block: rows of a page's length keep the prefetcher going, and several threads find blocks in a thousand columns."""


def sink(tree: Tree, scop: Scop, outer: tuple[Member, ...] = ()) -> Tree:
    """Move the points of parallel loops inside where that makes accesses contiguous. outer: the loops around the tree."""
    match tree:
        case Leaf():
            return tree
        case Sequence(children=children):
            return sequence(sink(child, scop, outer) for child in children)
        case Allocate(child=child):
            return replace(tree, child=sink(child, scop, outer))
        case Band(members=members, child=child):
            gains = [_gain(tree, member, scop, outer) for member in members]
            best = max(gains)
            if isinstance(child, Leaf) or best[0] <= 0:
                return replace(tree, child=sink(child, scop, (*outer, *members)))
            member = members[gains.index(best)]
            return Band(_with_blocks(tree, member), False, _push(child, replace(member, note="point")))
        case _:
            assert_never(tree)


def _with_blocks(tree: Band, member: Member) -> tuple[Member, ...]:
    """The band's loops with blocks in the place of a member: behind its neighbours that carry nothing either, which have more iterations
    for threads to share."""
    at = tree.members.index(member)
    last = at
    while tree.permutable and last + 1 < len(tree.members) and tree.members[last + 1].coincident:
        last += 1
    return (*tree.members[:at], *tree.members[at + 1 : last + 1], tile_member(member, BLOCK, "block"), *tree.members[last + 1 :])


def _gain(tree: Band, member: Member, scop: Scop, outer: tuple[Member, ...]) -> tuple[int, int]:
    """How much less the deepest statements' accesses cost with a loop innermost that carries nothing, and how much stays the same
    along it; zeros for other loops."""
    nothing = (0, 0)
    if not member.coincident:
        return nothing
    deepest = max(len(scop.statement(name).iterators) for name in tree.names)
    local = _own_temporaries(tree, scop)
    gained = same = 0
    for name in tree.names:
        loops = (*outer, *path(tree, name))
        statement = scop.statement(name)
        if len(statement.iterators) < deepest:
            continue
        rows = [m.row(name) for m in loops]
        known = [row for row in rows if row is not None]
        if len(known) < len(rows):
            return nothing
        before = cost(statement, scop, known, len(loops) - 1, local)
        after = cost(statement, scop, known, loops.index(member), local)
        if before is None or after is None:
            return nothing
        gained += before - after
        same += kept(statement, scop, known, loops.index(member))
    return gained, same


def _own_temporaries(tree: Tree, scop: Scop) -> frozenset[str]:
    """The temporaries that live inside a tree."""
    inside = frozenset(tree.names)
    outside = {a.load.array for s in scop.statements if s.name not in inside for a in s.accesses}
    return frozenset(a.name for a in scop.kernel.arrays if a.role is Role.TEMPORARY) - outside


def _push(tree: Tree, member: Member) -> Tree:
    match tree:
        case Leaf(names=names):
            return Band((member.only(names),), True, tree)
        case Sequence(children=children):
            return sequence(_push(child, member) for child in children)
        case Allocate(child=child):
            return replace(tree, child=_push(child, member))
        case Band(members=members, child=child):
            if isinstance(child, Leaf):
                return Band((*members, member.only(child.names)), False, child)
            return replace(tree, child=_push(child, member))
        case _:
            assert_never(tree)
