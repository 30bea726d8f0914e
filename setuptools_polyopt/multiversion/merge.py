"""Axes that a kernel may take as one, because it treats each of their elements alike: short rows then become long ones.

A matter of the call, not of the kernel: where all arrays are contiguous over these axes, (30, 30) is as good as (1, 900), and the entry
point says so. The kernel must touch the elements one for one, in order: every nest over the axes is perfect, subscripts are its
iterators, and nothing else depends on them or on the extents.

    for i in 0..n: for j in 0..m: t[i, j] = f(a[i, j])      ->   ("n", "m")
    for i in 0..n: for j in 0..m: t[i, j] = a[i, j] - b[j]  ->   ()
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from setuptools_polyopt.ir.expressions import Compare, Const, Expr, Load, Reduce, Sym, integer
from setuptools_polyopt.ir.kernel import Array, Holds, Kernel, Layout
from setuptools_polyopt.ir.statements import Alloc, Assign, Block, Break, Continue, For, If, Serial, Stmt, While
from setuptools_polyopt.ir.visitors import children, symbols


def merged_axes(kernel: Kernel) -> tuple[str, ...]:
    """The extents, outer first, of the longest run of last axes that may be merged; at least two, or none."""
    runs = {
        tuple(extent.name for extent in array.extents[axis:] if isinstance(extent, Sym))
        for array in kernel.arrays
        for axis in range(array.rank - 1)
    }
    fitting = [run for run in runs if len(set(run)) == len(run) >= 2 and _fits(kernel, run)]
    return max(fitting, key=lambda run: (len(run), run), default=())


def holders(kernel: Kernel, axes: tuple[str, ...]) -> tuple[Array, ...]:
    """The arrays that have these axes."""
    return tuple(array for array in kernel.arrays if _has(array, axes))


def _has(array: Array, axes: tuple[str, ...]) -> bool:
    return array.rank >= len(axes) and array.extents[-len(axes) :] == tuple(map(Sym, axes))


def _fits(kernel: Kernel, axes: tuple[str, ...]) -> bool:
    limits = {param.name: param.minimum for param in kernel.params}
    if any(limits.get(name, 2) > 1 for name in axes):
        return False
    if not all(_free(item.condition, axes) or _is_limit(item.condition, axes) for item in kernel.assumptions if isinstance(item, Holds)):
        return False
    for array in kernel.arrays:
        others = array.extents[: -len(axes)] if _has(array, axes) else array.extents
        if any(not _free(extent, axes) for extent in others) or (_has(array, axes) and array.layout is not Layout.C):
            return False
    return _Check(axes, frozenset(array.name for array in holders(kernel, axes))).block(kernel.body, ())


def _free(expr: Expr, names: Iterable[str]) -> bool:
    return symbols(expr).isdisjoint(names)


def _is_limit(condition: Expr, axes: tuple[str, ...]) -> bool:
    """A lower limit that merged extents keep: the last one grows, the others may become one."""
    match condition:
        case Compare(op="ge", left=Sym(name=name), right=Const(value=int() as value)):
            return name == axes[-1] or (name in axes and value <= 1)
        case _:
            return False


@dataclass(frozen=True)
class _Check:
    """Whether statements treat the elements of `axes` alike; `arrays` are those that have them."""

    axes: tuple[str, ...]
    arrays: frozenset[str]

    def block(self, body: Block, open_: tuple[str, ...]) -> bool:
        """open_: the iterators of the loops over the axes around."""
        if 0 < len(open_) < len(self.axes) and not (len(body) == 1 and isinstance(body[0], For)):
            return False
        return all(self.statement(statement, open_) for statement in body)

    def statement(self, statement: Stmt, open_: tuple[str, ...]) -> bool:
        match statement:
            case Assign(target=target, value=value):
                return self.expression(target, open_) and self.expression(value, open_)
            case If(cond=cond, body=body, orelse=orelse):
                return self.expression(cond, open_) and self.block(body, open_) and self.block(orelse, open_)
            case For(var=var, lower=lower, upper=upper, step=step, body=body):
                if len(open_) < len(self.axes) and (lower, upper, step) == (integer(0), Sym(self.axes[len(open_)]), 1):
                    return self.block(body, (*open_, var))
                inside = 0 < len(open_) < len(self.axes)
                return not inside and all(self.expression(bound, open_) for bound in (lower, upper)) and self.block(body, open_)
            case Alloc() | Serial() | While() | Break() | Continue():
                return False

    def expression(self, expr: Expr, open_: tuple[str, ...]) -> bool:
        match expr:
            case Sym(name=name):
                return name not in self.axes and name not in open_
            case Load(array=array, indices=indices) if array in self.arrays:
                last = indices[-len(self.axes) :]
                own = last == tuple(map(Sym, open_)) or all(index == integer(0) for index in last)
                return own and all(self.expression(index, open_) for index in indices[: -len(self.axes)])
            case Reduce(init=init, ranges=ranges, body=body):
                whole = tuple((part.lower, part.upper) for part in ranges) == tuple((integer(0), Sym(name)) for name in self.axes)
                if whole and not open_:
                    return self.expression(init, open_) and self.expression(body, tuple(part.var for part in ranges))
                return all(self.expression(child, open_) for child in children(expr))
            case _:
                return all(self.expression(child, open_) for child in children(expr))
