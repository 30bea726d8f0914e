"""Guards on the identity of names: a rebound name fails the guard, the restored one passes again."""

from __future__ import annotations

import builtins
import functools
import math
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
import pytest

NAMES = [
    "np",
    "range",
    "sqrt",
    "root",
    "helper",
    "N",
    "EPS",
    "FLAG",
    "NOTHING",
    "linalg",
    "abs",
    "sum",
    "zeros",
    "float64",
    "pi",
]


def ok(user: ModuleType, name: str) -> bool:
    index = NAMES.index(name)
    found = user._polyopt.globals(index, 1)
    assert found in (-1, index)
    return bool(found == -1)


def test_all_hold_at_first(user: ModuleType) -> None:
    assert user._polyopt.globals(0, len(NAMES)) == -1


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("np", math),
        ("root", math.cos),
        ("root", lambda x: x),
        ("helper", lambda x: x + 1.0),
        ("helper", len),
        ("N", 101),
        ("N", 100.0),
        ("N", True),
        ("N", 2**70),
        ("EPS", 0.5),
        ("EPS", np.float64(0.25)),
        ("FLAG", 1),
        ("FLAG", False),
        ("NOTHING", 0),
        ("range", lambda n: []),
        ("range", range),
    ],
)
def test_a_rebound_global_fails_and_the_restored_one_passes(
    user: ModuleType, monkeypatch: pytest.MonkeyPatch, name: str, value: object
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(user, name, value, raising=False)
        assert not ok(user, name)
    assert ok(user, name)


@pytest.mark.parametrize("name", ["np", "root", "helper", "N", "EPS"])
def test_a_deleted_global_fails(user: ModuleType, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    with monkeypatch.context() as patch:
        patch.delattr(user, name)
        assert not ok(user, name)
    assert ok(user, name)


def test_equal_constants_pass_though_they_are_other_objects(user: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(user, "EPS", float("0.25"))
    assert ok(user, "EPS")


@pytest.mark.parametrize("name", ["sqrt", "linalg", "abs", "sum", "zeros", "float64", "pi"])
def test_attributes_of_numpy(user: ModuleType, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    original = getattr(np, name)

    def stand_in(*args: Any) -> object:
        return original(*args)

    replacements: list[object] = [stand_in, np.cos, None, 3.0, math]
    if callable(original):
        replacements.append(functools.wraps(original)(stand_in))
    for replacement in replacements:
        with monkeypatch.context() as patch:
            patch.setattr(np, name, replacement)
            assert not ok(user, name), replacement
        assert ok(user, name)


def test_a_patched_builtin(user: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(builtins, "range", lambda *args: [])
        assert not ok(user, "range")
    assert ok(user, "range")


def test_a_function_of_another_line_is_another_function(user: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    space: dict[str, Callable[[float], float]] = user.__dict__
    before = user.helper
    exec("\n\n\ndef helper(x):\n    return x - 1.0\n", space)
    try:
        assert not ok(user, "helper")
    finally:
        user.helper = before
    assert ok(user, "helper")


def test_the_refusal_names_the_global(user: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    y = np.zeros(2)
    monkeypatch.setattr(user, "np", math)
    assert user._polyopt.axpy(1.0, np.ones(2), y) is None
    assert user._polyopt.axpy.__self__.refusal == "globals: name was rebound: np"
