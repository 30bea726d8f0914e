"""Values that the next iterations read stay in registers.

    for j in 1..m:                                  if 1 < m:
      a[i, j] = f * a[i, j] + g * a[i, j - 1]         a_last = a[i, 0]
                                                      for j in 1..m:
                                                        a_now = f * a[i, j] + g * a_last
                                                        a[i, j] = a_now
                                                        a_last = a_now

Otherwise each iteration waits for the store of the one before it to come back from memory, twice as long as for the sum itself.
Compilers do this where they see that no other store comes between; here subscripts say so that differ by a constant, such as those of
rows that run side by side. Legal where every iteration stores the element, no other store of the loop may reach it before the last
read, and all reads come before the store or are its own.

Non-goals: loops with conditions around the store, values that more than three iterations separate from their read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import count

from setuptools_polyopt.codegen import affine
from setuptools_polyopt.codegen.storage import disjoint
from setuptools_polyopt.ir.dtypes import DType
from setuptools_polyopt.ir.expressions import Binary, Compare, Expr, Load, Select, Sym, integer
from setuptools_polyopt.ir.kernel import Array, Kernel, Role
from setuptools_polyopt.ir.statements import Alloc, Assign, Block, For, If, Serial, Stmt, While
from setuptools_polyopt.ir.visitors import (
    assigns,
    children,
    loads,
    map_expr,
    map_statement_exprs,
    own_loads,
    substitute,
    symbols,
)

FARTHEST = 3
"""Iterations between a store and the read of its value."""


def rotate(kernel: Kernel) -> Kernel:
    """The kernel with such values in scalars; the same object where there are none."""
    made = _Made(kernel)
    body = made.block(kernel.body)
    return replace(kernel, arrays=(*kernel.arrays, *made.arrays), body=body) if made.arrays else kernel


@dataclass
class _Made:
    kernel: Kernel
    arrays: list[Array] = field(default_factory=list)

    def block(self, body: Block) -> Block:
        return tuple(self.statement(item) for item in body)

    def statement(self, item: Stmt) -> Stmt:
        match item:
            case For(kind="serial") if all(isinstance(part, Assign | Alloc) for part in item.body):
                found = {number: back for number in range(len(item.body)) if (back := _read_again(item, number, self.kernel))}
                return self.rotated(item, found) if found else item
            case For() | Serial() | While():
                return replace(item, body=self.block(item.body))
            case If():
                return replace(item, body=self.block(item.body), orelse=self.block(item.orelse))
            case _:
                return item

    def rotated(self, loop: For, found: Mapping[int, Mapping[Load, int]]) -> If:
        """found: for the position of a store, the reads of its earlier values and how many iterations earlier each is."""
        first: list[Stmt] = []
        last: list[Stmt] = []
        scalars: dict[int, list[Load]] = {}
        table: dict[Load, Load] = {}
        for position, reads in found.items():
            store = loop.body[position]
            if isinstance(store, Assign):
                values = [self.scalar(store.target, "now")]
                values += [self.scalar(store.target, "last") for _ in range(max(reads.values()))]
                scalars[position] = values
                first += [Alloc(value.array) for value in values[1:]]
                first += [Assign(value, _earlier(store.target, loop, back, loop.lower)) for back, value in enumerate(values) if back]
                last += [Assign(values[back], values[back - 1]) for back in range(len(values) - 1, 0, -1)]
                table |= {load: values[back] for load, back in reads.items()}

        def in_registers(expr: Expr) -> Expr:
            return map_expr(expr, lambda node: table.get(node, node) if isinstance(node, Load) else node)

        body: list[Stmt] = []
        for position, item in enumerate(loop.body):
            item = map_statement_exprs(item, in_registers)
            if position in scalars and isinstance(item, Assign):
                value = scalars[position][0]
                body += [Alloc(value.array), replace(item, target=value), replace(item, value=value, label="")]
            else:
                body.append(item)
        return If(Compare("lt", loop.lower, loop.upper), (*first, replace(loop, body=(*body, *last))))

    def scalar(self, element: Load, stem: str) -> Load:
        """A variable for an element."""
        taken = {array.name for array in (*self.kernel.arrays, *self.arrays)}
        name = next(name for name in map(f"{element.array}_{stem}{{}}".format, count(1)) if name not in taken)
        self.arrays.append(Array(name, element.dtype, (), Role.TEMPORARY))
        return Load(name, (), element.dtype)


def _earlier(target: Load, loop: For, back: int, at: Expr | None = None) -> Load:
    """The element that the loop has stored some iterations before the present one, or before the one given."""
    then = affine.plus(at or Sym(loop.var), integer(-back * loop.step))
    return replace(target, indices=tuple(affine.tidy(substitute(index, {loop.var: then})) for index in target.indices))


def _read_again(loop: For, position: int, kernel: Kernel) -> dict[Load, int]:
    """The reads of what the statement at a position has stored in earlier iterations; empty where that cannot be relied on."""
    store = loop.body[position]
    if not isinstance(store, Assign) or store.target.dtype is DType.BOOL or not _moves(store.target, loop):
        return {}
    target = store.target
    reads = {}
    for number, item in enumerate(loop.body):
        certain = set(_certain(item.value)) if isinstance(item, Assign) else set()
        for load in own_loads(item):
            back = next((k for k in range(1, FARTHEST + 1) if _same(load, _earlier(target, loop, k))), 0)
            if back and (number > position or load not in certain):
                return {}
            if back:
                reads[load] = back
    others = [item.target for item in assigns(loop.body) if item is not store and item.target.indices]
    return reads if all(_never_meet(other, target, loop, kernel) for other in others) else {}


def _certain(expr: Expr) -> Iterator[Load]:
    """The reads that happen whatever the data are: before the loop, too, they stay within the array."""
    match expr:
        case Select(cond=cond):
            yield from _certain(cond)
        case Binary(op="and" | "or", left=left):
            yield from _certain(left)
        case _:
            if isinstance(expr, Load):
                yield expr
            for child in children(expr):
                yield from _certain(child)


def _moves(target: Load, loop: For) -> bool:
    """Whether the element is another one in each iteration, at a place that nothing in the loop decides."""
    changing = {item.target.array for item in assigns(loop.body)}
    if target.array in {item.array for item in loop.body if isinstance(item, Alloc)}:
        return False
    slopes = [affine.step(index, loop.var) for index in target.indices]
    if None in slopes or any(loads(index) or symbols(index) & changing for index in target.indices):
        return False
    return any(slope != affine.ZERO for slope in slopes)


def _same(a: Load, b: Load) -> bool:
    return a.array == b.array and all(affine.distance(x, y) == 0 for x, y in zip(a.indices, b.indices, strict=True))


def _never_meet(a: Load, b: Load, loop: For, kernel: Kernel) -> bool:
    """Whether two elements stay apart, whatever the iterations: along an axis that the loop does not follow."""
    if a.array != b.array:
        return disjoint(kernel, a.array, b.array)
    still = ((x, y) for x, y in zip(a.indices, b.indices, strict=True) if affine.step(y, loop.var) == affine.ZERO)
    return any(affine.distance(x, y) for x, y in still)
