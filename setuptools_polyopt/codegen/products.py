"""A stage that is a product of matrices, as a call of the library (CuPy's, which is cuBLAS).

Only products that NumPy's own library would do, whose order nobody has said (`Assign.free`, never in strict mode); loops that a program
writes out keep their order. What is multiplied and added to are boxes of arrays that are on the device already:

    for i in 0..n: for j in 1..m: for k in 0..p: t[i, j] = t[i, j] + a[i, k] * b[j, k]
        ->  gpu.multiply_add(t.part((0, n), (1, m)), a.part((0, n), (0, p)), b.part((1, m), (0, p)).T)

Not here: products of more than two dimensions, of mixed types, of two vectors.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from setuptools_polyopt.codegen import affine
from setuptools_polyopt.codegen.storage import disjoint
from setuptools_polyopt.ir.expressions import Binary, Expr, Load
from setuptools_polyopt.ir.kernel import Kernel
from setuptools_polyopt.ir.statements import Alloc, Assign, Block, For
from setuptools_polyopt.ir.visitors import loads, substitute, symbols


@dataclass(frozen=True, slots=True)
class Part:
    """A box of an array: first index and the one after the last of each axis. turned: with its two axes exchanged."""

    array: str
    box: tuple[tuple[Expr, Expr], ...]
    turned: bool = False


@dataclass(frozen=True, slots=True)
class Product:
    """`target += left @ right`."""

    target: Part
    left: Part
    right: Part


def library_product(kernel: Kernel) -> Product | None:
    """The product that a stage's kernel is, if it is nothing else."""
    loops: list[For] = []
    body: Block = tuple(item for item in kernel.body if not isinstance(item, Alloc))
    while len(body) == 1 and isinstance(loop := body[0], For):
        loops.append(loop)
        body = loop.body
    match body:
        case (Assign(free=True, target=target, value=Binary("add", own, Binary("mul", Load() as a, Load() as b))),):
            pass
        case _:
            return None
    if own != target or len({target.dtype, a.dtype, b.dtype}) > 1 or not _are_plain(loops):
        return None
    if not all(disjoint(kernel, target.array, other.array) for other in (a, b)):
        return None
    ranges = {loop.var: (loop.lower, loop.upper) for loop in loops}
    rows, summed = _axes(target, ranges), [loop.var for loop in loops if loop.var not in _used(target, ranges)]
    if not rows or len(rows) > 2 or len(summed) != 1:
        return None
    left, right = (a, b) if rows[0] in _used(a, ranges) else (b, a)
    wanted = (rows[0], summed[0]), (summed[0], *rows[1:])
    parts = [_part(load, axes, ranges) for load, axes in zip((left, right), wanted, strict=True)]
    if parts[0] is None or parts[1] is None:
        return None
    return Product(Part(target.array, _box(target, rows, ranges)), parts[0], parts[1])


def _are_plain(loops: Sequence[For]) -> bool:
    """Whether all loops count by one between ends that do not depend on each other or on data."""
    variables = {loop.var for loop in loops}
    ends = [end for loop in loops for end in (loop.lower, loop.upper)]
    return all(loop.step == 1 for loop in loops) and not any(symbols(end) & variables or loads(end) for end in ends)


def _used(load: Load, ranges: dict[str, tuple[Expr, Expr]]) -> frozenset[str]:
    return symbols(load) & ranges.keys()


def _axes(load: Load, ranges: dict[str, tuple[Expr, Expr]]) -> tuple[str, ...]:
    """The loop that each subscript follows, one by one; empty where there is no such."""
    found: list[str] = []
    for index in load.indices:
        variables = symbols(index) & ranges.keys()
        if len(variables) != 1 or affine.step(index, *variables) != affine.ONE:
            return ()
        found += variables
    return tuple(found) if len(set(found)) == len(found) else ()


def _part(load: Load, wanted: tuple[str, ...], ranges: dict[str, tuple[Expr, Expr]]) -> Part | None:
    axes = _axes(load, ranges)
    if axes not in (wanted, wanted[::-1]):
        return None
    return Part(load.array, _box(load, axes, ranges), axes != wanted)


def _box(load: Load, axes: Sequence[str], ranges: dict[str, tuple[Expr, Expr]]) -> tuple[tuple[Expr, Expr], ...]:
    pairs = zip(load.indices, axes, strict=True)
    return tuple((_at(index, var, ranges[var][0]), _at(index, var, ranges[var][1])) for index, var in pairs)


def _at(index: Expr, var: str, value: Expr) -> Expr:
    return affine.tidy(substitute(index, {var: value}))
