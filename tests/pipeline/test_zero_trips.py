"""Sums over nested loops: Python's float where no iteration ran, NumPy's where one did, and the native code where that is certain."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from built import Built, build, profile_of

SOURCE = """
import numpy as np


def rectangle(a, n, m):
    s = 0.0
    for i in range(n):
        for j in range(m):
            s += a[j]
    return s


def upper(a, n, m):
    s = 0.0
    for i in range(n):
        for j in range(i + 1, n):
            s -= a[i] * a[j]
    return s


def lower(a, n, m):
    s = 0.0
    for i in range(n):
        for j in range(i):
            s += a[i] * a[j]
    return s


def integer(a, n, m):
    s = 0
    for i in range(n):
        for j in range(m):
            s += a[i]
    return s


def window(a, n, m):
    out = np.zeros(3)
    for i in range(3):
        s = 0
        for j in range(2):
            for k in range(i, 5):
                s += a[j] * a[k]
        out[i] = s
    return out[0] + out[1] + out[2]


def counted(a, n, m):
    s = 0
    for i in range(n):
        for j in range(m):
            s += a[j]
        s = i
    return s


def integers(a, n, m):
    s = 0
    for i in range(n):
        for j in range(m):
            s += j
    return s


def cube(a, n, m):
    s = 0.0
    for i in range(n):
        for j in range(i):
            for k in range(m):
                s += a[j] * a[k]
    return s


def begins_anew(a, n, m):
    s = 0.0
    for i in range(n):
        s = 1.5
        for j in range(i, m):
            s += a[j]
    return s


def inner_begins_anew(a, n, m):
    s = 0.0
    for i in range(n):
        for j in range(i, m):
            s = 1.5
            for k in range(j, 3):
                s += a[k]
    return s


def taken_back(a, n, m):
    s = 0.0
    for i in range(n):
        for j in range(3):
            s += a[j]
        for j in range(i, m):
            s = 2.5
    return s


def scaled(a, n, m):
    s = 0.0
    for i in range(n):
        for j in range(m):
            s += a[j]
        s = s * 2.0
    return s
"""
NAMES = (
    *("rectangle", "upper", "lower", "integer", "window", "counted"),
    *("integers", "cube", "begins_anew", "inner_begins_anew", "taken_back", "scaled"),
)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    profile = profile_of(SOURCE, "zero_trips.mod", {name: [(np.ones(8), 3, 3)] for name in NAMES})
    return build(tmp_path_factory.mktemp("zero_trips"), "zero_trips", SOURCE, profile)


@pytest.mark.parametrize("name", NAMES)
def test_type_and_value_are_pythons_for_all_sizes(built: Built, name: str) -> None:
    values = np.random.default_rng(3).random(8)
    for n, m in itertools.product(range(-1, 6), repeat=2):
        expected, found = (getattr(module, name)(values, n, m) for module in (built.plain, built.built))
        assert (type(found), found) == (type(expected), expected), (n, m)


@pytest.mark.parametrize(
    ("name", "runs"),
    [
        ("rectangle", lambda n, m: n > 0 and m > 0),
        ("upper", lambda n, m: n > 1),
        ("lower", lambda n, m: n > 1),
        ("integer", lambda n, m: n > 0 and m > 0),
        ("window", lambda n, m: True),
        ("cube", lambda n, m: n > 1 and m > 0),
    ],
)
def test_native_wherever_a_number_was_added(built: Built, name: str, runs: Callable[[int, int], bool]) -> None:
    for n, m in itertools.product(range(5), repeat=2):
        getattr(built.built, name)(np.ones(8), n, m)
        state: Any = getattr(built.built._polyopt, f"{name}_0").__self__
        assert not runs(n, m) or state.refusal is None, (n, m, state.refusal)
