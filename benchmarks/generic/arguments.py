"""Arguments for the functions of ``expressions.py``, by the names of their parameters."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from types import ModuleType

import numpy as np

PLACES = "abcfgijzwuvqr"


def functions(module: ModuleType) -> Mapping[str, Callable[..., object]]:
    """The functions that the module defines, in its order."""
    return {name: function for name, function in vars(module).items() if inspect.isfunction(function)}


def arguments(function: Callable[..., object], side: int) -> tuple[np.ndarray, ...]:
    """Arrays of ``side * side`` elements or so for a function; the same ones at every call."""
    return tuple(_array(name, side) for name in inspect.signature(function).parameters)


def _array(name: str, side: int) -> np.ndarray:
    shapes = {"u": (side * side,), "v": (side * side,), "q": (max(1, side // 10), side, 10), "r": (max(1, side // 10), side, 10)}
    rng = np.random.default_rng([PLACES.index(name), side])
    numbers = 1.0 + 9.0 * rng.random(shapes.get(name, (side, side)))
    match name:
        case "f" | "g":
            return numbers.astype(np.float32)
        case "i" | "j":
            return numbers.astype(np.int64)
        case "z" | "w":
            return numbers + 1j * rng.random(numbers.shape)
        case _:
            return numbers
