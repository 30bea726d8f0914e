"""What the threads of a block share: which elements of which arrays they read, so that each element is brought but once.

`polyhedral/reuse` finds it, `codegen/shared` makes kernels of it.
"""

from __future__ import annotations

from dataclasses import dataclass

from setuptools_polyopt.ir.expressions import TRUE, Expr, Load
from setuptools_polyopt.ir.statements import For


@dataclass(frozen=True, slots=True)
class Tile:
    """A box of an array that a block reads: in one strip of the loop over `strip`, or in statements outside of such loops (None).

    name: of the copy. loads: the references that are to read it. low, high: first index and the one after the last of each axis, over
    parameters, `origin` of the block's loops and of the strip's. extents: at most so many elements, axis by axis. where: on the same,
    whether the block reads any of it.
    """

    name: str
    array: str
    loads: frozenset[Load]
    strip: str | None
    low: tuple[Expr, ...]
    high: tuple[Expr, ...]
    extents: tuple[int, ...]
    where: Expr = TRUE


@dataclass(frozen=True, slots=True)
class Tiling:
    """loops: those that threads share, outer first. sides: how many iterations of each a block does. strips: loops inside that are cut into
    strips of `width` iterations, between which the threads of a block wait for each other."""

    loops: tuple[For, ...]
    sides: tuple[int, ...]
    strips: tuple[str, ...]
    width: int
    tiles: tuple[Tile, ...]


def origin(var: str) -> str:
    """The symbol for the first iteration of a loop that a block (or a strip) does. No identifier has a dot."""
    return f"{var}.first"


def parallel_nest(loop: For) -> tuple[For, ...]:
    """A parallel loop and those that are nested in it with nothing in between."""
    found = [loop]
    while len(found[-1].body) == 1 and isinstance(inner := found[-1].body[0], For) and inner.kind == "parallel":
        found.append(inner)
    return tuple(found)
