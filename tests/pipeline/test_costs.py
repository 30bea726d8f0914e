"""What slow operations cost comes from the machine: the native entry points and the plans count the same units."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from built import build, profile_of

from setuptools_polyopt.config import Settings
from setuptools_polyopt.runtime import costs

TEXT = """
import math

import numpy as np


def waves(x, out):
    for i in range(x.shape[0]):
        out[i] = math.sin(x[i]) + 2.0 * x[i]


def decay(x):
    return np.exp(x - 1.0) / (x + 3.0)
"""
ROWS = 50


@pytest.mark.parametrize(("function", "slow"), [("waves", "libm.sin"), ("decay", "numpy.exp.float64"), ("decay", "div")])
def test_units_are_the_machines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, function: str, slow: str) -> None:
    x = np.linspace(0.0, 1.0, ROWS)
    given = {"waves": [[x, x.copy()]], "decay": [[x]]}
    package = f"costly_{function}_{costs.NAMES.index(slow)}"
    monkeypatch.delenv("POLYOPT_RAY", raising=False)
    made = build(tmp_path, package, TEXT, profile_of(TEXT, f"{package}.mod", given), Settings(targets=("cpu", "ray")))
    native, plans = import_module(f"{package}._polyopt._native"), import_module(f"{package}._polyopt.plans").PLANS
    seen: list[tuple[float, float]] = []

    def hook(symbol: str, args: bytes, arrays: tuple[Any, ...], work: float) -> None:
        seen.append((work, plans[symbol].work(*plans[symbol].values(args), units)))

    native.offload(hook, 0.0)
    try:
        for price in (1.0, 101.0):
            units = {**dict.fromkeys(costs.NAMES, 1.0), slow: price}
            native.tune(1.0, 1.0, tuple(units.values()))
            getattr(made.built, function)(*given[function][0])
    finally:
        native.offload(None, 0.0)
    (cheap, cheap_plan), (dear, dear_plan) = seen
    assert cheap == cheap_plan
    assert dear == dear_plan
    assert dear - cheap == pytest.approx(100.0 * ROWS)
    with pytest.raises(TypeError):
        native.tune(1.0, 1.0, ("a price",))
