"""Loops that pick what a mask says, one element after the other.

    for i in 0..n:                          for (...) {
      t[index!(k, n)] = a[i]          ->        if ((i & 7) == 0) while (i + 8 <= n && polyopt_none_of_8(&m[i])) i += 8;
      k = k + int64(m[i])                       if (i >= n) break;
                                                t[polyopt_index(k, n, &failed)] = a[i]; k = k + m[i];
                                            }

Without a branch an element takes about a nanosecond, whatever the mask; most masks are nearly empty, or have long empty stretches. What is
skipped is stored once more by the next element, or is behind the last one that counts.
"""

from __future__ import annotations

from setuptools_polyopt.codegen import affine
from setuptools_polyopt.codegen.function import Function
from setuptools_polyopt.ir.dtypes import DType
from setuptools_polyopt.ir.expressions import Binary, Cast, Load
from setuptools_polyopt.ir.statements import Assign, For


def picking(f: Function, loop: For) -> Load | None:
    """The mask of a loop that picks elements, if eight of its elements can be looked at together."""
    match loop.body:
        case (
            Assign(target=Load(indices=(Binary(op="index", left=place),)), value=Load()),
            Assign(target=Load() as counter, value=Binary(op="add", left=Load() as before, right=Cast(operand=Load() as mask))),
        ) if mask.dtype is DType.BOOL and before == counter == place and loop.kind == "serial" and loop.step == 1:
            moves = [affine.step(index, loop.var) for index in mask.indices]
            return mask if None not in moves and f.stride_bytes(mask, loop.var) == "1" else None
        case _:
            return None
