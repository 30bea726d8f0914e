"""Module-level arrays and numbers, of the module itself and of a called function's, are inputs of a region: what they are now counts."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from built import Built, build

from setuptools_polyopt.diagnostics import DEFECT

HELPERS = """
import math
import numpy as np

TABLE = np.linspace(0.0, 1.0, 9)
COUNT = round(2.5) + 1
LIST = [0.5, 0.25, 2.0]


class Limits:
    low: float
    high: float

    def __init__(self, low, high):
        self.low, self.high = low, high

    def clip(self, v):
        return self.low if v < self.low else self.high if v > self.high else v


LIMITS = Limits(-0.5, 1.5)


def look(i):
    return TABLE[i] * COUNT + LIST[1]


def limited(v):
    return LIMITS.clip(v) + LIMITS.low
"""
SOURCE = """
import numpy as np
from numpy.typing import NDArray

from .helpers import limited, look

TOTALS = np.zeros(3)


def run(a: NDArray[np.float64]):
    for i in range(len(a)):
        a[i] = limited(a[i]) + look(i)
        TOTALS[0] += a[i]
"""


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """Both forms of a package of two modules."""
    return build(tmp_path_factory.mktemp("values"), "values", SOURCE, None, others={"helpers": HELPERS})


def run(both: Built, count: int = 7) -> str | None:
    """Run both; why the kernel did not, None if it did."""
    results = []
    for module in (both.plain, both.built):
        a = np.linspace(-1, 2, count)
        try:
            module.run(a)
            outcome = ""
        except Exception as error:  # noqa: BLE001 -- compared
            outcome = f"{type(error).__name__}: {error}"
        results.append((outcome, a.tobytes(), module.TOTALS.tobytes() if hasattr(module, "TOTALS") else b""))
    assert results[0] == results[1]
    refusal: str | None = both.built._polyopt.run_0.__self__.refusal
    return refusal


def test_they_are_inputs(both: Built) -> None:
    assert not [item for item in both.compiled.diagnostics if item.kind == DEFECT]
    for _ in range(3):  # what is written accumulates
        assert run(both) is None


def setting(name: str, make: Callable[[], Any]) -> Callable[[pytest.MonkeyPatch, ModuleType], None]:
    """A change that rebinds a name."""
    return lambda patch, module: patch.setattr(module, name, make())


CHANGES: dict[str, tuple[bool, Callable[[pytest.MonkeyPatch, ModuleType], None]]] = {
    "another array": (True, setting("TABLE", lambda: np.arange(9.0))),
    "another number": (True, setting("COUNT", lambda: 7)),
    "another list": (True, setting("LIST", lambda: [1.0, 2.0, 3.0])),
    "a shorter array": (False, setting("TABLE", lambda: np.arange(3.0))),
    "another element type": (False, setting("TABLE", lambda: np.arange(9))),
    "another type": (False, setting("COUNT", lambda: 2.5)),
    "nothing": (False, lambda patch, module: patch.delattr(module, "TABLE")),
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_they_are_now_counts(both: Built, monkeypatch: pytest.MonkeyPatch, change: str) -> None:
    natively, apply = CHANGES[change]
    for name in ("values_plain.helpers", "values.helpers"):
        apply(monkeypatch, sys.modules[name])
    assert (run(both) is None) == natively
    monkeypatch.undo()
    assert run(both) is None


def test_an_argument_that_is_the_module_level_array(both: Built) -> None:
    for module in (both.plain, both.built):
        module.run(module.TOTALS)
    assert both.plain.TOTALS.tobytes() == both.built.TOTALS.tobytes()
    assert both.built._polyopt.run_0.__self__.refusal is not None


def test_an_attribute_of_an_object_of_the_module(both: Built, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("values_plain.helpers", "values.helpers"):
        monkeypatch.setattr(sys.modules[name].LIMITS, "high", 0.75)
    assert run(both) is None
