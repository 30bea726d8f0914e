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

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import islpy as isl

from setuptools_polyopt.ir.dtypes import DType
from setuptools_polyopt.ir.expressions import Binary, Expr, Load, Sym, integer
from setuptools_polyopt.ir.kernel import Kernel
from setuptools_polyopt.ir.statements import Assign, Block, For, If, Serial, Stmt, walk
from setuptools_polyopt.ir.visitors import assigns, loads, symbols
from setuptools_polyopt.operators.intervals import bounds
from setuptools_polyopt.polyhedral import accesses
from setuptools_polyopt.polyhedral.accumulators import Accumulator, Total, accumulators, elements
from setuptools_polyopt.polyhedral.dependences import carried, dependences
from setuptools_polyopt.polyhedral.partials import Parted, Place, Temporaries, fits, with_parts
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
                self.count += sum(isinstance(inner, For) for inner in walk(item.body, serial=False))
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
        place = Place(self.temporaries, _MANY, assigns(loop.body)[0].span, extent, minus(Sym(loop.var), first))
        parted = with_parts(loop.body, found, place)
        body = (*parted.start, *self.apart(parted.body, parted.inside), *parted.keep)
        return replace(loop, body=body), replace(loop, body=parted.combine)

    def apart(self, body: Block, found: Sequence[Accumulator]) -> Block:
        """A block whose statements either accumulate or do something else, so that they can go into different loops; sums of an innermost
        loop that cannot overflow are not checked there."""
        result: list[Stmt] = []
        for item in body:
            targets = {part.target for part in assigns((item,))}
            mine = [each for each in found if targets.intersection(elements(each))]
            match item:
                case For():
                    result += self.inner(item, mine)
                case If() | Serial() if mine and targets.difference(*map(elements, mine)) and not _holds_loops(item):
                    parts = self.at_once((item,), mine)
                    result += [*parts.start, *parts.body, *parts.combine]
                case If():
                    result.append(replace(item, body=self.apart(item.body, mine), orelse=self.apart(item.orelse, mine)))
                case _:
                    result.append(item)
        return tuple(result)

    def inner(self, loop: For, found: Sequence[Accumulator]) -> Block:
        """A loop inside: sums that cannot overflow while it runs are checked behind it."""
        free = [
            each for each in found if isinstance(each, Total) and each.checked and fits(each, _terms((loop,), each.element))
        ]
        parts = self.at_once((loop,), free)
        inside = (*parts.inside, *(each for each in found if each not in free))
        inner = (replace(item, body=self.apart(item.body, inside)) if isinstance(item, For) else item for item in parts.body)
        return (*parts.start, *inner, *parts.combine)

    def at_once(self, body: Block, found: Sequence[Accumulator]) -> Parted:
        """A block with partial results that are combined behind it."""
        most = max((_terms(body, load) for each in found for load in elements(each)), default=0)
        return with_parts(body, found, Place(self.temporaries, most, assigns(body)[0].span))


def _terms(body: Block, element: Load) -> int:
    """How often a block assigns an element at most."""
    count = 0
    for item in body:
        match item:
            case Assign(target=target):
                count += target == element
            case For(lower=lower, upper=upper):
                count += max(bounds(minus(upper, lower))[1], 0) * _terms(item.body, element)
            case If():
                count += _terms(item.body, element) + _terms(item.orelse, element)
            case Serial():
                count += _MANY * any(part.target == element for part in assigns(item.body))
            case _:
                pass
    return count


def _holds_loops(item: Stmt) -> bool:
    return any(isinstance(part, For) for part in walk((item,), serial=False))


def is_nest(loop: For) -> bool:
    """Whether there are loops inside."""
    return any(isinstance(item, For | Serial) for item in walk(loop.body))


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
