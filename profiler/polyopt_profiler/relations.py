"""What holds between the values of one call: equal extents and integers, memory that overlaps, one object under two names."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any

from setuptools_polyopt.profile.schema import (
    ArrayProfile,
    ListProfile,
    Range,
    ScalarProfile,
    TupleProfile,
    ValueProfile,
)

_MAX_ARRAYS = 12
_MAX_WORK = 1000
Pairs = tuple[tuple[str, str], ...]


def symbols(name: str, value: ValueProfile) -> Iterator[tuple[str, int]]:
    """The integers that one observed value has, by name: `n`, `a.0`, `shape[1]`, the lengths of rectangular lists."""
    match value:
        case ArrayProfile():
            for axis, extent in enumerate(value.extents):
                yield f"{name}.{axis}", extent.minimum
        case ScalarProfile(range=Range(minimum=minimum)):
            yield name, minimum
        case TupleProfile():
            for index, item in enumerate(value.items):
                yield from symbols(f"{name}[{index}]", item)
        case ListProfile():
            yield from _lengths(name, value)
        case _:
            return


def _lengths(name: str, value: ListProfile) -> Iterator[tuple[str, int]]:
    axis = 0
    level: ValueProfile | None = value
    while isinstance(level, ListProfile) and level.length.constant is not None:
        yield f"{name}.{axis}", level.length.minimum
        level = level.element if level.rectangular else None
        axis += 1


def equal_classes(found: Mapping[str, int]) -> tuple[tuple[str, ...], ...]:
    """The names that have the same number, as classes of two or more."""
    classes: dict[int, list[str]] = {}
    for name, number in found.items():
        classes.setdefault(number, []).append(name)
    return tuple(sorted(tuple(sorted(names)) for names in classes.values() if len(names) > 1))


def sharing(arrays: Sequence[tuple[str, Any]]) -> tuple[Pairs, Pairs]:
    """(overlap, identical): the pairs that share memory, and those that are one object, each pair sorted.

    Interleaved views (`a[::2]`, `a[1::2]`) do not overlap; where that is too hard to say, they count as overlapping.
    """
    overlap = []
    identical = []
    for (first, left), (second, right) in combinations(sorted(arrays[:_MAX_ARRAYS], key=lambda pair: pair[0]), 2):
        if left is right:
            identical.append((first, second))
        elif _overlap(left, right):
            overlap.append((first, second))
    return tuple(overlap), tuple(identical)


def _overlap(left: Any, right: Any) -> bool:
    numpy: Any = sys.modules["numpy"]
    if not numpy.may_share_memory(left, right):
        return False
    try:
        return bool(numpy.shares_memory(left, right, max_work=_MAX_WORK))
    except numpy.exceptions.TooHardError:
        return True
