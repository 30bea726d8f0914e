"""Which loops are parallel and which are vector loops.

`coincidence` finds out, for every loop of a tree, whether it carries a dependence. `mark` then makes the outermost loop of each path
that carries none parallel, and the innermost one a vector loop. Where they are one and the same, the loop is cut into blocks first: the
blocks are parallel, what is inside a block is a vector loop.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import islpy as isl

from setuptools_polyopt.exhaustive import assert_never
from setuptools_polyopt.polyhedral.legality import domain_of
from setuptools_polyopt.polyhedral.scop import Scop
from setuptools_polyopt.polyhedral.tree import Allocate, Band, Leaf, Member, Sequence, Tree, band, sequence

PARALLEL_BLOCK = 2048
"""Iterations of a lone vector loop that one parallel task runs: some microseconds of work, and a multiple of every vector length."""


def coincidence(tree: Tree, scop: Scop, deps: isl.UnionMap) -> Tree:
    """The same tree with every member's `coincident` set from the dependences."""
    match tree:
        case Leaf():
            return tree
        case Sequence(children=children):
            found = []
            for child in children:
                domain = domain_of(child, scop)
                found.append(coincidence(child, scop, deps.intersect_domain(domain).intersect_range(domain)))
            return sequence(found)
        case Band(members=members):
            result = []
            for member in members:
                together = deps.eq_at_multi_union_pw_aff(member.union())
                result.append(replace(member, coincident=bool(deps.is_subset(together))))
                deps = together
            return replace(tree, members=tuple(result), child=coincidence(tree.child, scop, deps))
        case Allocate(child=child):
            return replace(tree, child=coincidence(child, scop, deps))
        case _:
            assert_never(tree)


def coalesce(tree: Tree, scop: Scop, deps: isl.UnionMap) -> Tree:
    """Join nested bands into permutable ones: where no dependence runs backwards in an inner loop, whatever the outer one does."""
    match tree:
        case Leaf():
            return tree
        case Sequence(children=children):
            return sequence(coalesce(child, scop, _within(child, scop, deps)) for child in children)
        case Allocate(child=child):
            return replace(tree, child=coalesce(child, scop, deps))
        case Band(members=members):
            inside = deps
            for member in members:
                inside = inside.eq_at_multi_union_pw_aff(member.union())
            child = coalesce(tree.child, scop, inside)
            if not isinstance(child, Band) or not tree.permutable or not child.permutable:
                return replace(tree, child=child)
            if all(deps.lex_gt_at_multi_union_pw_aff(m.union()).is_empty() for m in child.members):
                return Band((*members, *child.members), True, child.child)
            return replace(tree, child=child)
        case _:
            assert_never(tree)


def _within(tree: Tree, scop: Scop, deps: isl.UnionMap) -> isl.UnionMap:
    domain = domain_of(tree, scop)
    return deps.intersect_domain(domain).intersect_range(domain)


def tile_member(member: Member, size: int, note: str = "tile") -> Member:
    """The loop over blocks of `size` iterations of a member (dates are the blocks' first dates)."""
    dates = {}
    for name, date in member.dates.items():
        value = isl.Val(size, date.get_ctx())
        dates[name] = date.scale_down_val(value).floor().scale_val(value)
    rows = {name: member.row(name) for name in member.dates}
    return replace(member, dates=dates, note=note, name=f"{member.name}_{note}" if member.name else "", kind="serial", rows=rows)


@dataclass(frozen=True)
class Marking:
    """What may be marked: parallel: make loops parallel."""

    parallel: bool = True
    vector: bool = True


def mark(tree: Tree, options: Marking) -> Tree:
    """Mark parallel and vector loops of a tree whose coincidence is known."""
    return _mark(tree, options, options.parallel)


def _mark(tree: Tree, options: Marking, parallel: bool) -> Tree:
    match tree:
        case Leaf():
            return tree
        case Sequence(children=children):
            return sequence(_mark(child, options, parallel) for child in children)
        case Band():
            return _mark_band(tree, options, parallel)
        case Allocate(child=child):
            return replace(tree, child=_mark(child, options, parallel))
        case _:
            assert_never(tree)


def _mark_band(tree: Band, options: Marking, parallel: bool) -> Tree:
    members: list[Member] = []
    innermost = isinstance(tree.child, Leaf)
    for position, member in enumerate(tree.members):
        last = innermost and position == len(tree.members) - 1
        vector = last and member.coincident and options.vector and member.kind == "serial"
        wanted = parallel and member.coincident
        if wanted and vector:
            blocks = replace(tile_member(member, PARALLEL_BLOCK, "block"), kind="parallel")
            members += [blocks, replace(member, kind="vector")]
        elif wanted:
            members.append(replace(member, kind="parallel"))
        elif vector:
            members.append(replace(member, kind="vector"))
        else:
            members.append(member)
        parallel = parallel and not wanted
    return band(members, tree.permutable, _mark(tree.child, options, parallel))
