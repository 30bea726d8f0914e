"""NumPy's loops on reversed arrays: from rank 2 on it may run them from the other end, where some have other bits."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from built import build, profile_of

SOURCE = """
import numpy as np


def updated(a):
    a += np.exp(a[..., ::-1])
    return a * 2.0 + 1.0


def cubed(a):
    return a[..., ::-1] ** 3 + a


def flipped(a):
    return np.exp(a[::-1]) - a * 0.5


def straight(a):
    return np.exp(a) - a * 0.5


def stored(a, out):
    out[...] = np.exp(a) - a * 0.5
"""
NAMES = ("updated", "cubed", "flipped", "straight")


@pytest.mark.parametrize("rank", [1, 2, 3])
def test_bits_of_reversed_operands(tmp_path: Path, rank: int) -> None:
    shape = {1: (301,), 2: (70, 101), 3: (5, 11, 37)}[rank]
    values = np.random.default_rng(rank).standard_normal(shape)
    name = f"turned{rank}"
    calls = {each: [(values.copy(),)] for each in NAMES} | {"stored": [(values.copy(), values.copy())]}
    built = build(tmp_path, name, SOURCE, profile_of(SOURCE, f"{name}.mod", calls))
    for each in NAMES:
        expected, found = (getattr(module, each)(values.copy()) for module in (built.plain, built.built))
        assert expected.tobytes() == found.tobytes(), each
    assert built.built._polyopt.straight_0.__self__.refusal is None
    for view in (values[..., ::-1], values[::-1], values[..., ::-2], values.T):
        found, expected = np.zeros(view.shape), np.zeros(view.shape)
        built.built.stored(view, found)
        built.plain.stored(view, expected)
        assert found.tobytes() == expected.tobytes()
