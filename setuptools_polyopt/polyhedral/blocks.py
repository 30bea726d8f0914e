"""Serial loops that only accumulate, in parallel blocks with a partial result each.

    for i in 0..n:                                     for b in 0..(n + 4095) // 4096 parallel:
      if a[i] > t: found = found +! 1            ->      part = 0
                                                         for i in 4096 * b..min(n, 4096 * b + 4096):
                                                           if a[i] > t: part = part + 1
                                                         parts[b] = part
                                                       for b in 0..(n + 4095) // 4096: found = found +! parts[b]

After scheduling, for loops without inner ones that lie in no parallel loop; nests have had theirs before (`reductions`). The order of
the terms and what may be accumulated are the same as there. In a block a count cannot overflow, so compilers make vectors of it.

Scheduled kernel in, scheduled kernel out. Non-goals: loops whose bounds depend on loops outside or on data, steps other than one.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace

from setuptools_polyopt.ir.dtypes import DType
from setuptools_polyopt.ir.expressions import Binary, Sym, integer
from setuptools_polyopt.ir.kernel import Kernel, Param
from setuptools_polyopt.ir.statements import Alloc, Block, For, If, Stmt, walk
from setuptools_polyopt.ir.visitors import arrays_used, assigns
from setuptools_polyopt.polyhedral.accumulators import Accumulator, accumulators, elements
from setuptools_polyopt.polyhedral.dependences import carried, dependences
from setuptools_polyopt.polyhedral.limits import TooIntricate, bounded
from setuptools_polyopt.polyhedral.partials import Place, Temporaries, with_parts
from setuptools_polyopt.polyhedral.reductions import has_fixed_range, is_nest, minus, plus, without
from setuptools_polyopt.polyhedral.scop import extract
from setuptools_polyopt.polyhedral.simplify import simplify

BLOCK = 4096
"""Iterations of a block: some microseconds of work."""

GPU_BLOCK = 256
"""The same where each block is a thread of a GPU, of which there have to be many."""

_FAR = 2**40
"""No iterator of a loop outside is further from zero."""


def in_blocks(kernel: Kernel, leave: frozenset[str], max_operations: int, size: int = BLOCK) -> Kernel:
    """The kernel with such loops in blocks; the same object where there are none.

    leave: arrays whose readers stay as they are. max_operations: of isl, for one loop. size: iterations of a block.
    """
    made = _Made(kernel, leave, max_operations, Temporaries(kernel), size)
    body = made.block(kernel.body, ())
    return replace(kernel, arrays=(*kernel.arrays, *made.temporaries.added), body=body) if made.temporaries.added else kernel


@dataclass(frozen=True)
class _Made:
    kernel: Kernel
    leave: frozenset[str]
    max_operations: int
    temporaries: Temporaries
    size: int

    def block(self, body: Block, around: tuple[str, ...]) -> Block:
        return tuple(new for item in body for new in self.statement(item, around))

    def statement(self, item: Stmt, around: tuple[str, ...]) -> Block:
        match item:
            case For(kind="serial") if is_nest(item):
                return (replace(item, body=self.block(item.body, (*around, item.var))),)
            case For(kind="serial", step=1) if has_fixed_range(item, self.kernel) and not self.leave & arrays_used((item,)):
                found = accumulators(item)
                return self.blocks(item, found) if found and self.carries_no_more(item, found, around) else (item,)
            case If():
                return (replace(item, body=self.block(item.body, around), orelse=self.block(item.orelse, around)),)
            case _:
                return (item,)

    def carries_no_more(self, loop: For, found: tuple[Accumulator, ...], around: tuple[str, ...]) -> bool:
        """Whether the loop is parallel but for its accumulators, with a memory of its own for what is allocated inside."""
        outer = (Param(var, -_FAR, _FAR) for var in around)
        alone = extract(replace(self.kernel, params=(*self.kernel.params, *outer), body=(loop,)))
        own = {item.array for item in walk(loop.body) if isinstance(item, Alloc)}
        rest = without(alone, 1, own | {load.array for each in found for load in elements(each)})
        with suppress(TooIntricate), bounded(alone.context.get_ctx(), self.max_operations):
            return bool(carried(rest.statements, 0, dependences(rest).all).is_empty())
        return False

    def blocks(self, loop: For, found: tuple[Accumulator, ...]) -> Block:
        count = Binary("floordiv", plus(minus(loop.upper, loop.lower), integer(self.size - 1)), integer(self.size), DType.INT64)
        extent = simplify(Binary("max", count, integer(0), DType.INT64))
        var = self.temporaries.unused(f"{loop.var}_block")
        start = plus(loop.lower, Binary("mul", integer(self.size), Sym(var), DType.INT64))
        inner = replace(loop, lower=start, upper=Binary("min", loop.upper, plus(start, integer(self.size)), DType.INT64))
        known = len(self.temporaries.added)
        place = Place(self.temporaries, self.size * len(assigns(loop.body)), assigns(loop.body)[0].span, extent, Sym(var))
        parted = with_parts((inner,), found, place)
        work = For(var, integer(0), simplify(count), 1, (*parted.start, *parted.body, *parted.keep), "parallel", span=loop.span)
        combine = replace(work, body=parted.combine, kind="serial")
        added = self.temporaries.added[known:]
        kept = tuple(Alloc(array.name) for array in added if array.rank)
        first, last = (
            tuple(Alloc(array.name) for array in added if not array.rank and array.name in arrays_used((part,))) for part in (work, combine)
        )
        return (*kept, replace(work, body=(*first, *work.body)), replace(combine, body=(*last, *combine.body)))
