"""A place in decoded JSON: takes values out with a check, and names the place when one is wrong."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from setuptools_polyopt.profile.errors import ProfileError
from setuptools_polyopt.profile.schema import Range

_T = TypeVar("_T")
_RANGE = re.compile(r"(-?[0-9]{1,24})(?:\.\.(-?[0-9]{1,24}))?")
_LONGEST = 1000


@dataclass(frozen=True)
class Cursor:
    """The JSON `value` found at `path`. Every method raises `ProfileError` where the value is not what it asks for."""

    path: str
    value: object

    def wrong(self, expected: str) -> ProfileError:
        """The error to raise: this place should have held `expected`."""
        shown = repr(self.value)
        shown = shown if len(shown) <= 60 else shown[:57] + "..."
        return ProfileError(f"{self.path.lstrip('.') or 'the file'} should be {expected}, not {shown}")

    def keys(self, *required: str, optional: tuple[str, ...] = ()) -> None:
        """Check that this is an object with exactly these keys."""
        found = self._object()
        for name in required:
            if name not in found:
                raise ProfileError(f"{self.path.lstrip('.') or 'the file'} has no {name!r}")
        unknown = sorted(found.keys() - {*required, *optional})
        if unknown:
            raise ProfileError(f"{self.path.lstrip('.') or 'the file'} has the unknown key {unknown[0]!r}")

    def get(self, name: str) -> Cursor:
        """The value of a key that has to be there."""
        found = self._object()
        if name not in found:
            raise ProfileError(f"{self.path.lstrip('.') or 'the file'} has no {name!r}")
        return Cursor(f"{self.path}.{name}", found[name])

    def find(self, name: str, default: object = None) -> Cursor:
        """The value of a key, or `default`."""
        return Cursor(f"{self.path}.{name}", self._object().get(name, default))

    def mapping(self, decode: Callable[[Cursor], _T], key: re.Pattern[str] = re.compile(r"\S+")) -> dict[str, _T]:
        """An object whose keys match `key`, with decoded values, sorted by key."""
        found = self._object()
        for name in found:
            if len(name) > _LONGEST or not key.fullmatch(name):
                raise ProfileError(f"{self.path.lstrip('.')} has the key {name[:80]!r}, which is not a name")
        return {name: decode(Cursor(f"{self.path}[{name!r}]", found[name])) for name in sorted(found)}

    def items(self, decode: Callable[[Cursor], _T]) -> tuple[_T, ...]:
        """An array with decoded items."""
        if not isinstance(self.value, list):
            raise self.wrong("a list")
        return tuple(decode(Cursor(f"{self.path}[{index}]", item)) for index, item in enumerate(self.value))

    def names(self) -> tuple[str, ...]:
        """An array of strings."""
        return self.items(Cursor.text)

    def text(self, pattern: re.Pattern[str] | None = None) -> str:
        """A string of bounded length that matches `pattern`."""
        value = self.value
        if not isinstance(value, str) or len(value) > _LONGEST or (pattern and not pattern.fullmatch(value)):
            raise self.wrong(f"a string like {pattern.pattern}" if pattern else "a string")
        return value

    def count(self) -> int:
        """An integer, zero or more."""
        if not isinstance(self.value, int) or isinstance(self.value, bool) or self.value < 0:
            raise self.wrong("a count")
        return self.value

    def fraction(self) -> float:
        """A number from 0 to 1."""
        if not isinstance(self.value, (int, float)) or isinstance(self.value, bool) or not 0 <= self.value <= 1:
            raise self.wrong("a number from 0 to 1")
        return float(self.value)

    def flag(self) -> bool:
        """true or false."""
        if not isinstance(self.value, bool):
            raise self.wrong("true or false")
        return self.value

    def range(self) -> Range:
        """The range that "4" or "5..8" says."""
        match = _RANGE.fullmatch(self.value) if isinstance(self.value, str) else None
        if match is None:
            raise self.wrong('a range like "4" or "5..8"')
        first = int(match[1])
        last = first if match[2] is None else int(match[2])
        if last < first:
            raise self.wrong("a range that does not fall")
        return Range(first, last)

    def _object(self) -> dict[str, object]:
        if not isinstance(self.value, dict):
            raise self.wrong("an object")
        return self.value
