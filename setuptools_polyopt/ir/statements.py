"""Statements of the Loop IR.

In a kernel that comes from the frontend (*program order*) every loop is serial. In one that comes out of the polyhedral stage (*scheduled*)
steps are positive, loops may be parallel or vector, and `Alloc` says where a temporary lives.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

from setuptools_polyopt.diagnostics import NOWHERE, Span
from setuptools_polyopt.ir.expressions import Expr, Load

LoopKind: TypeAlias = Literal["serial", "parallel", "vector"]


@dataclass(frozen=True, slots=True)
class Assign:
    """`target = value`; the types agree. `label` names the statement uniquely within the kernel (`S0`, `S1`, ...); the instances that a
    schedule makes of one statement carry its label."""

    target: Load
    value: Expr
    span: Span = NOWHERE
    label: str = ""


@dataclass(frozen=True, slots=True)
class For:
    """`for var in range(lower, upper, step)`: upper excluded, step a non-zero constant (negative counts down, as in Python).

    parallel: iterations are independent (scalars and temporaries allocated inside are private). vector: innermost, iterations independent.
    `note` says in words what the loop is (`tile`, `point`, `wavefront`).
    """

    var: str
    lower: Expr
    upper: Expr
    step: int
    body: Block
    kind: LoopKind = "serial"
    note: str = ""
    span: Span = NOWHERE


@dataclass(frozen=True, slots=True)
class If:
    cond: Expr
    body: Block
    orelse: Block = ()
    span: Span = NOWHERE


@dataclass(frozen=True, slots=True)
class Alloc:
    """The named temporary exists from here to the end of the enclosing block, with undefined contents."""

    array: str


Stmt: TypeAlias = Assign | For | If | Alloc
Block: TypeAlias = tuple[Stmt, ...]


def walk(body: Block) -> Iterator[Stmt]:
    """All statements of a block, outer before inner, in program order."""
    for statement in body:
        yield statement
        match statement:
            case For():
                yield from walk(statement.body)
            case If():
                yield from walk(statement.body)
                yield from walk(statement.orelse)
            case _:
                pass
