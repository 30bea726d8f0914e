"""Splitting of a loop at the one iteration that the others depend on.

In Floyd and Warshall's algorithm no loop inside `k` looks parallel, because row `k` and column `k` are written in between. All such
dependences start or end at iteration `i = k` (or `j = k`). With that iteration on its own, the rest is parallel:

    for k: for i in 0..n: A[i] = f(A[i], A[k])      ->   for k: (for i in 0..k: ...) (for i in k..k+1: ...) (for i in k+1..n: ...)

The pieces run in the order of the loop, so the program means the same before anything is scheduled. Kernel in, kernel out.
Non-goals: more than one such iteration in a loop, steps other than 1.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from fractions import Fraction
from typing import Literal

import islpy as isl

from setuptools_polyopt.ir.dtypes import DType
from setuptools_polyopt.ir.expressions import Binary, Expr, Sym, integer
from setuptools_polyopt.ir.kernel import Kernel
from setuptools_polyopt.ir.printer import print_expr
from setuptools_polyopt.ir.statements import Assign, Block, For, If, Serial, Stmt, While
from setuptools_polyopt.ir.visitors import symbols
from setuptools_polyopt.polyhedral.affine import NotAffine
from setuptools_polyopt.polyhedral.dependences import carried
from setuptools_polyopt.polyhedral.scop import Scop, Statement
from setuptools_polyopt.polyhedral.simplify import simplify
from setuptools_polyopt.polyhedral.spaces import linear, variable

MARK = "/"
"""What separates a statement's label from the number of its copy."""


def split(scop: Scop, deps: isl.UnionMap) -> Kernel:
    """The scop's kernel with such loops split; the same object where there is none.

    deps: all dependences. Copies of a statement get labels of their own, which `joined_labels` takes back.
    """
    points = dict(_points(scop, deps))
    return replace(scop.kernel, body=_Splitter(points).block(scop.kernel.body)) if points else scop.kernel


def joined_labels(kernel: Kernel) -> Kernel:
    """The kernel with the copies of a statement under its own label again."""
    return replace(kernel, body=_relabelled(kernel.body, ""))


def _points(scop: Scop, deps: isl.UnionMap) -> Iterator[tuple[int, Expr]]:
    """Loop numbers, and the iteration at which each is to be split."""
    for number in sorted({number for s in scop.statements for number in s.loops}):
        inside = [s for s in scop.statements if number in s.loops]
        level = inside[0].loops.index(number)
        between = carried(inside, level, deps)
        if between.is_empty():
            continue
        for point in _candidates(inside, level):
            if _explains(point, inside, level, scop, between):
                yield number, point
                break


def _candidates(inside: list[Statement], level: int) -> list[Expr]:
    """Iterations at which one access meets another one that does not move with the loop: `A[i]` and `A[k]` meet at `i = k`."""
    found: dict[str, Expr] = {}
    for s in inside:
        iterator = s.iterators[level]
        hidden = set(s.iterators[level:])
        for moving in s.accesses:
            for still in s.accesses:
                if moving.load.array != still.load.array or moving.subscripts is None or still.subscripts is None:
                    continue
                for axis, function in enumerate(moving.subscripts):
                    other = still.load.indices[axis]
                    if linear(function) == {iterator: Fraction(1)} and not symbols(other) & hidden:
                        shift = Binary("sub", moving.load.indices[axis], Sym(iterator), DType.INT64)
                        point = simplify(Binary("sub", other, shift, DType.INT64))
                        found.setdefault(print_expr(point), point)
    return list(found.values())


def _explains(point: Expr, inside: list[Statement], level: int, scop: Scop, between: isl.UnionMap) -> bool:
    """Does every carried dependence start or end at that iteration?"""
    there = isl.UnionSet.empty_ctx(scop.context.get_ctx())
    for s in inside:
        try:
            value = scop.affine.function(point, s.space)
        except NotAffine:
            return False
        there = there.union(isl.UnionSet.from_set(variable(s.space, s.iterators[level]).eq_set(value)))
    return bool(between.subtract_domain(there).subtract_range(there).is_empty())


class _Splitter:
    """Rewrites loops by their number in the order of the text, as extraction counts them."""

    def __init__(self, points: Mapping[int, Expr]) -> None:
        self.points = points
        self.count = 0
        self.copies = 0

    def block(self, body: Block) -> Block:
        return tuple(new for statement in body for new in self.statement(statement))

    def statement(self, statement: Stmt) -> Block:
        match statement:
            case For():
                self.count += 1
                point = self.points.get(self.count)
                inner = replace(statement, body=self.block(statement.body))
                return (inner,) if point is None or statement.step != 1 else self.pieces(inner, point)
            case If():
                then = self.block(statement.body)
                return (replace(statement, body=then, orelse=self.block(statement.orelse)),)
            case _:
                return (statement,)

    def pieces(self, loop: For, point: Expr) -> Block:
        after = simplify(Binary("add", point, integer(1), DType.INT64))
        parts = []
        for lower, upper in (
            (loop.lower, _clip("min", loop.upper, point)),
            (_clip("max", loop.lower, point), _clip("min", loop.upper, after)),
            (_clip("max", loop.lower, after), loop.upper),
        ):
            self.copies += 1
            parts.append(replace(loop, lower=lower, upper=upper, body=_relabelled(loop.body, f"{MARK}{self.copies}")))
        return tuple(parts)


def _clip(op: Literal["min", "max"], bound: Expr, point: Expr) -> Expr:
    return Binary(op, bound, point, DType.INT64)


def _relabelled(body: Block, suffix: str) -> Block:
    """The block with a suffix added to all labels (an empty one: with what `split` added taken off)."""
    result: list[Stmt] = []
    for statement in body:
        match statement:
            case Assign(label=label):
                result.append(replace(statement, label=label + suffix if suffix else label.partition(MARK)[0]))
            case For() | Serial() | While():
                result.append(replace(statement, body=_relabelled(statement.body, suffix)))
            case If():
                then, orelse = _relabelled(statement.body, suffix), _relabelled(statement.orelse, suffix)
                result.append(replace(statement, body=then, orelse=orelse))
            case _:
                result.append(statement)
    return tuple(result)
