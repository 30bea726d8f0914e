"""Does a schedule run every instance in an order that its dependences allow?

Independent of whoever made the schedule: it looks at the tree only. Dependences are followed down the tree; a loop must not run the
target of a dependence before its source, a parallel or vector loop must not carry one at all, a sequence and a leaf must put sources
first, and two instances of one statement that depend on each other must not share a date. Runs before any code is generated.
"""

from __future__ import annotations

from dataclasses import dataclass

import islpy as isl

from setuptools_polyopt.exhaustive import assert_never
from setuptools_polyopt.polyhedral.scop import Scop
from setuptools_polyopt.polyhedral.tree import Allocate, Band, Leaf, Sequence, Tree


@dataclass(frozen=True)
class Violation:
    """A dependence that a schedule breaks: why, and one pair of instances."""

    reason: str
    witness: str

    def __str__(self) -> str:
        return f"{self.reason}: {self.witness}"


def check(tree: Tree, scop: Scop, dependences: isl.UnionMap) -> Violation | None:
    """The first violation found, or None for a legal schedule that covers every statement once.

    dependences: `{ source -> target }`, all that must be kept.
    """
    expected = sorted(s.name for s in scop.statements)
    if sorted(tree.names) != expected:
        return Violation("statements are missing or doubled", f"{sorted(tree.names)} instead of {expected}")
    return _check(tree, scop, dependences)


def _check(tree: Tree, scop: Scop, deps: isl.UnionMap) -> Violation | None:
    match tree:
        case Leaf(names=names):
            return _leaf(names, scop, deps)
        case Sequence(children=children):
            return _sequence(children, scop, deps)
        case Band(members=members, child=child):
            for member in members:
                date = member.union()
                backward = deps.lex_gt_at_multi_union_pw_aff(date)
                if not backward.is_empty():
                    return _violation("a dependence runs backwards", backward)
                if member.kind != "serial":
                    carried = deps.lex_lt_at_multi_union_pw_aff(date)
                    if not carried.is_empty():
                        return _violation(f"a {member.kind} loop carries a dependence", carried)
                deps = deps.eq_at_multi_union_pw_aff(date)
            return _check(child, scop, deps)
        case Allocate(child=child):
            return _check(child, scop, deps)
        case _:
            assert_never(tree)


def _sequence(children: tuple[Tree, ...], scop: Scop, deps: isl.UnionMap) -> Violation | None:
    domains = [domain_of(child, scop) for child in children]
    before = isl.UnionSet.empty_ctx(scop.context.get_ctx())
    for child, domain in zip(children, domains, strict=True):
        backward = deps.intersect_domain(domain).intersect_range(before)
        if not backward.is_empty():
            return _violation("a sequence puts the target of a dependence first", backward)
        before = before.union(domain)
        found = _check(child, scop, deps.intersect_domain(domain).intersect_range(domain))
        if found is not None:
            return found
    return None


def _leaf(names: tuple[str, ...], scop: Scop, deps: isl.UnionMap) -> Violation | None:
    before = isl.UnionSet.empty_ctx(scop.context.get_ctx())
    for name in names:
        domain = isl.UnionSet.from_set(scop.statement(name).domain)
        backward = deps.intersect_domain(domain).intersect_range(before)
        if not backward.is_empty():
            return _violation("a leaf puts the target of a dependence first", backward)
        same = deps.intersect_domain(domain).intersect_range(domain).subtract(domain.identity())
        if not same.is_empty():
            return _violation("two dependent instances share a date", same)
        before = before.union(domain)
    return None


def domain_of(tree: Tree, scop: Scop) -> isl.UnionSet:
    """The instances of the statements of a tree."""
    domain = isl.UnionSet.empty_ctx(scop.context.get_ctx())
    for name in tree.names:
        domain = domain.union(isl.UnionSet.from_set(scop.statement(name).domain))
    return domain


def _violation(reason: str, broken: isl.UnionMap) -> Violation:
    return Violation(reason, broken.sample().to_str())
