"""A CUDA kernel whose blocks keep what their threads share in shared memory.

Before: the body of the loops that threads share, and what a block reads together (`ir/tiles`). After: the body in parts. Threads beyond the
loops' ends take part in copying and in barriers, and in nothing else.

    s = 0                                            if i < n and j < m: s = 0
    for k in 0..p: s = s + A[i, k] * B[k, j]   ->    for k_first in 0..p by 16: (copy)
    C[i, j] = s                                        if i < n and j < m:
                                                         for k in k_first..min(p, k_first + 16): s = s + A_tile[...] * B_tile[...]
                                                     if i < n and j < m: C[i, j] = s

Conditions around such a loop are the same for all threads of a block, so barriers may stand in them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from setuptools_polyopt.codegen import affine
from setuptools_polyopt.codegen.intervals import interval
from setuptools_polyopt.ir.dtypes import DType
from setuptools_polyopt.ir.expressions import Binary, Compare, Expr, Load, Sym, integer
from setuptools_polyopt.ir.kernel import Array, Kernel, Layout, Role
from setuptools_polyopt.ir.statements import Alloc, Block, For, If, Stmt, walk
from setuptools_polyopt.ir.tiles import Tile, Tiling, origin
from setuptools_polyopt.ir.visitors import map_block_exprs, map_expr, symbols


def low_name(tile: Tile, axis: int) -> str:
    """What the first index of a box is called."""
    return f"{tile.name}.low{axis}"


def shared_form(kernel: Kernel, tiling: Tiling) -> Kernel:
    """The kernel with its innermost shared loop in parts, reading the copies."""
    innermost = tiling.loops[-1].var
    body = _replaced(kernel.body, innermost, tiling)
    copies = tuple(
        Array(tile.name, kernel.array(tile.array).dtype, tuple(map(integer, tile.extents)), Role.TEMPORARY, Layout.C)
        for tile in tiling.tiles
    )
    return replace(kernel, arrays=(*kernel.arrays, *copies), body=body)


def _replaced(body: Block, innermost: str, tiling: Tiling) -> Block:
    def statement(item: Stmt) -> Stmt:
        match item:
            case For(var=var) if var == innermost:
                return replace(item, body=_parts(item.body, _inside(tiling), tiling))
            case For():
                return replace(item, body=_replaced(item.body, innermost, tiling))
            case If():
                return replace(
                    item, body=_replaced(item.body, innermost, tiling), orelse=_replaced(item.orelse, innermost, tiling)
                )
            case _:
                return item

    return tuple(map(statement, body))


def block_bounds(tiling: Tiling) -> dict[str, tuple[Expr, Expr]] | None:
    """The ends of each shared loop that hold for all iterations which a block does of those outside; None where they cannot be told."""
    found: dict[str, tuple[Expr, Expr]] = {}
    ranges: dict[str, tuple[Expr, Expr]] = {}
    for loop, side in zip(tiling.loops, tiling.sides, strict=True):
        lower, upper = interval(loop.lower, ranges), interval(loop.upper, ranges)
        if lower is None or upper is None:
            return None
        found[loop.var] = affine.tidy(lower[0]), affine.tidy(upper[1])
        first = Sym(origin(loop.var))
        ranges[loop.var] = first, affine.plus(first, integer(side - 1))
    return found


def _inside(tiling: Tiling) -> Expr:
    """Whether a thread has an iteration of its own."""
    shared = {loop.var for loop in tiling.loops}
    tests: list[Expr] = []
    for loop in tiling.loops:
        if symbols(loop.lower) & shared:
            tests.append(Compare("le", affine.tidy(loop.lower), Sym(loop.var)))
        tests.append(Compare("lt", Sym(loop.var), affine.tidy(loop.upper)))
    result = tests[0]
    for test in tests[1:]:
        result = Binary("and", result, test, DType.BOOL)
    return result


def _parts(body: Block, inside: Expr, tiling: Tiling) -> Block:
    """The statements under the test, the loops with strips apart; what they declare comes first."""
    declared: list[Stmt] = []
    parts: list[Stmt] = []
    waiting: list[Stmt] = []

    def flush() -> None:
        if waiting:
            parts.append(If(inside, _reading(tuple(waiting), [tile for tile in tiling.tiles if tile.strip is None])))
            waiting.clear()

    for item in body:
        match item:
            case Alloc():
                declared.append(item)
            case For(var=var) if var in tiling.strips:
                flush()
                parts.append(_strip(item, inside, tiling))
            case If() if any(isinstance(inner, For) and inner.var in tiling.strips for inner in walk((item,))):
                flush()
                orelse = _parts(item.orelse, inside, tiling)
                parts.append(replace(item, body=_parts(item.body, inside, tiling), orelse=orelse))
            case _:
                waiting.append(item)
    flush()
    return (*declared, *parts)


def _strip(loop: For, inside: Expr, tiling: Tiling) -> For:
    first = Sym(origin(loop.var))
    last = Binary("min", loop.upper, affine.plus(first, integer(tiling.width)), DType.INT64)
    body = _reading(loop.body, [tile for tile in tiling.tiles if tile.strip == loop.var])
    inner = replace(loop, lower=first, upper=last, body=body)
    return replace(loop, var=first.name, step=tiling.width, body=(If(inside, (inner,)),))


def _reading(body: Block, tiles: Sequence[Tile]) -> Block:
    """The statements with copies in place of what they were copied from."""
    known = {load: tile for tile in tiles for load in tile.loads}

    def moved(node: Expr) -> Expr:
        if not isinstance(node, Load) or node not in known:
            return node
        tile = known[node]
        indices = tuple(affine.minus(index, Sym(low_name(tile, axis))) for axis, index in enumerate(node.indices))
        return Load(tile.name, indices, node.dtype)

    return map_block_exprs(body, lambda expr: map_expr(expr, moved))
