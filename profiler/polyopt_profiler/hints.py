"""From observed values to type hints as text.

A hint is given only where the profile leaves no doubt: what was a list of several types, or an object of a class, gets none.
Several variants give a union.
"""

from __future__ import annotations

from collections.abc import Iterable

from setuptools_polyopt.profile.schema import (
    ArrayProfile,
    ListProfile,
    MixedProfile,
    NoneProfile,
    OtherProfile,
    ScalarProfile,
    StrProfile,
    TupleProfile,
    ValueProfile,
)

_BUILTINS = frozenset(
    {"int", "float", "complex", "bool", "dict", "set", "frozenset", "bytes", "bytearray", "range", "slice"}
)
_NUMBERS = frozenset({"bool", "complex64", "complex128", "float16", "float32", "float64"}) | {
    f"{sign}int{size}" for sign in ("", "u") for size in (8, 16, 32, 64)
}
_MAX_UNION = 3


def hint(values: Iterable[ValueProfile | None]) -> str | None:
    """One hint for all that was seen at one place, or None where there is none to give. `None` values are results of
    calls that never ended."""
    texts = {None if value is None else _text(value) for value in values}
    known = sorted((text for text in texts if text is not None), key=lambda text: (text == "None", text))
    return None if None in texts or not 1 <= len(known) <= _MAX_UNION else " | ".join(known)


def _text(value: ValueProfile) -> str | None:
    match value:
        case ArrayProfile():
            return f"NDArray[np.{_numpy(value.dtype)}]" if value.dtype in _NUMBERS else None
        case ScalarProfile():
            return _scalar(value.type)
        case ListProfile():
            inner = None if value.element is None else _text(value.element)
            return f"list[{inner}]" if inner else "list" if value.element is None else None
        case TupleProfile():
            items = [_text(item) for item in value.items]
            return None if None in items or not items else f"tuple[{', '.join(map(str, items))}]"
        case NoneProfile():
            return "None"
        case StrProfile():
            return "str"
        case OtherProfile():
            return value.type if value.type in _BUILTINS else None
        case MixedProfile():
            return _union(value)


def _union(value: MixedProfile) -> str | None:
    if not set(value.types) <= {*_BUILTINS, "str", "None"} or len(value.types) > _MAX_UNION:
        return None
    return " | ".join(sorted(value.types, key=lambda name: (name == "None", name)))


def _scalar(name: str) -> str | None:
    if name in _BUILTINS:
        return name
    module, _, kind = name.partition(".")
    return f"np.{_numpy(kind)}" if module == "numpy" and kind in _NUMBERS else None


def _numpy(name: str) -> str:
    return "bool_" if name == "bool" else name
