"""Register tiles: unroll a loop around a vector loop and run the copies together.

    for k in lo..hi:                           for k in lo..hi - 3 by 4:
      for j in 0..m vector:                      for j in 0..m vector:
        C[i, j] = C[i, j] + A[i, k] * B[k, j]      C[i, j] = C[i, j] + A[i, k] * B[k, j]
                                                   C[i, j] = C[i, j] + A[i, k + 1] * B[k + 1, j]
                                                   ...
                                               for k in the rest: ...

An element that is summed up over `k` then stays in a register for four steps, and with two rows of `i` at a time what depends on `k` and
`j` only is read once for both. Each element still sees its terms in the same order: nothing is reassociated.

Legal where the copies cannot meet: an array that is written is accessed through one subscript only, which names different elements for
different `j`, whatever the other iterators are. Non-goals: loops whose bounds depend on each other, bodies with calls or checks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from setuptools_polyopt.codegen import affine
from setuptools_polyopt.codegen.storage import disjoint
from setuptools_polyopt.ir.expressions import Binary, Call, Const, Expr, Load, Reduce, Sym, integer
from setuptools_polyopt.ir.kernel import Kernel
from setuptools_polyopt.ir.statements import Assign, Block, For, If, Serial, Stmt, While
from setuptools_polyopt.ir.visitors import loads, map_statement_exprs, substitute, symbols, walk_expr

INNER, OUTER = 4, 2
"""Copies of the loop around the vector loop, and of the one around that."""
_MOST_LOADS = 6


def jam(kernel: Kernel) -> Kernel:
    """The kernel with register tiles where they are legal and sum something up; the same object where there are none."""
    body = _block(kernel.body, kernel)
    return kernel if body == kernel.body else replace(kernel, body=body)


def _block(body: Block, kernel: Kernel) -> Block:
    result: list[Stmt] = []
    for statement in body:
        match statement:
            case For():
                result += _loop(statement, kernel)
            case Serial() | While():
                result.append(replace(statement, body=_block(statement.body, kernel)))
            case If():
                result.append(replace(statement, body=_block(statement.body, kernel), orelse=_block(statement.orelse, kernel)))
            case _:
                result.append(statement)
    return tuple(result)


def _loop(loop: For, kernel: Kernel) -> tuple[For, ...]:
    inner = _only_loop(loop)
    if inner is not None and _serial(loop):
        vector = _only_loop(inner)
        apart = loop.var not in symbols(inner.lower) | symbols(inner.upper)
        if vector is not None and _serial(inner) and apart and _legal(vector, (loop.var, inner.var), kernel):
            return _tiled(loop, inner, vector)
        if _legal(inner, (loop.var,), kernel):
            return _unrolled(loop, inner, INNER)
    return (replace(loop, body=_block(loop.body, kernel)),)


def _only_loop(loop: For) -> For | None:
    """The loop that is the whole body."""
    return loop.body[0] if len(loop.body) == 1 and isinstance(loop.body[0], For) else None


def _serial(loop: For) -> bool:
    return loop.kind == "serial" and loop.step == 1


def _legal(vector: For, around: Sequence[str], kernel: Kernel) -> bool:
    """Whether copies of a vector loop's body for several values of the iterators around it may run together, and gain by it."""
    bounds = symbols(vector.lower) | symbols(vector.upper)
    statements = [item for item in vector.body if isinstance(item, Assign)]
    if vector.kind != "vector" or vector.step != 1 or bounds & {*around} or len(statements) != 1 or len(vector.body) != 1:
        return False
    target, value = statements[0].target, statements[0].value
    if len(loads(value)) > _MOST_LOADS or loads(vector.lower) or loads(vector.upper) or not _plain(value):
        return False
    reads = [load for load in loads(value) if load.indices]
    if any(load.array == target.array and load.indices != target.indices for load in reads) or target not in reads:
        return False
    if not all(load.array == target.array or disjoint(kernel, load.array, target.array) for load in reads):
        return False
    sums = around[-1]
    return all(affine.step(index, sums) == affine.ZERO for index in target.indices) and _separate(target, (*around[:-1], vector.var))


def _plain(value: Expr) -> bool:
    return not any(isinstance(node, Call | Reduce) or getattr(node, "checked", False) for node in walk_expr(value))


def _separate(target: Load, iterators: Sequence[str]) -> bool:
    """Whether each iterator alone moves a subscript of its own."""
    for var in iterators:
        own = False
        for index in target.indices:
            slopes = {other: affine.step(index, other) for other in iterators}
            if None in slopes.values():
                return False
            moved = [other for other, slope in slopes.items() if slope != affine.ZERO]
            if var in moved and len(moved) > 1:
                return False
            own = own or (moved == [var] and isinstance(slopes[var], Const))
        if not own:
            return False
    return True


def _copies(body: Block, var: str, count: int) -> Block:
    """The body for `var`, `var + 1`, ..."""
    shifts = (affine.plus(Sym(var), integer(number)) for number in range(count))
    return tuple(_at(statement, var, shift) for shift in shifts for statement in body if isinstance(statement, Assign))


def _at(statement: Assign, var: str, position: Expr) -> Assign:
    moved = map_statement_exprs(statement, lambda expr: substitute(expr, {var: position}))
    if not isinstance(moved, Assign):
        raise TypeError("an assignment stays one")
    return moved


def _unrolled(loop: For, vector: For, count: int) -> tuple[For, ...]:
    """The loop in steps of `count`, and the iterations that remain."""
    together = replace(vector, body=_copies(vector.body, loop.var, count))
    return _split(loop, count, (together,), (vector,))


def _tiled(outer: For, inner: For, vector: For) -> tuple[For, ...]:
    rows = replace(vector, body=_copies(vector.body, outer.var, OUTER))
    both = replace(vector, body=_copies(_copies(vector.body, inner.var, INNER), outer.var, OUTER))  # an element's sum in one piece
    paired = _split(inner, INNER, (both,), (rows,))
    return _split(outer, OUTER, paired, _unrolled(inner, vector, INNER))


def _split(loop: For, count: int, main: Block, rest: Block) -> tuple[For, For]:
    """`main` for `count` iterations at once, `rest` for each that is left over."""
    note = ", ".join(part for part in (loop.note, f"{count} at once") if part)
    first = replace(loop, upper=affine.plus(loop.upper, integer(1 - count)), step=count, body=main, note=note)
    extent = affine.minus(loop.upper, loop.lower)
    whole = Binary("mul", Binary("floordiv", extent, integer(count), extent.dtype), integer(count), extent.dtype)
    start = affine.plus(loop.lower, Binary("max", affine.ZERO, whole, extent.dtype))
    return first, replace(loop, lower=start, body=rest)
