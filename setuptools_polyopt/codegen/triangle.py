"""Rows of a substitution side by side: each row needs the ones before it, but most of its sum does not need the nearest.

    for i in 0..n:                               for i in 0..n by 8:
      x[i] = b[i]                                  x[i] = b[i]; x[i + 1] = b[i + 1]; ...
      for k in 0..i:                       ->      for k in 0..i:
        x[i] = x[i] - L[i, k] * x[k]                 x[i] = x[i] - L[i, k] * x[k]
      x[i] = x[i] / L[i, i]                          x[i + 1] = x[i + 1] - L[i + 1, k] * x[k]
                                                     ...
                                                   x[i] = x[i] / L[i, i]
                                                   for k in i..i + 1: x[i + 1] = x[i + 1] - L[i + 1, k] * x[k]
                                                   x[i + 1] = x[i + 1] / L[i + 1, i + 1]
                                                   ...

A row's sum is a chain, in which each operation waits for the last one; eight chains fill the time (`interleave` does this for rows that are
independent). Each element still sees its terms in the same order. Legal because a row writes its own elements only, besides scalars of its
own, and its sum reads those of rows before it: those of its block in the second part, when they are there. Non-goals: substitution
from the last row on (its first term is the nearest row's), rows with data conditions, several sums a row.
"""

from __future__ import annotations

from dataclasses import replace

from setuptools_polyopt.codegen.interleave import MOST, Copies, moves_with
from setuptools_polyopt.codegen.storage import disjoint
from setuptools_polyopt.ir.dtypes import DType
from setuptools_polyopt.ir.expressions import Binary, Call, Expr, Load, Reduce, Sym
from setuptools_polyopt.ir.kernel import Kernel
from setuptools_polyopt.ir.statements import Alloc, Assign, Block, For, If, Serial, Stmt, While
from setuptools_polyopt.ir.visitors import assigns, loads, substitute, symbols, walk_expr


def substitutions(kernel: Kernel) -> Kernel:
    """The kernel with rows of substitutions side by side; the same object where there are none."""
    made = Copies(kernel)
    body = _block(kernel.body, made)
    return kernel if body == kernel.body else replace(kernel, arrays=(*kernel.arrays, *made.arrays), body=body)


def _block(body: Block, made: Copies) -> Block:
    return tuple(_statement(item, made) for item in body)


def _statement(item: Stmt, made: Copies) -> Stmt:
    match item:
        case For():
            total = _sum_of(item, made.kernel)
            return _side_by_side(item, total, made) if total else replace(item, body=_block(item.body, made))
        case If():
            return replace(item, body=_block(item.body, made), orelse=_block(item.orelse, made))
        case Serial() | While():
            return replace(item, body=_block(item.body, made))
        case _:
            return item


def _sum_of(rows: For, kernel: Kernel) -> For | None:
    """The loop that adds up a row, if the loop runs over rows of a substitution."""
    inner = [item for item in rows.body if isinstance(item, For)]
    if rows.kind != "serial" or rows.step != 1 or len(inner) != 1 or loads(rows.lower) or loads(rows.upper):
        return None
    total = inner[0]
    if not all(isinstance(item, Assign | Alloc) for item in (*rows.body, *total.body) if item is not total):
        return None
    plain = total.kind == "serial" and total.step == 1 and rows.var not in symbols(total.lower) and not loads(total.lower)
    if not plain or total.upper != Sym(rows.var) or any(isinstance(item, Alloc) for item in total.body):
        return None
    local = {item.array for item in rows.body if isinstance(item, Alloc)}
    statements = assigns(rows.body)
    targets = {item.target for item in statements if item.target.array not in local}
    arrays = {target.array for target in targets}
    if len(arrays) != len(targets) or any(kernel.array(name).rank for name in local):
        return None
    if not all(any(moves_with(index, rows.var, ()) for index in target.indices) for target in targets):
        return None
    earlier = {_at(target, rows.var, Sym(total.var)) for target in targets}
    terms = {load for item in assigns(total.body) for load in loads(item.value)}
    rest = {load for item in statements if item not in total.body for load in loads(item.value)}
    others = {load.array for load in (terms - earlier) | rest if load.array not in local and load not in targets} | arrays
    apart = all(disjoint(kernel, one, other) for one in arrays for other in others if one != other)
    if not apart or not earlier & terms or any(load.array in arrays and load not in targets for load in (terms - earlier) | rest):
        return None
    calls = any(isinstance(node, Call | Reduce) for item in statements for node in walk_expr(item.value))
    return None if calls else total


def _at(element: Load, var: str, place: Expr) -> Load:
    return replace(element, indices=tuple(substitute(index, {var: place}) for index in element.indices))


def _side_by_side(rows: For, total: For, made: Copies) -> For:
    at = rows.body.index(total)
    copies = made.copies(rows, MOST)
    sums = [_loop(copy[at]) for copy in copies]
    together = replace(total, body=tuple(part for each in sums for part in each.body))
    nearest = Binary("max", total.lower, Sym(rows.var), DType.INT64)
    ends = [(replace(each, lower=nearest), *copy[at + 1 :]) for each, copy in zip(sums, copies, strict=True)]
    body = (*(part for copy in copies for part in copy[:at]), together, *copies[0][at + 1 :], *(part for end in ends[1:] for part in end))
    return made.in_steps(rows, MOST, body)


def _loop(item: Stmt) -> For:
    if not isinstance(item, For):
        raise TypeError("copies of a body have their loops at the same place")
    return item
