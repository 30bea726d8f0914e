"""Accumulations whose order does not matter get partial results, one for each iteration of a loop, which is then parallel.

    found = 0                                          found = 0
    for i in 0..n:                                     for i in 0..n:
      for j in 0..m:                                     part = 0
        if a[i, j] > t: found = found +! 1       ->      for j in 0..m:
                                                           if a[i, j] > t: part = part +! 1
                                                         parts[i] = part
                                                       for i in 0..n: found = found +! parts[i]

Before scheduling, for nests: the outermost loops that carry nothing else. Loops without inner ones are cut into blocks afterwards
(`blocks`), because isl sees through a block and takes it back. The partial results are combined in the order of the loop, so that the
operations (`accumulators` says which) need only be associative.

Kernel in, kernel out; both are in program order. Non-goal: loops whose bounds depend on loops outside or on data.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

import islpy as isl

from setuptools_polyopt.ir.dtypes import DType
from setuptools_polyopt.ir.expressions import Binary, Expr, Sym, integer
from setuptools_polyopt.ir.kernel import Kernel
from setuptools_polyopt.ir.statements import Block, For, If, Stmt, walk
from setuptools_polyopt.ir.visitors import assigns, loads, symbols
from setuptools_polyopt.polyhedral import accesses
from setuptools_polyopt.polyhedral.accumulators import Accumulator, accumulators, elements
from setuptools_polyopt.polyhedral.dependences import carried, dependences
from setuptools_polyopt.polyhedral.partials import Place, Temporaries, with_parts
from setuptools_polyopt.polyhedral.scop import Scop
from setuptools_polyopt.polyhedral.simplify import simplify

_MANY = 2**63
"""Terms of a row, of which nothing is known."""


def partial_results(kernel: Kernel, scop: Scop, deps: isl.UnionMap, names: Mapping[str, Collection[str]]) -> Kernel:
    """The kernel with partial results where they make nests parallel; the same object where there are none.

    scop: the kernel's, perhaps with temporaries expanded; names: what the scop calls an array of the kernel, where that differs. deps: all
    dependences of the scop.
    """
    made = _Made(kernel, scop, deps, names, Temporaries(kernel))
    body = made.block(kernel.body)
    return replace(kernel, arrays=(*kernel.arrays, *made.temporaries.added), body=body) if made.temporaries.added else kernel


@dataclass
class _Made:
    """Rewrites loops by their number in the order of the text, as extraction counts them."""

    kernel: Kernel
    scop: Scop
    deps: isl.UnionMap
    names: Mapping[str, Collection[str]]
    temporaries: Temporaries
    count: int = 0

    def block(self, body: Block) -> Block:
        return tuple(new for item in body for new in self.statement(item))

    def statement(self, item: Stmt) -> Block:
        match item:
            case For():
                self.count += 1
                found = self.found(item)
                if found is None:
                    return (replace(item, body=self.block(item.body)),)
                self.count += sum(isinstance(inner, For) for inner in walk(item.body))
                return self.rows(item, found) if found else (item,)
            case If():
                then = self.block(item.body)
                return (replace(item, body=then, orelse=self.block(item.orelse)),)
            case _:
                return (item,)

    def found(self, loop: For) -> tuple[Accumulator, ...] | None:
        """What is to have partial results so that the loop carries nothing; empty where it needs none, None where that is not enough."""
        inside = [s for s in self.scop.statements if self.count in s.loops]
        if not inside:
            return ()
        level = inside[0].loops.index(self.count)
        if not is_nest(loop) or carried(inside, level, self.deps).is_empty():
            return ()
        found = accumulators(loop)
        if not found or not has_fixed_range(loop, self.kernel):
            return None
        arrays = {load.array for each in found for load in elements(each)}
        rest = without(self.scop, self.count, arrays.union(*(self.names.get(name, ()) for name in arrays)))
        return found if carried(rest.statements, level, dependences(rest).all).is_empty() else None

    def rows(self, loop: For, found: tuple[Accumulator, ...]) -> Block:
        """A partial result for each iteration."""
        up = loop.step > 0
        first, end = (loop.lower, loop.upper) if up else (plus(loop.upper, integer(1)), plus(loop.lower, integer(1)))
        extent = simplify(Binary("max", minus(end, first), integer(0), DType.INT64))
        span = assigns(loop.body)[0].span
        return with_parts(loop, found, Place(self.temporaries, extent, minus(Sym(loop.var), first), _MANY, span))


def is_nest(loop: For) -> bool:
    """Whether there are loops inside."""
    return any(isinstance(item, For) for item in walk(loop.body))


def has_fixed_range(loop: For, kernel: Kernel) -> bool:
    """Whether the iterations are the same for the whole kernel, and known before it."""
    params = {param.name for param in kernel.params}
    return not any(loads(bound) or symbols(bound) - params for bound in (loop.lower, loop.upper))


def without(scop: Scop, loop: int, arrays: Collection[str]) -> Scop:
    """The statements of a loop alone, without their accesses of some arrays."""
    inside = tuple(
        replace(s, accesses=tuple(a for a in s.accesses if a.load.array not in arrays)) for s in scop.statements if loop in s.loops
    )
    reads, must, may = accesses.unions(scop.context.get_ctx(), [(s.domain, s.accesses) for s in inside])
    return replace(scop, statements=inside, reads=reads, must_writes=must, may_writes=may)


def plus(left: Expr, right: Expr) -> Expr:
    """A sum of positions."""
    return simplify(Binary("add", left, right, DType.INT64))


def minus(left: Expr, right: Expr) -> Expr:
    """A difference of positions."""
    return simplify(Binary("sub", left, right, DType.INT64))
