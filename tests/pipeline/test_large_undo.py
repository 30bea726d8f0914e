"""Copies for undo that all threads make, and those that go past the caches, come back whole when the run fails."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from built import build, profile_of

SOURCE = """
def grow(a, factor):
    for i in range(a.shape[0]):
        for j in range(1, a.shape[1]):
            a[i, j] = a[i, j] * factor + a[i, j - 1]
"""


@pytest.mark.parametrize("shape", [(190, 201), (1050, 2011)])
def test_a_failure_leaves_an_array_as_the_original_does(tmp_path: Path, shape: tuple[int, int]) -> None:
    built = build(tmp_path, f"large{shape[0]}", SOURCE, profile_of(SOURCE, f"large{shape[0]}.mod", {"grow": [(np.ones((3, 3)), 2.0)]}))
    values = np.random.default_rng(1).random(shape)
    values[0, 1] = 1e308  # the original stops at once; the kernel has gone through everything by then
    seen = []
    for module in (built.plain, built.built):
        given = values.copy()
        with np.errstate(over="raise"), pytest.raises(FloatingPointError, match="overflow"):
            module.grow(given, 2.0)
        seen.append(given.tobytes())
    assert seen[0] == seen[1]
