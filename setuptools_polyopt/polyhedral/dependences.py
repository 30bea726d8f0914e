"""Exact dependences between statement instances.

flow: a write and a read that sees its value (a may-write is the source of a dependence but hides no earlier write). anti: a read and
any later write to the same element. output: a write and any later one. Flow is about values, for it decides what may be expanded and
contracted; for the other two, all pairs are much cheaper to compute than the nearest ones, and mean the same order.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import islpy as isl

from setuptools_polyopt.polyhedral.scop import Scop, Statement
from setuptools_polyopt.polyhedral.spaces import variable
from setuptools_polyopt.polyhedral.tree import Member


@dataclass(frozen=True, eq=False)
class Dependences:
    """Maps `{ S[i] -> T[j] }` from the instance that comes first to the one that depends on it."""

    flow: isl.UnionMap
    anti: isl.UnionMap
    output: isl.UnionMap

    @cached_property
    def all(self) -> isl.UnionMap:
        return self.flow.union(self.anti).union(self.output).coalesce()


def dependences(scop: Scop) -> Dependences:
    """All dependences of a scop in program order."""
    return Dependences(flow(scop), _anti(scop), _output(scop))


def flow(scop: Scop) -> isl.UnionMap:
    """From the last writes to the reads that see them."""
    return scop.seen.domain_factor_domain().coalesce()


def flow_through(array: str, scop: Scop) -> isl.UnionMap:
    """The part of the flow that goes through one array."""
    result = isl.UnionMap.empty(scop.seen.get_space())
    maps = scop.seen.get_map_list()
    for k in range(maps.n_map()):
        part = maps.get_at(k)
        if part.domain().unwrap().get_tuple_name(isl.dim_type.out) == array:
            result = result.union(isl.UnionMap.from_map(part.domain_factor_domain()))
    return result


def unwritten(scop: Scop) -> isl.UnionMap:
    """The reads that (perhaps) see what was there before."""
    written = _ordered(scop, scop.must_writes, scop.reads).reverse().apply_range(scop.must_writes)
    return scop.reads.subtract(written).coalesce()


def carried(inside: Sequence[Statement], level: int, deps: isl.UnionMap) -> isl.UnionMap:
    """The dependences that a loop carries. inside: its statements; level: how many loops are around it."""
    domain = isl.UnionSet.from_set(inside[0].domain)
    for s in inside[1:]:
        domain = domain.union(isl.UnionSet.from_set(s.domain))
    deps = deps.intersect_domain(domain).intersect_range(domain)
    for outer in range(level):
        deps = deps.eq_at_multi_union_pw_aff(_dates(inside, outer))
    return deps.subtract(deps.eq_at_multi_union_pw_aff(_dates(inside, level)))


def _dates(inside: Sequence[Statement], level: int) -> isl.MultiUnionPwAff:
    return Member({s.name: variable(s.space, s.iterators[level]) for s in inside}, False).union()


def _anti(scop: Scop) -> isl.UnionMap:
    return _ordered(scop, scop.reads, scop.must_writes.union(scop.may_writes))


def _output(scop: Scop) -> isl.UnionMap:
    writes = scop.must_writes.union(scop.may_writes)
    return _ordered(scop, writes, writes)


def _ordered(scop: Scop, first: isl.UnionMap, second: isl.UnionMap) -> isl.UnionMap:
    """Pairs of instances that touch one element, the first access before the second in program order."""
    return scop.in_order(first.apply_range(second.reverse())).coalesce()
