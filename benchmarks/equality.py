"""Bit-for-bit comparison of what two copies of a program return and leave behind.

Stricter than ``==`` on purpose: types, dtypes, strides, the sign of zero and the bits of NaN count, and so does the state of random
generators.  Objects of two copies of one class are compared by their attributes, since the classes themselves differ.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence

import numpy as np


def difference(left: object, right: object, where: str = "result") -> str | None:
    """The first difference between two values in words, or ``None`` where there is none."""
    if type(left).__qualname__ != type(right).__qualname__:
        return f"{where}: {type(left).__qualname__} against {type(right).__qualname__}"
    match left, right:
        case np.ndarray(), np.ndarray():
            return _arrays(left, right, where)
        case np.generic(), np.generic():
            return None if left.tobytes() == right.tobytes() else f"{where}: {left!r} against {right!r}"
        case float(), float():
            same = struct.pack("d", left) == struct.pack("d", right)
        case complex(), complex():
            same = struct.pack("dd", left.real, left.imag) == struct.pack("dd", right.real, right.imag)
        case np.random.Generator(), np.random.Generator():
            return difference(left.bit_generator.state, right.bit_generator.state, f"{where}.state")
        case (str(), str()) | (bytes(), bytes()) | (int(), int()) | (None, None):
            same = left == right
        case Mapping(), Mapping():
            return _mappings(left, right, where)
        case Sequence(), Sequence():
            return _sequences(left, right, where)
        case _ if hasattr(left, "__dict__"):
            return _mappings(vars(left), vars(right), where)
        case _:
            raise TypeError(f"{where}: no comparison for {type(left).__qualname__}")
    return None if same else f"{where}: {left!r} against {right!r}"


def _arrays(left: np.ndarray, right: np.ndarray, where: str) -> str | None:
    for name in ("dtype", "shape", "strides"):
        a, b = getattr(left, name), getattr(right, name)
        if a != b:
            return f"{where}.{name}: {a} against {b}"
    if left.tobytes() == right.tobytes():
        return None
    bits = [np.ascontiguousarray(x).reshape(-1).view(np.uint8).reshape(left.size, -1) for x in (left, right)]
    unequal = np.flatnonzero((bits[0] != bits[1]).any(axis=1))
    at = np.unravel_index(unequal[0], left.shape)
    spot = ", ".join(str(int(i)) for i in at)
    return f"{where}[{spot}]: {left[at]!r} against {right[at]!r} ({len(unequal)} of {left.size} elements differ)"


def _mappings(left: Mapping[str, object], right: Mapping[str, object], where: str) -> str | None:
    if list(left) != list(right):
        return f"{where}: keys {list(left)} against {list(right)}"
    found = (difference(left[key], right[key], f"{where}.{key}") for key in left)
    return next((text for text in found if text is not None), None)


def _sequences(left: Sequence[object], right: Sequence[object], where: str) -> str | None:
    if len(left) != len(right):
        return f"{where}: length {len(left)} against {len(right)}"
    found = (difference(a, b, f"{where}[{i}]") for i, (a, b) in enumerate(zip(left, right, strict=True)))
    return next((text for text in found if text is not None), None)
