"""Classes as name spaces: their functions and constants, and the guards that they need."""

from __future__ import annotations

import sys
import types
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from built import Built, build

from setuptools_polyopt.diagnostics import DEFECT

SHAPES = '''
"""Two classes."""
WIDE = 3


class Base:
    WIDE = 5
    HALF = 0.5
    ALL = WIDE * 2

    @staticmethod
    def twice(x, by=2.0):
        return x * by

    def plain(x):
        return x - 1.0


class Shape(Base):
    HALF = 0.25
'''
SOURCE = '''
from numpy.typing import NDArray
import numpy as np
from . import shapes
from .shapes import Shape as S


class Own:
    LIMIT = shapes.WIDE
    STEP = 1.5

    @staticmethod
    def step(x):
        return x * Own.STEP


def run(a: NDArray[np.float64], b: NDArray[np.float64]):
    for i in range(len(a)):
        b[i] = S.twice(a[i]) + S.HALF * shapes.Base.ALL + Own.step(S.plain(a[i]))
'''


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """Both forms of a package of two modules."""
    return build(tmp_path_factory.mktemp("members"), "members", SOURCE, None, others={"shapes": SHAPES})


def compare(both: Built) -> str | None:
    """Run both; why the kernel did not, None if it did."""
    results = []
    for module in (both.plain, both.built):
        a, b = np.linspace(-1, 1, 9), np.zeros(9)
        module.run(a, b)
        results.append(b.tobytes())
    assert results[0] == results[1]
    refusal: str | None = both.built._polyopt.run_0.__self__.refusal
    return refusal


def test_functions_and_constants_of_classes_are_looked_through(both: Built) -> None:
    assert not [item for item in both.compiled.diagnostics if item.kind == DEFECT]
    assert compare(both) is None


class Meta(type):
    """A class's class with ways of its own."""

    def __getattribute__(cls, name: str) -> Any:
        return 2.0 if name == "HALF" else type.__getattribute__(cls, name)


def _same_names(module: ModuleType) -> None:
    module.S = Meta("S", (sys.modules[f"{module.__package__}.shapes"].Shape,), {})


Change = Callable[[ModuleType, pytest.MonkeyPatch], None]
CHANGES: dict[str, Change] = {
    "constant": lambda module, patch: patch.setattr(module.S, "HALF", 4.0),
    "inherited constant": lambda module, patch: patch.setattr(module.shapes.Base, "ALL", 4),
    "kind of constant": lambda module, patch: patch.setattr(module.Own, "STEP", 1),
    "own static method": lambda module, patch: patch.setattr(module.Own, "step", staticmethod(lambda x: 7.0)),
    "static method": lambda module, patch: patch.setattr(module.S, "twice", staticmethod(lambda x, by=2.0: 7.0), raising=False),
    "function": lambda module, patch: patch.setattr(module.shapes.Base, "plain", lambda x: 7.0),
    "default": lambda module, patch: patch.setattr(module.S.twice, "__defaults__", (4.0,)),
    "code": lambda module, patch: patch.setattr(module.S.twice, "__code__", (lambda x, by=2.0: by).__code__),
    "class": lambda module, patch: patch.setattr(
        module, "S", types.SimpleNamespace(HALF=1.0, twice=lambda x: x, plain=lambda x: x)
    ),
    "class's class": lambda module, patch: (patch.setattr(module, "S", module.S), _same_names(module))[0],
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_is_changed_in_a_class_is_seen(both: Built, change: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        for module in (both.plain, both.built):
            CHANGES[change](module, patch)
        refusal = compare(both)
    assert refusal is not None
    assert "name was rebound" in refusal
    assert compare(both) is None


def test_a_class_that_inherits_the_same_is_as_good(both: Built) -> None:
    with pytest.MonkeyPatch.context() as patch:
        for module in (both.plain, both.built):
            patch.setattr(module, "S", type("T", (module.S,), {}))
        assert compare(both) is None
