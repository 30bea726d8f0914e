"""Exact dependences between statement instances.

flow: a write and a read that sees its value. anti: a read and the next write to the same element. output: a write and the next one.
A may-write is the source of a dependence but hides no earlier write. Together they order every pair of accesses that must stay in order
(transitively), which is what scheduling and the legality check need.
"""

from __future__ import annotations

from dataclasses import dataclass

import islpy as isl

from setuptools_polyopt.polyhedral.scop import Scop


@dataclass(frozen=True, eq=False)
class Dependences:
    """Maps `{ S[i] -> T[j] }` from the instance that comes first to the one that depends on it."""

    flow: isl.UnionMap
    anti: isl.UnionMap
    output: isl.UnionMap

    @property
    def all(self) -> isl.UnionMap:
        return self.flow.union(self.anti).union(self.output).coalesce()


def dependences(scop: Scop) -> Dependences:
    """All dependences of a scop in program order."""
    return Dependences(flow(scop, scop.reads), _anti(scop), _output(scop))


def flow(scop: Scop, reads: isl.UnionMap) -> isl.UnionMap:
    """From the last writes to the reads that see them, for the given reads."""
    info = isl.UnionAccessInfo.from_sink(reads).set_must_source(scop.must_writes).set_may_source(scop.may_writes)
    result = info.set_schedule_map(scop.schedule).compute_flow()
    return result.get_may_dependence().coalesce()


def unwritten(scop: Scop) -> isl.UnionMap:
    """The reads that (perhaps) see what was there before the kernel."""
    info = isl.UnionAccessInfo.from_sink(scop.reads).set_must_source(scop.must_writes).set_may_source(scop.may_writes)
    return info.set_schedule_map(scop.schedule).compute_flow().get_may_no_source().coalesce()


def _anti(scop: Scop) -> isl.UnionMap:
    writes = scop.must_writes.union(scop.may_writes)
    info = isl.UnionAccessInfo.from_sink(writes).set_may_source(scop.reads).set_kill(scop.must_writes)
    return info.set_schedule_map(scop.schedule).compute_flow().get_may_dependence().coalesce()


def _output(scop: Scop) -> isl.UnionMap:
    writes = scop.must_writes.union(scop.may_writes)
    info = isl.UnionAccessInfo.from_sink(writes).set_must_source(scop.must_writes).set_may_source(scop.may_writes)
    return info.set_schedule_map(scop.schedule).compute_flow().get_may_dependence().coalesce()
