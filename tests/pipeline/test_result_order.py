"""The memory order of results where operands lie in memory in different orders."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from built import build, profile_of

SOURCE = """
def turned(a, b, x):
    return a.T * 2.0 + b


def behind(a, b, x):
    return b - a.T - a[0]


def outer(a, b, x):
    return (x.T - x) * 2.0


def alone(a, b, x):
    return x.T * 2.0 + 1.0


def reversed_axes(a, b, x):
    return a.T * 2.0 + 1.0


def across(a, b, x):
    return a[::-1, :] * b + a[:, ::-1]
"""
NAMES = ("turned", "behind", "outer", "alone", "reversed_axes", "across")


def test_strides_are_numpys(tmp_path: Path) -> None:
    def arguments(count: int, turn: bool) -> list[np.ndarray]:
        rng = np.random.default_rng(count)
        a, b, points = rng.random((count, count)), rng.random((count, count)), rng.random((count, 3))
        return [a.T if turn else a, b, points[:, 1:2]]

    profile = profile_of(SOURCE, "order.mod", {name: [arguments(4, False)] for name in NAMES})
    built = build(tmp_path, "order", SOURCE, profile)
    for name in NAMES:
        for count in (1, 2, 5):
            for turn in (False, True):
                expected, found = (getattr(module, name)(*arguments(count, turn)) for module in (built.plain, built.built))
                assert (expected.strides, expected.tobytes()) == (found.strides, found.tobytes()), (name, count, turn)
    optimised = {region.function for module in built.compiled.report.modules for region in module.regions}
    # `turned` is left: where the arrays are large NumPy writes the sum into the temporary, which lies in memory like `a.T`
    assert optimised == {"behind", "outer", "alone", "across", "reversed_axes"}, built.compiled.report.modules[0].missed
