"""`np.power` computes its base also where the exponent alone decides the result (x ** 0)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from built import build, profile_of

SOURCE = """
import numpy as np


def quotients(a, out):
    for i in range(a.shape[0]):
        out[0] = np.power(i / i, a[i] * i) * -1.5


def constant(a, out):
    for i in range(a.shape[0]):
        out[0] = np.power(i / i, 0.0) + a[i]


def named(a, out):
    for i in range(a.shape[0]):
        b = a[i] * 0.5
        out[i] = np.power(b, a[i]) + 1.0
"""


def test_a_base_that_fails_is_computed(tmp_path: Path) -> None:
    a = np.array([2.0, 0.0, 1.0])
    profile = profile_of(SOURCE, "power.mod", {name: [(a[1:0], np.zeros(3))] for name in ("quotients", "constant", "named")})
    built = build(tmp_path, "power", SOURCE, profile)
    for name in ("quotients", "constant"):
        for module in (built.plain, built.built):
            with pytest.raises(ZeroDivisionError):
                getattr(module, name)(a, np.zeros(3))
    results = []
    for module in (built.plain, built.built):
        out = np.zeros(3)
        module.named(a, out)
        results.append(out.tobytes())
    assert results[0] == results[1]
