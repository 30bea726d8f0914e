"""Sums of integers may be made in any order, so their loops are written for vectors, comparisons with NaN included."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from built import build, profile_of

SOURCE = """
import numpy as np


def above(a):
    return np.sum(a > 0.5)


def squares(a):
    return np.sum((a * 8).astype(np.int64) * 3)


def total(a):
    s = 0.0
    for i in range(a.shape[0]):
        s += a[i]
    return s
"""


def test_integer_sums_are_vector_loops_and_float_sums_are_not(tmp_path: Path) -> None:
    names = ("above", "squares", "total")
    built = build(tmp_path, "gathered", SOURCE, profile_of(SOURCE, "gathered.mod", {name: [(np.ones(9),)] for name in names}))
    text = {region: source for path, source in built.compiled.kernel_sources.items() for region in names if region in path}
    assert "polyopt_vector_gt_f64" in text["above"]
    for count in (0, 1, 7, 1000):
        values = np.random.default_rng(count).random(count)
        values[::5] = np.nan
        for name in ("above", "total") if count else ("above",):
            with np.errstate(all="raise"):
                expected, found = getattr(built.plain, name)(values), getattr(built.built, name)(values)
            assert type(expected) is type(found)
            assert np.array_equal(expected, found, equal_nan=True)
        expected, found = built.plain.squares(np.nan_to_num(values)), built.built.squares(np.nan_to_num(values))
        assert (type(expected), expected) == (type(found), found)
