"""How accesses move when one loop advances: what decides which loop should be innermost, and what is worth tiling.

The loops of a statement are rows of a matrix over its iterators. Advancing loop `m` with the others fixed moves the iterators along the
vector `v` with `row_m . v = 1` and `row . v = 0` for the other rows; the subscripts then move by their coefficients times `v`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction

from setuptools_polyopt.ir.kernel import Array, Layout
from setuptools_polyopt.polyhedral.accesses import Access
from setuptools_polyopt.polyhedral.scop import Scop, Statement
from setuptools_polyopt.polyhedral.spaces import linear

Row = Mapping[str, Fraction]

STRIDED = 8
"""Cost of an access that touches another cache line at every iteration, in units of a contiguous one."""


def solve(rows: Sequence[Row], names: Sequence[str], position: int) -> dict[str, Fraction] | None:
    """The direction in which loop `position` advances with the other loops fixed; None if there is none (the statement does not move) or
    more than one (the loops do not determine the iterators)."""
    matrix = [[row.get(name, Fraction(0)) for name in names] + [Fraction(int(k == position))] for k, row in enumerate(rows)]
    pivots: list[int] = []
    line = 0
    for column in range(len(names)):
        found = next((k for k in range(line, len(matrix)) if matrix[k][column]), None)
        if found is None:
            return None
        matrix[line], matrix[found] = matrix[found], matrix[line]
        scale = matrix[line][column]
        matrix[line] = [value / scale for value in matrix[line]]
        for k in range(len(matrix)):
            if k != line and matrix[k][column]:
                factor = matrix[k][column]
                matrix[k] = [a - factor * b for a, b in zip(matrix[k], matrix[line], strict=True)]
        pivots.append(column)
        line += 1
    if any(matrix[k][-1] for k in range(line, len(matrix))):
        return None
    return {name: matrix[k][-1] for k, name in enumerate(names)}


def in_span(row: Row, others: Sequence[Row]) -> bool:
    """Is a row a combination of the others?"""
    names = sorted({name for r in (row, *others) for name in r})
    return _rank([*others, row], names) == _rank(others, names)


def _rank(rows: Sequence[Row], names: Sequence[str]) -> int:
    matrix = [[row.get(name, Fraction(0)) for name in names] for row in rows]
    rank = 0
    for column in range(len(names)):
        found = next((k for k in range(rank, len(matrix)) if matrix[k][column]), None)
        if found is None:
            continue
        matrix[rank], matrix[found] = matrix[found], matrix[rank]
        for k in range(rank + 1, len(matrix)):
            if matrix[k][column]:
                factor = matrix[k][column] / matrix[rank][column]
                matrix[k] = [a - factor * b for a, b in zip(matrix[k], matrix[rank], strict=True)]
        rank += 1
    return rank


def movement(access: Access, direction: Mapping[str, Fraction]) -> tuple[Fraction, ...] | None:
    """By how much each subscript of an access changes along a direction; None for subscripts that are not linear."""
    if access.subscripts is None:
        return None
    found = []
    for function in access.subscripts:
        row = linear(function)
        if row is None:
            return None
        found.append(sum((factor * direction.get(name, Fraction(0)) for name, factor in row.items()), Fraction(0)))
    return tuple(found)


def access_cost(access: Access, array: Array, direction: Mapping[str, Fraction], local: bool = False) -> int:
    """Cost of one access per iteration along a direction: 0 (does not move), 1 (next element) or STRIDED.

    local: the array is a temporary of the loops in question, which will have no axes but the one that they move along."""
    if not array.rank:
        return 0
    moved = movement(access, direction)
    if moved is None:
        return STRIDED
    if not any(moved):
        return 0
    if local and sum(map(bool, moved)) == 1:
        return 1
    near = 0 if array.layout is Layout.FORTRAN else array.rank - 1
    if array.layout is not Layout.STRIDED and abs(moved[near]) == 1 and not any(m for k, m in enumerate(moved) if k != near):
        return 1
    return STRIDED


def cost(statement: Statement, scop: Scop, rows: Sequence[Row], position: int, local: frozenset[str] = frozenset()) -> int | None:
    """Cost of the statement's accesses when loop `position` is innermost; None if the statement does not move along it.

    local: temporaries of the loops in question."""
    direction = solve(rows, statement.iterators, position)
    if direction is None:
        return None
    return sum(access_cost(a, scop.kernel.array(a.load.array), direction, a.load.array in local) for a in _distinct(statement))


def kept(statement: Statement, scop: Scop, rows: Sequence[Row], position: int) -> int:
    """Axes of the arrays that do not move when loop `position` advances: a measure of what it uses again."""
    direction = solve(rows, statement.iterators, position)
    if direction is None:
        return 0
    still = (a for a in _distinct(statement) if access_cost(a, scop.kernel.array(a.load.array), direction) == 0)
    return sum(scop.kernel.array(a.load.array).rank for a in still)


def jumps(statement: Statement, scop: Scop, rows: Sequence[Row], position: int) -> int:
    """How many accesses touch another cache line at every iteration of loop `position` (0 if the statement does not move along it)."""
    direction = solve(rows, statement.iterators, position)
    if direction is None:
        return 0
    return sum(access_cost(a, scop.kernel.array(a.load.array), direction) >= STRIDED for a in _distinct(statement))


def _distinct(statement: Statement) -> list[Access]:
    """One access per array and subscript, so that an update does not count twice."""
    found = {(a.load.array, a.load.indices): a for a in statement.accesses}
    return list(found.values())
