"""Contraction of temporaries, and where they are allocated.

A temporary whose values are used only within one iteration of some loops needs memory only for what one iteration holds. It is allocated
inside the innermost loops (and the innermost part of a sequence) that hold all its values' lives. A dimension whose index is fixed there is
dropped; one that stays within a window of constant size becomes that window:

    for i: for j: t[i, j] = a + b; o[i, j] = t[i, j] * c    ->   for i: for j: alloc t; t = a + b; o[i, j] = t * c
    for i: (for j: t[i, j] = ...) (for j: ... t[i, j])      ->   for i: alloc t[m]; (for j: t[j] = ...) (for j: ... t[j])

Lives are flow dependences, so the schedule must be legal already. Inside a parallel loop this also makes the temporary private.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import islpy as isl

from setuptools_polyopt.exhaustive import assert_never
from setuptools_polyopt.ir.expressions import Product, Reduce
from setuptools_polyopt.ir.kernel import Role
from setuptools_polyopt.ir.visitors import assigns, loads, walk_expr
from setuptools_polyopt.polyhedral.dependences import flow_through
from setuptools_polyopt.polyhedral.legality import domain_of
from setuptools_polyopt.polyhedral.scop import Scop
from setuptools_polyopt.polyhedral.spaces import Term, function_map, lower_bounds, project_range
from setuptools_polyopt.polyhedral.tree import Allocate, Band, Leaf, Member, Sequence, Tree, band, sequence


@dataclass(frozen=True)
class Window:
    """Index `i` of the whole array is `i - offset` of the window; a window of size 1 is no dimension at all. offset: by loop number
    (`@0` is the outermost) and parameter name, with the constant under `""`."""

    offset: Mapping[str, int]
    size: int


WIDEST = 2**32
"""Elements of the widest window; a wider one follows from nothing but the range that a parameter may have."""

Contraction = dict[str, tuple[Window | None, ...]]
"""Per array and dimension: its window, or None where the dimension stays as it is."""


def contract(tree: Tree, scop: Scop, flow: isl.UnionMap, shrink: bool = True) -> tuple[Tree, Contraction]:
    """The tree with `Allocate` nodes for every temporary in use, and how each is contracted.

    flow: the flow dependences. shrink: whether to contract at all (temporaries are allocated in any case, where a parallel loop needs
    them private or not at all).
    """
    result: Contraction = {}
    for array in scop.kernel.arrays:
        if array.role is not Role.TEMPORARY:
            continue
        users = frozenset(s.name for s in scop.statements if any(a.load.array == array.name for a in s.accesses))
        if not users:
            continue
        lives = _lives(array.name, users, scop, flow)
        tree, loops = _place(tree, array.name, users, scop, lives, ())
        loose = array.rank - _flat_axes(array.name, users, scop)
        windows = [_window(array.name, k, users, scop, loops) if shrink and k < loose else None for k in range(array.rank)]
        result[array.name] = tuple(windows)
    return tree, result


def _flat_axes(array: str, users: frozenset[str], scop: Scop) -> int:
    """How many of the last axes have to stay as they are: those that some reduction takes as one contiguous run of elements, all of what a
    library is given."""
    values = [item.value for name in users for item in assigns(scop.statement(name).body)]
    if any(isinstance(value, Product) and array in {load.array for load in loads(value)} for value in values):
        return scop.kernel.array(array).rank
    nodes = (node for value in values for node in walk_expr(value))
    counts = (len(node.ranges) for node in nodes if isinstance(node, Reduce) and node.body.array == array)
    return max((count for count in counts if count > 1), default=0)


def _lives(array: str, users: frozenset[str], scop: Scop, flow: isl.UnionMap) -> isl.UnionMap:
    """The flow dependences through the array."""
    domain = domain_of(Leaf(tuple(sorted(users))), scop)
    return flow.intersect_domain(domain).intersect_range(domain).intersect(flow_through(array, scop))


def _place(
    tree: Tree, array: str, users: frozenset[str], scop: Scop, lives: isl.UnionMap, loops: tuple[Member, ...]
) -> tuple[Tree, tuple[Member, ...]]:
    """Put the allocation as far in as possible; also the loops around it."""
    match tree:
        case Band(members=members, child=child):
            for position, member in enumerate(members):
                inside = lives.eq_at_multi_union_pw_aff(member.union())
                if not lives.is_subset(inside):
                    rest = Allocate((array,), band(members[position:], tree.permutable, child))
                    return band(members[:position], tree.permutable, rest), (*loops, *members[:position])
            below, around = _place(child, array, users, scop, lives, (*loops, *members))
            return replace(tree, child=below), around
        case Sequence(children=children):
            for position, child in enumerate(children):
                if users <= set(child.names):
                    below, around = _place(child, array, users, scop, lives, loops)
                    return sequence((*children[:position], below, *children[position + 1 :])), around
            return Allocate((array,), tree), loops
        case Allocate(arrays=arrays, child=child):
            below, around = _place(child, array, users, scop, lives, loops)
            if isinstance(below, Allocate) and len(around) == len(loops) and array in below.arrays:
                return Allocate((*arrays, *below.arrays), below.child), around
            return Allocate(arrays, below), around
        case Leaf():
            return Allocate((array,), tree), loops
        case _:
            assert_never(tree)


def _window(array: str, dim: int, users: frozenset[str], scop: Scop, loops: tuple[Member, ...]) -> Window | None:
    """The smallest constant window of the indices that one iteration of `loops` touches."""
    touched: isl.Set | None = None
    for statement in scop.statements:
        if statement.name not in users:
            continue
        dates = function_map(statement.space, None, [m.dates[statement.name] for m in loops])
        for access in statement.accesses:
            if access.load.array == array:
                inside = access.relation.intersect_domain(statement.domain)
                relation = dates.intersect_domain(statement.domain).reverse().apply_range(project_range(inside, dim))
                part = relation.wrap().flatten()
                touched = part if touched is None else touched.union(part)
    if touched is None:
        return None
    best: tuple[int, Term] | None = None
    for term, size in lower_bounds(touched.coalesce().compute_divs()):
        if size < (WIDEST if best is None else best[0]):
            best = (size, term)
    if best is None:
        return None
    return Window(best[1], best[0])
