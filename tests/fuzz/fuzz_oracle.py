"""CPython as the oracle: run a function, note everything observable, compare two such notes."""

from __future__ import annotations

import struct
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Observed:
    """What a call did: the result or the exception, the warnings in order, and the state of every argument afterwards."""

    result: object
    exception: tuple[str, str] | None
    warnings: tuple[tuple[str, str], ...]
    arguments: tuple[object, ...]
    places: tuple[int, ...] = ()
    """Which of the lists in arguments and result are one object, in order of their appearance."""


def canonical(value: object, arguments: Sequence[Any] = ()) -> object:
    """A value as something that compares equal exactly when type, dtype, layout, identity with an argument, and bits are equal."""
    for index, argument in enumerate(arguments):
        if value is argument and isinstance(value, np.ndarray | list):
            return ("argument", index)
    match value:
        case np.ndarray():
            strides = tuple(s if e > 1 else 0 for s, e in zip(value.strides, value.shape, strict=True)) if value.size else ()
            return (type(value).__name__, value.dtype.str, value.shape, strides, value.flags.writeable, _bits(value))
        case np.generic():
            return (type(value).__name__, _bits(np.asarray(value)))
        case float():
            return ("float", "nan" if value != value else struct.pack("d", value))
        case complex():
            return ("complex", canonical(value.real), canonical(value.imag))
        case tuple() | list():
            return (type(value).__name__, tuple(canonical(item, arguments) for item in value))
        case int():
            return (type(value).__name__, hex(value))  # of any length, which `repr` is not
        case _:
            return (type(value).__name__, repr(value))


def _bits(array: Any) -> bytes:
    """The bytes of the elements; all NaNs count as one, since their payload is nobody's promise."""
    flat = np.ascontiguousarray(array).reshape(-1)
    if flat.dtype.kind in "fc":
        parts = flat.astype(flat.dtype.newbyteorder("=")).view(f"f{flat.dtype.itemsize // (2 if flat.dtype.kind == 'c' else 1)}")
        parts = np.where(np.isnan(parts), np.array(np.nan, parts.dtype), parts)
        return parts.tobytes()
    return flat.tobytes()


def _shared(value: object, arguments: Sequence[Any]) -> tuple[tuple[int, int], ...]:
    """Which arrays of a result share memory with which earlier ones or with arguments."""
    found = [item for item in (value if isinstance(value, tuple) else (value,)) if isinstance(item, np.ndarray)]
    arrays = [*(item for item in arguments if isinstance(item, np.ndarray)), *found]
    pairs = ((k, len(arrays) - len(found) + i) for i in range(len(found)) for k in range(len(arrays) - len(found) + i))
    return tuple((k, i) for k, i in pairs if np.may_share_memory(arrays[k], arrays[i]))


MODES: dict[str, tuple[str, dict[str, str]]] = {
    "usual": ("always", {}),
    "error": ("error", {}),
    "quiet": ("always", {"all": "ignore"}),
    "raise": ("always", {"all": "raise"}),
    "mixed": ("always", {"divide": "raise", "over": "ignore", "under": "warn", "invalid": "warn"}),
    "once": ("default", {}),
}
"""Filters and floating-point modes under which a call must agree: action for warnings, arguments of `np.errstate`."""


def observe(function: Callable[..., object], arguments: Sequence[Any], mode: str = "usual") -> Observed:
    """Call and note everything, with every warning recorded (as far as the mode lets them through)."""
    result: object = None
    exception = None
    action, errors = MODES[mode]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter(action)  # type: ignore[arg-type]
        try:
            with np.errstate(**errors):  # type: ignore[arg-type]
                value = function(*arguments)
                result = (canonical(value, arguments), _shared(value, arguments))
        except Exception as error:
            exception = (type(error).__name__, str(error))
    known: dict[int, int] = {}
    places = tuple(_places((*arguments, None if exception else value), known))
    notes = tuple((w.category.__name__, str(w.message)) for w in caught)
    return Observed(result, exception, notes, tuple(canonical(argument) for argument in arguments), places)


def _places(value: object, known: dict[int, int]) -> Iterator[int]:
    if isinstance(value, list):
        yield known.setdefault(id(value), len(known))
    if isinstance(value, list | tuple):
        for item in value:
            yield from _places(item, known)


def difference(plain: Observed, built: Observed) -> str | None:
    """The first thing in which two calls differ, in words; None where they agree."""
    for name in ("exception", "result", "warnings", "arguments", "places"):
        a, b = getattr(plain, name), getattr(built, name)
        if a != b:
            return f"{name}: plain {a!r}, built {b!r}"
    return None
