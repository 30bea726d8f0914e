"""Elements that stay in a register while their loop runs.

    for k in i + 1..n:                         if i + 1 < n:
      x[i] = x[i] - f[i, k] * x[k]               x_register = x[i]
                                                 for k in i + 1..n: x_register = x_register - f[i, k] * x[k]
                                                 x[i] = x_register

Compilers do this where the loop has one subscript for the array. Here it reads others too, and only the loop's bounds say that they are
other elements: the difference of two subscripts is a constant apart from zero at the end of the loop that comes nearest. Or the element
says where the loop stores (`t[count[i]] = x; count[i] += m`), which compilers think may be the element. Otherwise each step would wait for
the store of the last one. Legal because nothing else touches the element meanwhile. What a vector loop only reads is read once before it
for the same reason (compilers then see that it stays, and make a vector loop of it).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from itertools import count

from setuptools_polyopt.codegen import affine
from setuptools_polyopt.codegen.storage import disjoint
from setuptools_polyopt.exhaustive import assert_never
from setuptools_polyopt.ir.expressions import Compare, Const, Expr, Load, integer
from setuptools_polyopt.ir.kernel import Array, Kernel, Role
from setuptools_polyopt.ir.statements import Alloc, Assign, Block, Break, Continue, For, If, Serial, Stmt, While, walk
from setuptools_polyopt.ir.visitors import (
    assigns,
    certain,
    loads,
    map_block_exprs,
    map_expr,
    own_loads,
    substitute,
    symbols,
)


def keep_in_registers(kernel: Kernel, every: bool = False) -> Kernel:
    """The kernel with such elements in scalars; the same object where there are none. every: also where the loop reads no other element
    of the array, for compilers that will not do it."""
    made = _Made(kernel, every)
    body = made.block(kernel.body)
    return kernel if body == kernel.body else replace(kernel, arrays=(*kernel.arrays, *made.arrays), body=body)


@dataclass
class _Made:
    kernel: Kernel
    every: bool = False
    arrays: list[Array] = field(default_factory=list)

    def block(self, body: Block) -> Block:
        return tuple(part for item in body for part in self.statement(item))

    def statement(self, item: Stmt) -> Block:
        match item:
            case For():
                elements = _elements(item, self.kernel, self.every)
                return (self.kept(item, elements) if elements else replace(item, body=self.block(item.body)),)
            case If():
                return (replace(item, body=self.block(item.body), orelse=self.block(item.orelse)),)
            case Serial() | While():
                return (replace(item, body=self.block(item.body)),)
            case Assign() | Alloc() | Break() | Continue():
                return (item,)
            case _:
                assert_never(item)

    def kept(self, loop: For, elements: Sequence[Load]) -> If:
        """The loop on scalars in place of the elements, if it runs at all."""
        scalars = {element: Load(self.scalar(element), (), element.dtype) for element in elements}

        def expression(expr: Expr) -> Expr:
            return map_expr(expr, lambda node: scalars.get(node, node) if isinstance(node, Load) else node)

        before = tuple(part for element, scalar in scalars.items() for part in (Alloc(scalar.array), Assign(scalar, element)))
        written = {item.target for item in assigns(loop.body)}
        after = tuple(Assign(element, scalar) for element, scalar in scalars.items() if element in written)
        body = map_block_exprs(loop.body, expression)
        return If(Compare("lt", loop.lower, loop.upper), (*before, replace(loop, body=body), *after))

    def scalar(self, element: Load) -> str:
        """A variable for an element."""
        taken = {array.name for array in (*self.kernel.arrays, *self.arrays)}
        name = next(name for name in map(f"{element.array}_kept{{}}".format, count(1)) if name not in taken)
        self.arrays.append(Array(name, element.dtype, (), Role.TEMPORARY))
        return name


def _elements(loop: For, kernel: Kernel, every: bool) -> tuple[Load, ...]:
    """The elements of arrays that the loop updates in every iteration while it reads others of the same arrays; those that a vector loop
    reads in every iteration while it writes others."""
    if loop.kind == "parallel" or loop.step < 1 or any(isinstance(item, For | Serial | While) for item in walk(loop.body)):
        return ()
    own = {item.array for item in walk(loop.body) if isinstance(item, Alloc)}
    read = {load for item in walk(loop.body) for load in own_loads(item)}
    targets = dict.fromkeys(item.target for item in loop.body if isinstance(item, Assign) and item.target.array not in own)
    touched = read | {item.target for item in assigns(loop.body)}
    if loop.kind == "vector":
        fixed = (load for load in _always_read(loop.body) if load.array not in own)
        return tuple(load for load in fixed if _is_only_read(load, loop) and _is_alone(load, loop, touched, kernel))
    return tuple(target for target in targets if _stays(target, loop, read, every) and _is_alone(target, loop, touched, kernel))


def _always_read(body: Block) -> dict[Load, None]:
    """What every iteration reads first of all or whatever happens, in order."""
    found = dict[Load, None]()
    for item in body:
        root = item.value if isinstance(item, Assign) else item.cond if isinstance(item, If) else None
        found |= dict.fromkeys(node for node in certain(root) if isinstance(node, Load)) if root is not None else {}
    return found


def _is_only_read(element: Load, loop: For) -> bool:
    """Whether an element of an array that the loop writes stays the same one, and is not written itself."""
    targets = {item.target for item in assigns(loop.body)}
    changing = {target.array for target in targets} | {loop.var}
    fixed = bool(element.indices) and not any(symbols(index) & changing or loads(index) for index in element.indices)
    return fixed and element not in targets and element.array in changing


def _stays(target: Load, loop: For, read: Collection[Load], every: bool) -> bool:
    others = every or any(load.array == target.array and load != target for load in read)
    others = others or any(target in loads(index) for item in assigns(loop.body) for index in item.target.indices)
    changing = {item.target.array for item in assigns(loop.body)} | {loop.var}
    return target in read and others and not any(symbols(index) & changing or loads(index) for index in target.indices)


def _is_alone(element: Load, loop: For, touched: Collection[Load], kernel: Kernel) -> bool:
    """Whether the loop reaches the element's memory through its own subscripts only."""
    for load in touched:
        if load == element or not load.indices:
            continue
        if load.array != element.array:
            if not disjoint(kernel, load.array, element.array):
                return False
        elif not any(_apart(a, b, loop) for a, b in zip(load.indices, element.indices, strict=True)):
            return False
    return True


def _apart(index: Expr, fixed: Expr, loop: For) -> bool:
    """Whether a subscript differs from one that does not move, in every iteration."""
    slope = affine.step(index, loop.var)
    if slope == affine.ZERO:
        return affine.distance(index, fixed) not in (None, 0)
    if not isinstance(slope, Const) or isinstance(slope.value, complex) or not slope.value:
        return False
    first = [substitute(index, {loop.var: bound}) for bound in affine.parts(loop.lower, "max")]
    last = [substitute(index, {loop.var: affine.plus(bound, integer(-1))}) for bound in affine.parts(loop.upper, "min")]
    least, most = (first, last) if slope.value > 0 else (last, first)
    above = (affine.distance(end, fixed) for end in least)
    below = (affine.distance(fixed, end) for end in most)
    return any(gap is not None and gap > 0 for gap in (*above, *below))
