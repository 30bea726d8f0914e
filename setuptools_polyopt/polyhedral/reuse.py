"""Where the threads of a block read the same elements of an array, so that a copy in shared memory pays.

Before: a stage scheduled for a GPU, whose parallel loops become threads. After: the boxes of elements (`ir.tiles`) that a block of threads
reads, for the arrays of which each element is read several times, by all of a block or while a loop inside runs over a strip.

    for i parallel: for j parallel: for k: s = s + A[i, k] * B[k, j]      blocks of 16 x 16, strips of 16:
                                                                    ->    A[i' : i' + 16, k' : k' + 16], B[k' : k' + 16, j' : j' + 16]
    for i parallel: for j parallel: b[i, j] = a[i - 1, j] + ...     ->    blocks of 8 x 32: a[i' - 1 : i' + 9, j' - 1 : j' + 33]

isl says which elements a block touches, with everything that the loops' bounds and conditions exclude, so what is copied is part of
what the kernel reads. Only arrays that the stage does not write, with affine subscripts, and inner loops that are the same for all threads
of a block count; those that become threads may be triangular. Not done here: copies that one thread keeps in registers; more than one
element of the result for a thread.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import prod

import islpy as isl

from setuptools_polyopt.diagnostics import Unsupported
from setuptools_polyopt.ir.dtypes import DType
from setuptools_polyopt.ir.expressions import Binary, Compare, CompareOp, Const, Expr, Load, Reduce, Sym, integer
from setuptools_polyopt.ir.kernel import Holds, Kernel, Param, Role
from setuptools_polyopt.ir.statements import Alloc, Assign, Block, For, If, Stmt, walk
from setuptools_polyopt.ir.tiles import Tile, Tiling, origin, parallel_nest
from setuptools_polyopt.ir.visitors import assigns, loads, symbols, walk_expr
from setuptools_polyopt.polyhedral.affine import NotAffine, function_to_expr, set_to_condition
from setuptools_polyopt.polyhedral.limits import TooIntricate, bounded
from setuptools_polyopt.polyhedral.scop import Scop, Statement, extract
from setuptools_polyopt.polyhedral.simplify import simplify
from setuptools_polyopt.polyhedral.spaces import dim_names

SIDES = {1: (256,), 2: (8, 32), 3: (4, 4, 16)}
"""Threads of a block along the loops that they share, outer first, where all that they share is what lies around."""

STRIP_SIDES = {1: ((256,), 128), 2: ((16, 16), 16), 3: ((4, 8, 8), 8)}
"""The same, and the width of strips, where a loop inside runs over what they share."""

REUSE = 2.5
"""How often each element of a box has to be read."""

FEWEST = 3
"""References that a box outside of strips has to serve: what many threads read through one comes to them together anyhow."""

MOST_BYTES = 32 * 1024
"""Shared memory of a block."""

_LIMIT = 3_000_000
_PIECES = 4


def shared_tiles(kernel: Kernel, loop: For) -> Tiling | None:
    """The boxes that are worth sharing in a stage with this outermost parallel loop; None where there are none."""
    nest = parallel_nest(loop)
    if len(nest) > 3 or not all(isinstance(item, Assign | For | If | Alloc) for item in walk(kernel.body)):
        return None
    mapped = frozenset(item.var for item in nest)
    if not all(_is_uniform(item, frozenset((item.var,))) for item in nest):
        return None
    strips = tuple(_strips(nest[-1].body, mapped))
    names = [item.var for item in walk(kernel.body) if isinstance(item, For)]
    strips = tuple(item for item in strips if names.count(item.var) == 1)
    try:
        for chosen in ((*strips, None), (None,)):
            sides, width = STRIP_SIDES[len(nest)] if chosen[0] else (SIDES[len(nest)], 1)
            tiles = _tiles(kernel, nest, chosen, sides, width)
            if tiles:
                used = {tile.strip for tile in tiles}
                return Tiling(nest, sides, tuple(item.var for item in strips if item.var in used), width, tiles)
    except (Unsupported, NotAffine, TooIntricate):
        pass
    return None


def _is_uniform(loop: For, mapped: frozenset[str]) -> bool:
    """Whether all threads of a block run the same iterations of a loop of step one."""
    ends = (loop.lower, loop.upper)
    return loop.step == 1 and not any(symbols(end) & mapped or loads(end) for end in ends)


def _strips(body: Block, mapped: frozenset[str]) -> Iterator[For]:
    """The outermost serial loops of a body that all threads run alike."""
    for item in body:
        match item:
            case For() if _is_uniform(item, mapped):
                yield item
            case If(cond=cond) if not symbols(cond) & mapped and not loads(cond):
                yield from _strips((*item.body, *item.orelse), mapped)
            case _:
                pass


def _tiles(
    kernel: Kernel, nest: Sequence[For], chosen: Sequence[For | None], sides: Sequence[int], width: int
) -> tuple[Tile, ...]:
    found: list[Tile] = []
    room = MOST_BYTES
    strips = frozenset(item.var for item in chosen if item)
    for strip in chosen:
        scop = extract(_cut(kernel, nest, strip, sides, width))
        scop.context.get_ctx().set_ast_build_detect_min_max(1)
        with bounded(scop.context.get_ctx(), _LIMIT):
            for array, box in _of_scope(scop, strip, strips, prod(sides), _trips(kernel, nest, strip, width)):
                size = prod(box.extents) * kernel.array(array).dtype.itemsize
                if size <= room:
                    name = f"{array}.tile{len(found) or ''}"
                    found.append(Tile(name, array, box.loads, strip.var if strip else None, box.low, box.high, box.extents, box.where))
                    room -= size
    return tuple(found)


def _cut(kernel: Kernel, nest: Sequence[For], strip: For | None, sides: Sequence[int], width: int) -> Kernel:
    """The kernel as one block runs it, in one strip: origins are parameters."""
    parts = {item.var: (item, side) for item, side in zip(nest, sides, strict=True)}
    if strip is not None:
        parts[strip.var] = (strip, width)
    known = []
    for item, _ in parts.values():
        if _is_uniform(item, frozenset(parts)):
            first = Sym(origin(item.var))
            known += [_compare("ge", first, item.lower), _compare("lt", first, item.upper)]

    def statement(item: Stmt) -> Stmt:
        match item:
            case For(var=var) if parts.get(var, (None,))[0] == item:
                first, size = Sym(origin(var)), parts[var][1]
                last = Binary("min", item.upper, Binary("add", first, integer(size), DType.INT64), DType.INT64)
                lower = Binary("max", item.lower, first, DType.INT64)
                return replace(item, lower=lower, upper=last, kind="serial", body=block(item.body))
            case For():
                return replace(item, kind="serial", body=block(item.body))
            case If():
                return replace(item, body=block(item.body), orelse=block(item.orelse))
            case _:
                return item

    def block(body: Block) -> Block:
        return tuple(map(statement, body))

    params = tuple(Param(origin(var), -(2**40)) for var in parts)
    assumptions = (*kernel.assumptions, *(Holds(condition, "") for condition in known))
    return replace(kernel, params=(*kernel.params, *params), body=block(kernel.body), assumptions=assumptions)


def _compare(op: CompareOp, left: Expr, right: Expr) -> Expr:
    return Compare(op, left, right)


@dataclass(frozen=True)
class _Box:
    """What some references read. loads: their subscripts. times: how often a thread reads, at least. low, high, extents: as in `Tile`."""

    loads: frozenset[Load]
    times: int
    elements: isl.Set
    low: tuple[Expr, ...]
    high: tuple[Expr, ...]
    extents: tuple[int, ...]
    where: Expr


def _of_scope(
    scop: Scop, strip: For | None, strips: frozenset[str], threads: int, trips: Mapping[str, int]
) -> Iterator[tuple[str, _Box]]:
    """The boxes that pay among the statements inside one strip, or outside of all, each with its array.

    What a strip's thread reads again and again without any of its own loops in the subscript stays in a register.
    """
    inside = [s for s in scop.statements if (strip.var in s.iterators if strip else not strips & set(s.iterators))]
    found = assigns(scop.kernel.body)
    not_these = {item.target.array for item in found}
    not_these |= {node.body.array for item in found for node in walk_expr(item.value) if isinstance(node, Reduce)}
    for array in scop.kernel.arrays:
        if array.rank and array.name not in not_these and array.role is not Role.TEMPORARY and array.dtype is not DType.BOOL:
            for box in _boxes(array.name, inside, trips, scop):
                pays = any(symbols(load) & trips.keys() for load in box.loads) if strip else len(box.loads) >= FEWEST
                if pays and box.times * threads >= REUSE * prod(box.extents):
                    yield array.name, box


def _trips(kernel: Kernel, nest: Sequence[For], strip: For | None, width: int) -> dict[str, int]:
    """Iterations of the loops that every thread runs for itself, of a strip at most."""
    found = {}
    for item in walk(kernel.body):
        if isinstance(item, For) and item.var not in {loop.var for loop in nest}:
            ends = [int(end.value) for end in (item.lower, item.upper) if isinstance(end, Const) and not isinstance(end.value, complex)]
            found[item.var] = max(0, ends[1] - ends[0]) if len(ends) == 2 else 1
    if strip is not None:
        found[strip.var] = min(width, found[strip.var]) if found[strip.var] > 1 else width
    return found


def _boxes(array: str, inside: Sequence[Statement], trips: Mapping[str, int], scop: Scop) -> list[_Box]:
    """Boxes around what references read, one around several where that holds no more than theirs."""
    found: list[_Box] = []
    for load, (elements, times) in _reads(array, inside, trips).items():
        box = _box(frozenset((load,)), times, elements, scop)
        if box is None:
            continue
        for number, other in enumerate(found):
            joined = _box(box.loads | other.loads, box.times + other.times, box.elements.union(other.elements), scop)
            if joined is not None and prod(joined.extents) <= prod(box.extents) + prod(other.extents):
                found[number] = joined
                break
        else:
            found.append(box)
    return found


def _reads(array: str, inside: Sequence[Statement], trips: Mapping[str, int]) -> dict[Load, tuple[isl.Set, int]]:
    """The elements that each reference reads, and how often a thread does."""
    found: dict[Load, tuple[isl.Set, int]] = {}
    for statement in inside:
        times = prod(trips.get(var, 1) for var in statement.iterators)
        for access in statement.accesses:
            if access.load.array == array and not access.write:
                part = access.relation.intersect_domain(statement.domain).range()
                known = found.get(access.load)
                found[access.load] = (part, times) if known is None else (known[0].union(part), known[1] + times)
    return found


def _box(loads: frozenset[Load], times: int, elements: isl.Set, scop: Scop) -> _Box | None:
    """The box around some elements; None where it is not bounded by a constant."""
    elements = elements.coalesce()
    there = elements.params().coalesce().gist_params(scop.context)
    if there.n_basic_set() > 1:
        return None
    known = scop.context.intersect(elements.params())
    one = isl.Val.one(scop.context.get_ctx())
    low, high, extents = [], [], []
    for axis in range(len(dim_names(elements.get_space()))):
        first, last = elements.dim_min(axis).coalesce(), elements.dim_max(axis).coalesce()
        extent = last.sub(first).intersect_params(scop.context).max_val()
        if max(first.n_piece(), last.n_piece()) > _PIECES or not extent.is_int():
            return None
        low.append(simplify(function_to_expr(first, known, scop.names)))
        high.append(simplify(function_to_expr(last.add_constant_val(one), known, scop.names)))
        extents.append(int(extent.get_num_si()) + 1)
    where = simplify(set_to_condition(there, scop.names))
    return _Box(loads, times, elements, tuple(low), tuple(high), tuple(extents), where)
