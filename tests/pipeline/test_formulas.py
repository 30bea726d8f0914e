"""Formulas of single elements, without a loop: worth a region where there are enough of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from built import build, profile_of

SOURCE = """
import numpy as np


def lorenz(x, s, r, b):
    d = np.empty(3)
    d[0] = s * (x[1] - x[0])
    d[1] = x[0] * (r - x[2]) - x[1]
    d[2] = x[0] * x[1] - b * x[2]
    return d


def few(x, s, r, b):
    x[0] = s * x[1] + r * x[2] + b
"""


def test_regions_of_formulas(tmp_path: Path) -> None:
    given = (np.arange(1.0, 4.0), 10.0, 28.0, 2.5)
    built = build(tmp_path, "formulas", SOURCE, profile_of(SOURCE, "formulas.mod", {"lorenz": [given], "few": [given]}))
    assert {region.function for module in built.compiled.report.modules for region in module.regions} == {"lorenz"}
    expected, found = built.plain.lorenz(*given), built.built.lorenz(*given)
    assert expected.tobytes() == found.tobytes()
    assert built.built._polyopt.lorenz_0.__self__.refusal is None
