"""Tuples (and records) as the names of their items: where paths meet, and round loops, each item is a name of its own.

    state = (x, y)         ->     state[0] = x;  state[1] = y
    for k in range(n):            for k in 0..n:
        state = f(state)              state[0], state[1] = ...

The brackets cannot clash with names of the program.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from setuptools_polyopt.frontend.values import RecordValue, TupleValue, Value

Group = TupleValue | RecordValue
"""What consists of parts."""


def leaf(name: str, position: int) -> str:
    """The name of an item."""
    return f"{name}[{position}]"


def root(name: str) -> str:
    """The name of the program that an item belongs to."""
    return name.partition("[")[0]


def leaves(name: str, value: Value) -> dict[str, Value]:
    """What a name stands for, tuples item by item."""
    if not isinstance(value, Group):
        return {name: value}
    return {key: part for k, item in enumerate(value.items) for key, part in leaves(leaf(name, k), item).items()}


def mapped(name: str, value: Value, change: Callable[[str, Value], Value]) -> Value:
    """The value with each of its items changed, given its name."""
    if not isinstance(value, Group):
        return change(name, value)
    items = tuple(mapped(leaf(name, k), item, change) for k, item in enumerate(value.items))
    return value if all(new is old for new, old in zip(items, value.items, strict=True)) else replace(value, items=items)


def rebuilt(name: str, shape: Value, found: Mapping[str, Value]) -> Value:
    """A value of that shape with these items."""
    return mapped(name, shape, lambda key, _: found[key])


def alike(first: Value, second: Value) -> bool:
    """Whether two values are tuples of one kind, items included."""
    if not isinstance(first, Group) or not isinstance(second, Group):
        return isinstance(first, Group) == isinstance(second, Group)
    same = type(first) is type(second) and len(first.items) == len(second.items) and first.kind == second.kind
    return same and all(alike(a, b) for a, b in zip(first.items, second.items, strict=True))
