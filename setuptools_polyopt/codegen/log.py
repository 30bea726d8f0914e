"""Stores that note what was there, so that a run that is given up can take them back.

    parent[index(x)] = y        const int64_t at = polyopt_index(x, n, &failed);
                                if (polyopt_log_64(ctx, &undo, 0, at, &parent[at])) goto stop;
                                parent[at] = y;

A kernel that logs is printed twice: as it is, for calls that have copies, and with notes, for those whose context has a log.

Only in the kernel's own function, where one thread runs, and not where a compiler is told to make vectors of a loop: what is stored there,
or by an inner loop of NumPy's, needs a copy of the array before the run.
"""

from __future__ import annotations

from setuptools_polyopt.codegen.blocks import block_call
from setuptools_polyopt.codegen.function import Function
from setuptools_polyopt.codegen.storage import disjoint
from setuptools_polyopt.ir.expressions import Load
from setuptools_polyopt.ir.kernel import Kernel
from setuptools_polyopt.ir.statements import Assign, Block, For, If, Serial, While, walk

MOST = 16
"""POLYOPT_LOGGED of polyopt.h."""


def loggable(kernel: Kernel) -> frozenset[str]:
    """The arrays of a scheduled kernel whose stores are all printed one by one in its own function."""
    written = {item.target.array for item in walk(kernel.body) if isinstance(item, Assign)}
    return frozenset(written - _together(kernel, kernel.body))


def _together(kernel: Kernel, body: Block) -> set[str]:
    """The arrays that loops store into with several threads, as vectors, or by one call."""
    found: set[str] = set()
    for item in body:
        match item:
            case For() if item.kind != "serial" or block_call(item, lambda a, b: disjoint(kernel, a, b)):
                found |= {inner.target.array for inner in walk(item.body) if isinstance(inner, Assign)}
            case For() | Serial() | While():
                found |= _together(kernel, item.body)
            case If():
                found |= _together(kernel, item.body) | _together(kernel, item.orelse)
            case _:
                pass
    return found


def log_store(f: Function, target: Load) -> str:
    """The element to store into, after a line that notes what is there."""
    if f.parent is not None or f.vector:
        raise TypeError(f"stores into {target.array} cannot be logged")
    array = f.unit.arrays[target.array]
    kind = f"pair_{4 * array.dtype.itemsize}" if array.dtype.kind == "c" else str(8 * array.dtype.itemsize)
    at = f.unit.names.fresh("at")
    f.line(f"const int64_t {at} = {f.offset(target)};")
    place = f"{f.pointer(target.array)}[{at}]"
    f.line(f"if (polyopt_log_{kind}(ctx, &undo, {f.unit.options.logged.index(target.array)}, {at}, &{place})) goto stop;")
    return place
