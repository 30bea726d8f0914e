"""How a region may fail, and what has to be kept for that case: *proved*, *fresh* or *undo* (design, section 2).

Runs after code generation, which knows whether a kernel has operations that can fail or set a floating-point flag.

A kernel that gives up must leave its arguments as the original statements would find them:

| the kernel ... | argument written, never read | argument written and read |
|---|---|---|
| cannot fail nor set a flag | nothing | nothing |
| can only set a flag | copied when a flag would raise | copied always |
| can fail (Python would raise) | copied always | copied always |

The copy of a written, never read argument is not needed where the original runs to its end: it writes the same elements again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from setuptools_polyopt.ir.kernel import Kernel, Role
from setuptools_polyopt.ir.statements import Assign, If, walk
from setuptools_polyopt.ir.statements import For as Loop
from setuptools_polyopt.ir.visitors import loads

Keep: TypeAlias = Literal["always", "when-flags-raise"]


@dataclass(frozen=True, slots=True)
class Safety:
    """`kind` for the report; `keep` says which arguments are copied before the kernel runs, and when."""

    kind: Literal["proved", "fresh", "undo"]
    keep: tuple[tuple[str, Keep], ...]


def safety(kernel: Kernel, can_fail: bool, can_flag: bool) -> Safety:
    """The class of a kernel.

    can_fail: it has checked operations, or it allocates memory; can_flag: it has floating-point operations.
    """
    written = {s.target.array for s in walk(kernel.body) if isinstance(s, Assign)}
    arguments = [a.name for a in kernel.arrays if a.role is Role.ARGUMENT and a.name in written]
    if not can_fail and not can_flag:
        return Safety("proved", ())
    if not arguments:
        return Safety("fresh", ())
    read = _read(kernel)
    keep: list[tuple[str, Keep]] = [(name, "always" if can_fail or name in read else "when-flags-raise") for name in arguments]
    return Safety("undo", tuple(keep))


def _read(kernel: Kernel) -> frozenset[str]:
    names: set[str] = set()
    for statement in walk(kernel.body):
        match statement:
            case Assign(target=target, value=value):
                for expr in (value, *target.indices):
                    names.update(load.array for load in loads(expr))
            case If(cond=cond):
                names.update(load.array for load in loads(cond))
            case Loop(lower=lower, upper=upper):
                names.update(load.array for load in (*loads(lower), *loads(upper)))
            case _:
                pass
    return frozenset(names)
