"""Scalars that are Python numbers on one path and NumPy's on another leave a region with the type that the run has given them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from built import Built, build, profile_of

SOURCE = """
import math

import numpy as np


def accumulate(a, c):
    s = 0.0
    for i in range(a.shape[0]):
        if a[i] > c:
            s += a[i]
    return s


def from_integer(a, c):
    s = 0
    for i in range(a.shape[0]):
        if a[i] > c:
            s += a[i]
    return s


def complex_or_integer(a, c):
    s = 0
    for i in range(a.shape[0]):
        if a[i] > c:
            s += a[i] * 1j
    return s


def negative_zero(a, c):
    s = -0.0
    for i in range(a.shape[0]):
        if a[i] > c:
            s *= a[i]
    return s


def computed_with(a, c):
    s = 0.0
    n = 0
    for i in range(a.shape[0]):
        if a[i] > c:
            s = s + a[i] * 2.0
            n += 1
    return s * 0.5 + 1.0, n, math.sqrt(s), np.sqrt(s), -s


def swapped(a, c):
    s = 0.0
    t = 1.0
    for i in range(a.shape[0]):
        if a[i] > c:
            s, t = t, s + a[i]
        else:
            t = s * 3.0
    return s + t, s, t


def nested(a, c):
    s = 0.0
    best = 0.0
    for i in range(a.shape[0]):
        for j in range(i):
            if a[i] < a[j]:
                s -= a[i] * a[j]
        if s > best:
            best = s
    return s, best


def reset(a, c):
    s = 0
    for i in range(a.shape[0]):
        if a[i] > c:
            s = a[i]
        a[i] = s * 2.0
        s = 5
    return s


def inside(a, c):
    s = 0.0
    for i in range(a.shape[0]):
        if a[i] > c:
            s += a[i]
        else:
            s = s * 0.5
        a[i] = s


def once(a, c):
    s = 0
    if c > 0.5:
        s = a[0]
    for i in range(1, a.shape[0]):
        a[i] = a[i - 1] + a[i]
    return s + 1.0, s


def conditional(a, c):
    x = 2.0
    for i in range(a.shape[0]):
        if a[i] > c:
            x = a[i]
        else:
            x = 1.5
    y = x if x > 1.7 else 1.0
    return x, y


def perhaps_empty(a, c):
    s = 0.0
    for i in range(a.shape[0]):
        for j in range(i, a.shape[0] - 3):
            s += a[i] * a[j]
    return s


def read_again(a, c):
    s = 0.0
    for i in range(a.shape[0]):
        if a[i] > c:
            s += a[i]
    for i in range(a.shape[0]):
        a[i] = a[i] / (s + 1.0)
    return s
"""
NAMES = [line[4 : line.index("(")] for line in SOURCE.splitlines() if line.startswith("def ")]
ARRAYS = (np.linspace(0.0, 1.0, 7), np.zeros(5), np.array([0.9]), np.array([0.1, 0.9, 0.2, 0.05]), np.array([]))


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    calls = {name: [(np.ones(7), 0.3)] for name in NAMES}
    return build(tmp_path_factory.mktemp("mixed"), "mixed_scalars", SOURCE, profile_of(SOURCE, "mixed_scalars.mod", calls))


def outcome(function: Any, a: Any, c: float) -> Any:
    """Values, types and the array afterwards, or the exception."""
    a = a.copy()
    try:
        found = function(a, c)
    except (ArithmeticError, IndexError) as error:
        return type(error), str(error)
    values = found if isinstance(found, tuple) else (found,)
    return [(type(value), repr(value)) for value in values], a.tobytes()


@pytest.mark.parametrize("name", NAMES)
def test_types_on_every_path(built: Built, name: str) -> None:
    text = built.compiled.modules["mixed_scalars.mod"].split(f"def {name}(")[1].split("\ndef ")[0]
    assert ("_polyopt_r" in text) == (name != "reset")
    for a in ARRAYS:
        for c in (0.3, 0.7, 5.0):
            assert outcome(getattr(built.built, name), a, c) == outcome(getattr(built.plain, name), a, c), (a, c)


def test_a_tag_that_nobody_asks_for_is_left_out(built: Built) -> None:
    (inside, nested) = (
        next(text for name, text in built.compiled.kernel_sources.items() if wanted in name) for wanted in ("inside", "nested")
    )
    assert "s_type" in nested
    assert "s_type" not in inside
