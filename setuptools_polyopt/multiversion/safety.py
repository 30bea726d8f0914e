"""How a region may fail, and what has to be kept for that case: *proved*, *fresh* or *undo* (design, section 2).

Runs after code generation, which knows whether a kernel has operations that can fail or set a floating-point flag. A kernel that gives
up must leave its arguments as the original statements would find them:

| the kernel ... | elements written, old value not needed | elements whose old value is read and that are written |
|---|---|---|
| cannot fail nor set a flag | nothing | nothing |
| can only set a flag | copied when a flag would raise | copied always |
| can fail (Python would raise) | copied always | copied always |

The copy of an element whose old value is not needed can be spared where the original runs to its end: it writes it again.

A copy costs as much as there are elements in the box, however few of them are written. Where data decides which ones are, and where the
kernel stores them one by one, it logs what it overwrites instead of a copy made always.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from setuptools_polyopt.codegen.log import MOST
from setuptools_polyopt.ir.expressions import Expr
from setuptools_polyopt.ir.kernel import Kernel, Role
from setuptools_polyopt.ir.statements import Assign, walk

Box: TypeAlias = tuple[tuple[Expr, Expr], ...]


@dataclass(frozen=True, slots=True)
class Kept:
    """A copy of a box of an argument: per axis the first index and the one after the last, to be clipped to the extents."""

    array: str
    when: Literal["always", "when-flags-raise"]
    box: Box


@dataclass(frozen=True, slots=True)
class Safety:
    """`kind` for the report; `keep` says what is copied before the kernel runs, and when; `logged` where the kernel notes what it
    overwrites instead, and `foreseen` then whether the estimate of the work does not hang on data."""

    kind: Literal["proved", "fresh", "undo"]
    keep: tuple[Kept, ...] = ()
    logged: tuple[Kept, ...] = ()
    foreseen: bool = False


def safety(
    kernel: Kernel,
    can_fail: bool,
    can_flag: bool,
    must_keep: Callable[[Kernel, bool], Mapping[str, Box]],
    private: frozenset[str] = frozenset(),
) -> Safety:
    """The class of a kernel in program order.

    can_fail: it has checked operations. can_flag: it has floating-point operations, or memory that it needs may be lacking (after either
    the original runs to its end). must_keep: the boxes of
    elements (all that are written; or those whose old value is read), from the polyhedral stage. private: arguments that are copies, which
    nobody sees if the run fails.
    """
    if not can_fail and not can_flag:
        return Safety("proved")
    written = {s.target.array for s in walk(kernel.body) if isinstance(s, Assign)}
    if not any(array.role is Role.ARGUMENT and array.name in written - private for array in kernel.arrays):
        return Safety("fresh")
    everything = {name: box for name, box in must_keep(kernel, True).items() if name not in private}
    if can_fail:
        return Safety("undo", tuple(Kept(name, "always", box) for name, box in everything.items()))
    needed = {name: box for name, box in must_keep(kernel, False).items() if name not in private}
    keep = [Kept(name, "always", box) for name, box in needed.items()]
    keep += [Kept(name, "when-flags-raise", box) for name, box in everything.items() if needed.get(name) != box]
    return Safety("undo", tuple(keep))


def with_log(safety: Safety, arrays: Mapping[str, bool]) -> Safety:
    """The same with a log, instead of copies, of those of these arrays of which there is always a copy. True: data decides how long the
    loops run that write it."""
    chosen = [item for item in safety.keep if item.when == "always" and item.array in arrays][:MOST]
    names = {item.array for item in chosen}
    rest = tuple(item for item in safety.keep if item.array not in names)
    return replace(safety, keep=rest, logged=tuple(chosen), foreseen=not any(arrays[name] for name in names))
