"""The loops of a schedule spread over the threads of a GPU.

A GPU wants many independent iterations rather than few long ones: every loop that carries no dependence is parallel, down to the first one
that does. The contiguous loop comes last of them (neighbouring threads then touch neighbouring elements); loops that carry something
run inside a thread, or around launches where the parallel ones are inside them. There are no tiles, blocks or vector loops.

    for i: for j: for k: C[i, j] += ...        for i parallel: for j parallel: for k: C[i, j] += ...
    for i: (for j: t[i, j] = ...)              for i parallel: for j parallel: t[i, j] = ...
           (for j: ... t[i, j] ...)       ->   for i parallel: for j parallel: ... t[i, j] ...

Where every loop of a permutable band carries something, a loop through its diagonals takes the place of the first one (a wavefront). What
is on a diagonal is parallel, and each diagonal a launch:

    for i: for j: a[i, j] = a[i - 1, j] + a[i, j - 1]   ->   for wave: for j parallel: a[wave - j, j] = ...

A parallel loop around several nests is distributed over them where one of them has parallel loops of its own: each becomes a launch. So
are the statements of a loop that is not parallel only because one of them needs what another one computes:

    for k: for i parallel:                      for k: (for i parallel: A[i, k] /= A[k, k])
        for j from k: if j = k: A[i, k] /= ...    ->   (for i parallel: for j from k + 1 parallel: A[i, j] -= ...)
                      else: A[i, j] -= A[i, k] * ...
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import islpy as isl

from setuptools_polyopt.exhaustive import assert_never
from setuptools_polyopt.polyhedral.distribute import in_order, is_still
from setuptools_polyopt.polyhedral.legality import domain_of
from setuptools_polyopt.polyhedral.marks import coincidence
from setuptools_polyopt.polyhedral.scop import Scop
from setuptools_polyopt.polyhedral.strides import cost
from setuptools_polyopt.polyhedral.tree import Allocate, Band, Leaf, Member, Tree, band, path, sequence
from setuptools_polyopt.polyhedral.tree import Sequence as Steps

ENOUGH = 2
"""Parallel loops around statements that are not worth taking apart for more of them."""


def spread(tree: Tree, scop: Scop, deps: isl.UnionMap, apart: bool, waves: bool = False) -> Tree:
    """The tree with its loops ordered, distributed and marked for a GPU. Coincidence must be known.

    deps: all dependences. apart: take statements apart where that gives more parallel loops. waves: run through permutable loops that all
    carry something in wavefronts.
    """
    tree = _entry_first(tree, scop, deps, waves)
    tree = _distribute(_separate(tree, scop, deps, ()) if apart else tree)
    return _mark(coincidence(tree, scop, deps), scop, ())


def parallelism(tree: Tree) -> tuple[int, int]:
    """How well a marked tree suits a GPU: statements under parallel loops, and the sum of how many parallel loops each has around it."""
    counts = [sum(member.kind == "parallel" for member in path(tree, name)) for name in tree.names]
    return sum(count > 0 for count in counts), sum(counts)


def _entry_first(tree: Tree, scop: Scop, deps: isl.UnionMap, waves: bool = False) -> Tree:
    """Permutable bands with the loops first that carry nothing at all, or else with a wavefront."""
    match tree:
        case Leaf() | Allocate():
            return tree
        case Steps(children=children):
            return sequence(_entry_first(child, scop, deps, waves) for child in children)
        case Band(members=members):
            domain = domain_of(tree, scop)
            deps = deps.intersect_domain(domain).intersect_range(domain)
            if tree.permutable:
                free = [m for m in members if deps.is_subset(deps.eq_at_multi_union_pw_aff(m.union()))]
                members = (*(replace(m, coincident=True) for m in free), *(m for m in members if m not in free))
                if waves and not free and len(members) > 1:
                    members = (_wave(members), *(replace(m, coincident=True) for m in members[1:]))
            for member in members:
                deps = deps.eq_at_multi_union_pw_aff(member.union())
            return replace(tree, members=members, child=_entry_first(tree.child, scop, deps, waves))
        case _:
            assert_never(tree)


def _wave(members: Sequence[Member]) -> Member:
    """The sum of the loops of a permutable band, in none of which a dependence runs backwards: it carries all that the band carries."""
    dates = dict(members[0].dates)
    for member in members[1:]:
        dates = {name: date.add(member.dates[name]) for name, date in dates.items()}
    return Member(dates, False, "serial", "wavefront", "wave")


def _separate(tree: Tree, scop: Scop, deps: isl.UnionMap, outer: tuple[Member, ...]) -> Tree:
    """Statements that share a loop which carries something between them, but nothing within one of them, each in a loop of its own."""
    match tree:
        case Leaf() | Allocate():
            return tree
        case Steps(children=children):
            return sequence(_separate(child, scop, deps, outer) for child in children)
        case Band(members=members, child=child):
            domain = domain_of(tree, scop)
            deps = deps.intersect_domain(domain).intersect_range(domain)
            for position, member in enumerate(members):
                inside = deps.eq_at_multi_union_pw_aff(member.union())
                around = (*outer, *members[:position])
                if isinstance(child, Leaf) and not deps.is_subset(inside) and len(around) - _tail(around) < ENOUGH:
                    groups = in_order([(name,) for name in child.names], scop, deps)
                    if len(groups) > 1 and any(_is_free(member.only(group), scop, deps, around) for group in groups):
                        parts = (_part(members[position:], group, tree.permutable, scop, deps) for group in groups)
                        return band(members[:position], tree.permutable, sequence(parts))
                deps = inside
            return replace(tree, child=_separate(child, scop, deps, (*outer, *members)))
        case _:
            assert_never(tree)


def _is_free(member: Member, scop: Scop, deps: isl.UnionMap, outer: tuple[Member, ...]) -> bool:
    """Is it really a loop for its statements, and does it carry nothing between them?"""
    domain = domain_of(Leaf(tuple(member.dates)), scop)
    own = deps.intersect_domain(domain).intersect_range(domain)
    moves = not all(is_still(member, name, outer) for name in member.dates)
    return moves and bool(own.is_subset(own.eq_at_multi_union_pw_aff(member.union())))


def _part(members: Sequence[Member], group: tuple[str, ...], permutable: bool, scop: Scop, deps: isl.UnionMap) -> Tree:
    """One group's share of some loops."""
    part = Band(tuple(m.only(group) for m in members), permutable, Leaf(group))
    return _entry_first(coincidence(part, scop, deps), scop, deps)


def _distribute(tree: Tree) -> Tree:
    """Parallel loops pushed into the parts of what they hold, where that gives more parallel loops; nested ones become one band."""
    match tree:
        case Leaf() | Allocate():
            return tree
        case Steps(children=children):
            return sequence(_distribute(child) for child in children)
        case Band(members=members, child=child):
            child = _distribute(child)
            start = _tail(members)
            outer, run = members[:start], members[start:]
            if not run:
                return replace(tree, child=child)
            if isinstance(child, Steps) and any(_leads(part) for part in child.children):
                parts = sequence(_joined(tuple(m.only(part.names) for m in run), part, tree.permutable) for part in child.children)
                return band(outer, tree.permutable, parts)
            if isinstance(child, Band) and _leads(child):
                return band(outer, tree.permutable, _joined(run, child, tree.permutable))
            return replace(tree, child=child)
        case _:
            assert_never(tree)


def _tail(members: Sequence[Member]) -> int:
    """Where the run of coincident members at the end of a band begins."""
    start = len(members)
    while start and members[start - 1].coincident:
        start -= 1
    return start


def _leads(tree: Tree) -> bool:
    """Does a nest begin with a parallel loop?"""
    return isinstance(tree, Band) and tree.members[0].coincident


def _joined(run: tuple[Member, ...], child: Tree, permutable: bool) -> Tree:
    """Parallel loops around a nest, one band with those that the nest begins with."""
    if not isinstance(child, Band) or not child.members[0].coincident:
        return band(run, permutable, child)
    count = next((k for k, m in enumerate(child.members) if not m.coincident), len(child.members))
    return Band((*run, *child.members[:count]), True, band(child.members[count:], child.permutable, child.child))


def _mark(tree: Tree, scop: Scop, outer: tuple[Member, ...]) -> Tree:
    """The first run of coincident loops of every path made parallel, the contiguous one last."""
    match tree:
        case Leaf():
            return tree
        case Allocate(child=child):
            return replace(tree, child=_mark(child, scop, outer))
        case Steps(children=children):
            return sequence(_mark(child, scop, outer) for child in children)
        case Band(members=members):
            start = next((k for k, m in enumerate(members) if m.coincident), None)
            if start is None:
                return replace(tree, child=_mark(tree.child, scop, (*outer, *members)))
            end = next((k for k in range(start, len(members)) if not members[k].coincident), len(members))
            run = _contiguous_last(tree, start, end, scop, outer)
            return replace(tree, members=(*members[:start], *(replace(m, kind="parallel") for m in run), *members[end:]))
        case _:
            assert_never(tree)


def _contiguous_last(tree: Band, start: int, end: int, scop: Scop, outer: tuple[Member, ...]) -> tuple[Member, ...]:
    """The run of loops of a band with the one last along which accesses are cheapest."""
    run = tree.members[start:end]
    costs = [_cost(tree, position, scop, outer) for position in range(start, end)]
    known = [(value, -position) for position, value in enumerate(costs) if value is not None]
    if not known:
        return run
    chosen = -min(known)[1]
    return (*run[:chosen], *run[chosen + 1 :], run[chosen])


def _cost(tree: Band, position: int, scop: Scop, outer: tuple[Member, ...]) -> int | None:
    """Cost of the accesses of the deepest statements when the band's loop at `position` advances; None where it is not known."""
    deepest = max(len(scop.statement(name).iterators) for name in tree.names)
    total = 0
    for name in tree.names:
        if len(scop.statement(name).iterators) < deepest:
            continue
        loops = (*outer, *path(tree, name))
        rows = [row for row in (m.row(name) for m in loops) if row is not None]
        found = cost(scop.statement(name), scop, rows, len(outer) + position) if len(rows) == len(loops) else None
        if found is None:
            return None
        total += found
    return total
