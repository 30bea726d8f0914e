"""Independent iterations side by side: a parallel loop whose inner loops wait for their own results.

    for i in 0..n parallel:                    for i in 0..n by 8 parallel:
      for j in 1..m:                             if i + 8 <= n:
        a[i, j] = f * a[i, j - 1]                  for j in 1..m:
                                                     a[i, j] = f * a[i, j - 1]
                                                     a[i + 1, j] = f * a[i + 1, j - 1]
                                                     ...
                                                 else: for each row: ...

One row is a chain of operations, each of which waits some cycles for the last; eight rows keep the processor busy meanwhile. Always legal:
iterations of a parallel loop are independent, and those of a serial one are where its subscripts show it. Scalars that live inside the
loop get a copy for each row. Non-goals: loops that hold vector loops (they are busy), inner loops whose bounds depend on the row or on
data, temporaries with extents.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from setuptools_polyopt.codegen import affine
from setuptools_polyopt.codegen.storage import disjoint
from setuptools_polyopt.exhaustive import assert_never
from setuptools_polyopt.ir.dtypes import DType
from setuptools_polyopt.ir.expressions import Binary, Call, Compare, Const, Expr, Load, Reduce, Sym, integer
from setuptools_polyopt.ir.kernel import Array, Kernel
from setuptools_polyopt.ir.statements import Alloc, Assign, Block, Break, Continue, For, If, Serial, Stmt, While, walk
from setuptools_polyopt.ir.visitors import (
    assigns,
    loads,
    map_block_exprs,
    map_expr,
    own_loads,
    substitute,
    symbols,
    walk_expr,
)

MOST, FEW = 8, 4
"""Copies of small and of larger bodies."""
_SMALL, _LARGE = 5, 10
"""Accesses of memory of a body that is small, and of the largest that is copied: beyond, registers run out."""


def interleave(kernel: Kernel) -> Kernel:
    """The kernel with independent rows side by side where that helps; the same object where it does not."""
    made = _Interleaver(kernel)
    body = made.block(kernel.body)
    return kernel if body == kernel.body else replace(kernel, arrays=(*kernel.arrays, *made.arrays), body=body)


@dataclass
class Copies:
    """Copies of the iterations of loops, and the scalars that they gain."""

    kernel: Kernel
    arrays: list[Array] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.names = {array.name for array in self.kernel.arrays} | {param.name for param in self.kernel.params}
        self.names |= {item.var for item in walk(self.kernel.body) if isinstance(item, For)}

    def copies(self, loop: For, count: int) -> list[Block]:
        """The loop's body for its iterator and those that follow."""
        local = [item.array for item in walk(loop.body) if isinstance(item, Alloc)]
        copies = [_shifted(loop.body, loop.var, 0)]
        for number in range(1, count):
            own = {name: self.twin(name, number) for name in local}
            copies.append(_renamed(_shifted(loop.body, loop.var, number), own))
        return copies

    def in_steps(self, loop: For, count: int, together: Block) -> For:
        """The loop in steps of `count`: all at once, or what is left over one by one."""
        row = self.fresh(f"{loop.var}_row")
        after = affine.plus(Sym(loop.var), integer(count))
        rest = replace(
            loop,
            var=row,
            lower=Sym(loop.var),
            upper=Binary("min", loop.upper, after, DType.INT64),
            kind="serial",
            body=map_block_exprs(loop.body, lambda expr: substitute(expr, {loop.var: Sym(row)})),
        )
        whole = If(Compare("le", after, loop.upper), together, (rest,))
        note = ", ".join(part for part in (loop.note, f"{count} at once") if part)
        return replace(loop, step=count, body=(whole,), note=note)

    def twin(self, name: str, number: int) -> str:
        """A scalar of the same type as another one."""
        found = self.fresh(f"{name}_{number}")
        self.arrays.append(replace(self.kernel.array(name), name=found))
        return found

    def fresh(self, wanted: str) -> str:
        """A name that nothing has."""
        name, number = wanted, 2
        while name in self.names:
            name, number = f"{wanted}_{number}", number + 1
        self.names.add(name)
        return name


class _Interleaver(Copies):
    def block(self, body: Block) -> Block:
        return tuple(self.statement(item) for item in body)

    def statement(self, item: Stmt) -> Stmt:
        match item:
            case For():
                apart = item.step == 1 and (item.kind == "parallel" or _independent(item, self.kernel))
                count = _count(item, self.kernel) if apart else 1
                if count > 1:
                    return self.in_steps(item, count, _together(self.copies(item, count)))
                return replace(item, body=self.block(item.body))
            case If():
                return replace(item, body=self.block(item.body), orelse=self.block(item.orelse))
            case Serial() | While():
                return replace(item, body=self.block(item.body))
            case Assign() | Alloc() | Break() | Continue():
                return item
            case _:
                assert_never(item)


def _count(loop: For, kernel: Kernel) -> int:
    """How many iterations to run side by side (1: none)."""
    inner = [item for item in walk(loop.body) if isinstance(item, For)]
    chains = [item for item in inner if not any(isinstance(part, For) for part in walk(item.body))]
    changing = {item.target.array for item in assigns(loop.body)} | {loop.var}
    if not chains or not all(_is_plain(item, changing) for item in inner) or not all(_carries(item) for item in chains):
        return 1
    if any(isinstance(item, Serial) or (isinstance(item, Alloc) and kernel.array(item.array).rank) for item in walk(loop.body)):
        return 1
    if any(isinstance(node, Call | Reduce) for item in walk(loop.body) for expr in _expressions(item) for node in walk_expr(expr)):
        return 1
    accesses = max(len(_accesses(item.body)) for item in chains)
    return MOST if accesses <= _SMALL else FEW if accesses <= _LARGE else 1


def _independent(loop: For, kernel: Kernel) -> bool:
    """Whether the subscripts alone show that no iteration of a serial loop meets another: whatever is written and outlives the iteration is
    accessed through one subscript only, which names other elements for each of them."""
    if loop.kind != "serial" or loads(loop.lower) or loads(loop.upper):
        return False
    if any(isinstance(item, Break | Continue | While) for item in walk(loop.body)):
        return False  # an iteration may be the last one, or end early
    local = {item.array for item in walk(loop.body) if isinstance(item, Alloc)}
    inner = [item.var for item in walk(loop.body) if isinstance(item, For)]
    targets = {item.target for item in assigns(loop.body) if item.target.array not in local}
    written = {target.array for target in targets}
    read = {load for item in walk(loop.body) for load in own_loads(item)}
    if len(written) != len(targets) or any(load.array in written and load not in targets for load in read):
        return False
    others = {load.array for load in (*read, *targets)} - local
    apart = all(one == other or disjoint(kernel, one, other) for one in written for other in others)
    return apart and all(any(moves_with(index, loop.var, inner) for index in target.indices) for target in targets)


def moves_with(index: Expr, var: str, others: Sequence[str]) -> bool:
    """Whether a subscript moves with an iterator, and with it alone."""
    slope = affine.step(index, var)
    return isinstance(slope, Const) and slope != affine.ZERO and all(affine.step(index, other) == affine.ZERO for other in others)


def _is_plain(loop: For, changing: set[str]) -> bool:
    """Whether a loop runs alike for all rows."""
    ends = symbols(loop.lower) | symbols(loop.upper)
    return loop.kind == "serial" and not ends & changing and not loads(loop.lower) and not loads(loop.upper)


def _carries(loop: For) -> bool:
    """Whether a loop may wait for its last iteration: it reads an array that it writes."""
    return bool({item.target.array for item in assigns(loop.body)} & _read(loop.body))


def _read(body: Block) -> set[str]:
    return {load.array for item in walk(body) for load in own_loads(item)}


def _expressions(item: Stmt) -> tuple[Expr, ...]:
    match item:
        case Assign(value=value):
            return (value,)
        case If(cond=cond):
            return (cond,)
        case _:
            return ()


def _accesses(body: Block) -> set[Load]:
    """The different elements that a body reads or writes."""
    found = {load for item in walk(body) for load in own_loads(item) if load.indices}
    return found | {item.target for item in assigns(body) if item.target.indices}


def _shifted(body: Block, var: str, number: int) -> Block:
    position = affine.plus(Sym(var), integer(number))
    return map_block_exprs(body, lambda expr: substitute(expr, {var: position})) if number else body


def _renamed(body: Block, names: Mapping[str, str]) -> Block:
    """The body with other names for its scalars."""

    def expression(expr: Expr) -> Expr:
        return map_expr(expr, lambda node: replace(node, array=names.get(node.array, node.array)) if isinstance(node, Load) else node)

    return _allocating(map_block_exprs(body, expression), names)


def _allocating(body: Block, names: Mapping[str, str]) -> Block:
    def statement(item: Stmt) -> Stmt:
        match item:
            case Alloc(array=name):
                return Alloc(names.get(name, name))
            case For():
                return replace(item, body=_allocating(item.body, names))
            case If():
                return replace(item, body=_allocating(item.body, names), orelse=_allocating(item.orelse, names))
            case Assign() | Serial() | While() | Break() | Continue():
                return item
            case _:
                assert_never(item)

    return tuple(statement(item) for item in body)


def _together(copies: Sequence[Block]) -> Block:
    """Copies of one block, statement by statement; loops run once for all."""
    result: list[Stmt] = []
    for same in zip(*copies, strict=True):
        first = same[0]
        if isinstance(first, For):
            result.append(replace(first, body=_together([item.body for item in same if isinstance(item, For)])))
        else:
            result += same
    return tuple(result)
