"""Statements of the Loop IR.

In a kernel that comes from the frontend (*program order*) every loop is serial. In one that comes out of the polyhedral stage (*scheduled*)
steps are positive (but inside a `Serial`), loops may be parallel or vector, and `Alloc` says where a temporary lives.

What data steers (`while`, `break`, bounds that are read from an array) is inside a `Serial`: one statement to the polyhedral stage, which
runs as it is written. Loops inside it that data does not steer are kernels of their own to that stage (`polyhedral/nested`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

from setuptools_polyopt.diagnostics import NOWHERE, Span
from setuptools_polyopt.ir.expressions import Expr, Load

LoopKind: TypeAlias = Literal["serial", "parallel", "vector", "library"]


@dataclass(frozen=True, slots=True)
class Assign:
    """`target = value`; the types agree. `label` names the statement uniquely within the kernel (`S0`, `S1`, ...); the instances that a
    schedule makes of one statement carry its label. free: it adds up the products of a call whose order is a library's own (`a @ b`), so a
    library may do that too."""

    target: Load
    value: Expr
    span: Span = NOWHERE
    label: str = ""
    free: bool = False


@dataclass(frozen=True, slots=True)
class For:
    """`for var in range(lower, upper, step)`: upper excluded, step a non-zero constant (negative counts down, as in Python).

    parallel: iterations are independent (scalars and temporaries allocated inside are private). vector: innermost, iterations independent.
    library: this loop over the rows of a `Product`'s left operand, the one inside over the columns of its right one, and a single `Assign`
    are one call of a library. They count from 0 by one, and stand in a `Serial`, which keeps them together.
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


@dataclass(frozen=True, slots=True)
class Serial:
    """Statements that run in the order of the text, whatever they depend on. Only here may loops have bounds of any kind (evaluated once,
    at the loop's entry), and only here may `While`, `Break` and `Continue` stand."""

    body: Block
    span: Span = NOWHERE


@dataclass(frozen=True, slots=True)
class While:
    """Runs the body as long as the condition, evaluated before each iteration, holds."""

    cond: Expr
    body: Block
    span: Span = NOWHERE


@dataclass(frozen=True, slots=True)
class Break:
    """Leaves the innermost loop, `For` or `While`, within the `Serial`."""


@dataclass(frozen=True, slots=True)
class Continue:
    """Goes on with the next iteration of the innermost loop within the `Serial`."""


Stmt: TypeAlias = Assign | For | If | Alloc | Serial | While | Break | Continue
Block: TypeAlias = tuple[Stmt, ...]


def walk(body: Block, serial: bool = True) -> Iterator[Stmt]:
    """All statements of a block, outer before inner, in program order. serial: those inside a `Serial` too."""
    for statement in body:
        yield statement
        match statement:
            case Serial() if not serial:
                pass
            case For() | Serial() | While():
                yield from walk(statement.body, serial)
            case If():
                yield from walk(statement.body, serial)
                yield from walk(statement.orelse, serial)
            case _:
                pass


def jumps(body: Block) -> bool:
    """Whether a block holds a `Break` or `Continue` that belongs to the loop whose body it is."""
    for statement in body:
        match statement:
            case Break() | Continue():
                return True
            case If() if jumps(statement.body) or jumps(statement.orelse):
                return True
            case _:
                pass
    return False
