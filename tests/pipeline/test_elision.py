"""NumPy multiplies a large complex temporary in place, with swapped operands: such products are left to it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from built import build, profile_of

SOURCE = """
import numpy as np


def right(a, b, c):
    return a * (b + c)


def left(a, b, c):
    return (b + c) * a


def both(a, b, c):
    return (a - b) * (b + c)


def whole(a, b, c):
    return 2 * (b + c) - a


def half(a, b, c):
    return 0.5 * (b + c) - a
"""
NAMES = ("right", "left", "both", "whole", "half")


def arrays(count: int) -> list[np.ndarray]:
    rng = np.random.default_rng(count)
    return [rng.random(count) + 1j * rng.random(count) for _ in range(3)]


def test_large_products_with_a_temporary_on_the_right_are_numpys(tmp_path: Path) -> None:
    profile = profile_of(SOURCE, "elided.mod", {name: [arrays(5)] for name in NAMES})
    built = build(tmp_path, "elided", SOURCE, profile)
    for count, refused in ((100, set()), (16383, set()), (16384, {"right", "half"}), (40_000, {"right", "half"})):
        for name in NAMES:
            given = arrays(count)
            expected, found = getattr(built.plain, name)(*given), getattr(built.built, name)(*given)
            assert expected.tobytes() == found.tobytes(), (name, count)
            refusal = getattr(built.built._polyopt, f"{name}_0").__self__.refusal
            assert (refusal is not None) == (name in refused), (name, count, refusal)
