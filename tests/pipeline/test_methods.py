"""Calls of methods: which class the object has is a guess, what its attribute is the guard asks."""

from __future__ import annotations

import sys
import types
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from built import Built, build

from setuptools_polyopt.diagnostics import DEFECT

BASE = '''
import numpy as np
from numpy.typing import NDArray

WEIGHT = 0.25


class Base:
    scale: float

    def weigh(self, v, by=2.0):
        return v * WEIGHT * by + self.scale

    @staticmethod
    def clip(v, hi=1.0):
        if v > hi:
            return hi
        return v
'''
SOURCE = '''
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from . import base
from .base import Base


class Kernel:
    width: int

    def __init__(self, width):
        self.width = width

    def __call__(self, v):
        return v / self.width


class Point(NamedTuple):
    x: float
    y: float


@dataclass
class Settings:
    gain: float
    offset: float = 0.5


class Grid(Base):
    n: int
    kernel: Kernel

    def __init__(self, n):
        self.n = n
        self.scale = 0.125
        self.kernel = Kernel(3)

    def smooth(self, a, i):
        return self.weigh(a[i]) + self.clip(a[i], 0.5) + self.kernel(a[i]) * self.n

    def step(self, a: NDArray[np.float64], b: NDArray[np.float64]):
        for i in range(self.n):
            b[i] = self.smooth(a, i)

    def shift(self, a):
        a[0] += 1.0


class Sub(Grid):
    pass


class Other(Grid):
    def weigh(self, v, by=2.0):
        return v - by


def run(g: Grid, p: Point, s: Settings, a: NDArray[np.float64]):
    for i in range(len(a)):
        g.shift(a)
        a[i] = a[i] * p.x + p.y * s.gain + s.offset + g.weigh(a[i], 3.0)
'''


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """Both forms of a package of two modules."""
    return build(tmp_path_factory.mktemp("methods"), "methods", SOURCE, None, others={"base": BASE})


@pytest.fixture
def restored(both: Built) -> Iterator[None]:
    """The classes as they were, after the test."""
    modules = [both.plain, both.built, sys.modules["methods_plain.base"], sys.modules["methods.base"]]
    kept = [(value, dict(vars(value))) for module in modules for value in vars(module).values() if isinstance(value, type)]
    codes = [(f, f.__code__, f.__defaults__) for _, names in kept for f in names.values() if isinstance(f, types.FunctionType)]
    weights = [(module, module.WEIGHT) for module in modules if hasattr(module, "WEIGHT")]
    yield
    for owner, names in kept:
        if owner.__module__.startswith("methods"):
            for name in set(vars(owner)) - set(names):
                delattr(owner, name)
            for name, value in names.items():
                if vars(owner)[name] is not value:
                    setattr(owner, name, value)
    for function, code, defaults in codes:
        if function.__module__.startswith("methods") and (function.__code__ is not code or function.__defaults__ is not defaults):
            function.__code__, function.__defaults__ = code, defaults
    for module, weight in weights:
        module.WEIGHT = weight


def compare(both: Built, make: Callable[[ModuleType], Any] = lambda module: module.Grid(6)) -> str | None:
    """Take a step with both; why the kernel did not run, None if it did."""
    results = []
    for module in (both.plain, both.built):
        a, b = np.linspace(-1, 2, 9), np.zeros(9)
        make(module).step(a, b)
        results.append((a.tobytes(), b.tobytes()))
    assert results[0] == results[1]
    refusal: str | None = both.built._polyopt.Grid_step_0.__self__.refusal
    return refusal


def test_methods_of_the_class_and_of_its_base_are_inlined(both: Built) -> None:
    assert not [item for item in both.compiled.diagnostics if item.kind == DEFECT]
    assert compare(both) is None


def test_an_object_of_a_class_that_inherits_the_methods_is_as_good(both: Built) -> None:
    assert compare(both, lambda module: module.Sub(6)) is None
    assert compare(both) is None


def test_an_object_of_a_class_with_methods_of_its_own_is_not(both: Built) -> None:
    assert compare(both, lambda module: module.Other(6)) is not None
    assert compare(both) is None


def test_dataclasses_and_named_tuples_give_numbers(both: Built) -> None:
    results = []
    for module in (both.plain, both.built):
        a = np.linspace(-1, 2, 9)
        module.run(module.Grid(3), module.Point(1.5, 2.5), module.Settings(0.25), a)
        results.append(a.tobytes())
    assert results[0] == results[1]
    assert both.built._polyopt.run_0.__self__.refusal is None


def instance(name: str, value: Any) -> Callable[[ModuleType], Any]:
    """An object with an attribute of its own."""

    def make(module: ModuleType) -> Any:
        grid = module.Grid(6)
        setattr(grid, name, value)
        return grid

    return make


def on_class(owner: str, name: str, value: Any) -> Callable[[ModuleType], Any]:
    """An object whose class has been given another attribute."""

    def make(module: ModuleType) -> Any:
        setattr(getattr(module, owner), name, value)
        return module.Grid(6)

    return make


def other_code(module: ModuleType) -> Any:
    module.Base.weigh.__code__ = (lambda self, v, by=2.0: v + by).__code__
    return module.Grid(6)


def other_default(module: ModuleType) -> Any:
    module.Base.weigh.__defaults__ = (5.0,)
    return module.Grid(6)


def other_global(module: ModuleType) -> Any:
    module.base.WEIGHT = 4.0
    return module.Grid(6)


def on_the_way(module: ModuleType) -> Any:
    """A class between the object's and the one that the method is of gets one."""
    module.Grid.weigh = lambda self, v, by=2.0: v * by
    return module.Grid(6)


CHANGES = {
    "instance": instance("weigh", lambda v, by=2.0: v - 1.0),
    "instance static": instance("clip", lambda v, hi=1.0: v - 1.0),
    "class": on_class("Grid", "smooth", lambda self, a, i: 3.0),
    "base class": on_class("Base", "weigh", lambda self, v, by=2.0: 3.0),
    "static": on_class("Base", "clip", staticmethod(lambda v, hi=1.0: 3.0)),
    "class method": on_class("Base", "clip", classmethod(lambda cls, v, hi=1.0: 3.0)),
    "property": on_class("Grid", "smooth", property(lambda self: lambda a, i: 3.0)),
    "call": on_class("Kernel", "__call__", lambda self, v: 3.0),
    "on the way": on_the_way,
    "code": other_code,
    "default": other_default,
    "global": other_global,
    "getattribute": on_class("Grid", "__getattribute__", lambda self, name: 4 if name == "n" else object.__getattribute__(self, name)),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.usefixtures("restored")
def test_what_is_changed_is_seen(both: Built, change: str) -> None:
    assert compare(both) is None
    assert compare(both, CHANGES[change]) is not None


def test_what_was_restored_runs_natively_again(both: Built) -> None:
    assert compare(both) is None


@pytest.mark.usefixtures("restored")
def test_no_code_of_a_property_runs_twice(both: Built) -> None:
    calls: list[str] = []

    def read(self: Any) -> Any:
        calls.append("read")
        return lambda a, i: 3.0

    compare(both, on_class("Grid", "smooth", property(read)))
    assert len(calls) == 12


def test_an_instance_whose_attribute_is_the_method_itself(both: Built) -> None:
    def make(module: ModuleType) -> Any:
        grid = module.Grid(6)
        grid.weigh = grid.weigh
        return grid

    assert compare(both, make) is None
