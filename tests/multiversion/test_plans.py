"""The generated `plans.py`: it can be imported whatever the kernels are, and its functions answer for any parameters."""

from __future__ import annotations

import math
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from setuptools_polyopt.config import Settings
from setuptools_polyopt.pipeline import ModuleSource, compile_package
from setuptools_polyopt.runtime import costs

UNITS = costs.units(costs.OPERATION, {})

SOURCE = """
import numpy as np
from numpy.typing import NDArray


def heat(a: NDArray[np.float64], b: NDArray[np.float64], n: int):
    for i in range(1, n - 1):
        b[i] = a[i - 1] + a[i + 1]


def horner(a: float, b: float, c: NDArray[np.float64]):
    for i in range(16):
        c[i] = a * c[i] + b


def means(a: NDArray[np.float64]):
    mean = np.zeros(a.shape[1])
    for i in range(a.shape[0]):
        for j in range(a.shape[1]):
            mean[j] += a[i, j]
    return (a - mean) * 0.5


def point(a):
    b = a * a + 1.0
    return b * a - b
"""


@pytest.fixture(scope="module")
def plans(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The plans of the module above as a wheel would hold them."""
    folder = tmp_path_factory.mktemp("plans")
    compiled = compile_package("planned", [ModuleSource("m.k", "m/k.py", SOURCE)], _profile(), Settings(targets=("cpu", "ray")), True)
    package = folder / "planned"
    package.mkdir()
    for name, content in compiled.runtime_files.items():
        Path(package, name).write_bytes(content)
    sys.path.insert(0, str(folder))
    try:
        found: dict[str, Any] = import_module("planned.plans").PLANS
    finally:
        sys.path.remove(str(folder))
    return found


def _profile() -> Any:
    import numpy as np
    from built import profile_of

    return profile_of(SOURCE, "m.k", {"point": [(np.array(2.0),), (np.ones((3, 4)),)]})


def test_every_kernel_has_one(plans: dict[str, Any]) -> None:
    regions = {symbol.removeprefix("m_k_").partition("_")[0] for symbol in plans}
    assert regions == {"heat", "horner", "means", "point"}


def test_functions_answer(plans: dict[str, Any]) -> None:
    for plan in plans.values():
        for size in (0, 1, 2, 1000):
            values = [size] * len(plan.params)
            assert math.isfinite(plan.work(*values, UNITS))
            read, written = plan.touched(*values)
            assert min(read, written) >= 0.0
            for stage in plan.stages:
                assert math.isfinite(stage.work(*values, UNITS))
                if stage.loop is not None:
                    lower, upper, step = stage.loop(*values)
                    assert step > 0
                    stage.reads(*values, lower, upper)
                    stage.writes(*values, lower, upper)


def test_what_a_run_touches(plans: dict[str, Any]) -> None:
    plan = plans["m_k_means_0_v0"]
    rows, columns = 300, 200
    read, written = plan.touched(*(rows if name.endswith("_0") else columns for name in plan.params))
    assert read == 8.0 * rows * columns
    assert written == 8.0 * rows * columns
