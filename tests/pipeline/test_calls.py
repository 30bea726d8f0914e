"""Calls of the project's functions across modules, and the guards that they need: whatever is rebound, the original statements run."""

from __future__ import annotations

import math
import sys
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from built import Built, build

from setuptools_polyopt.diagnostics import DEFECT

HELPERS = '''
"""Helpers."""
import numpy as np

SCALE = 2.0
MODE = "fast"
TURN = 0.5 + 2j


def clamp(x, lo=0.0):
    if x < lo:
        return lo
    return x * SCALE


def shift(a):
    a[0] += 1.0
    if MODE == "fast":
        return np.sqrt(abs(a[0]))
    return 0.0


def turn(z):
    return (z * TURN).real
'''
SOURCE = '''
from numpy.typing import NDArray
import numpy as np
from . import helpers
from .helpers import clamp as c
from .again import turn


def local(x, y):
    return x + y


def run(a: NDArray[np.float64], b: NDArray[np.float64]):
    for i in range(len(a)):
        b[i] = c(a[i]) + helpers.clamp(a[i], 0.5) + local(i, 1.0) + helpers.SCALE
    for i in range(len(a)):
        b[i] = b[i] * helpers.shift(a) + turn(a[i])
'''
AGAIN = "from .helpers import turn\n"


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """Both forms of a package of three modules."""
    return build(tmp_path_factory.mktemp("calls"), "calls", SOURCE, None, others={"helpers": HELPERS, "again": AGAIN})


@pytest.fixture
def helpers(both: Built) -> Iterator[tuple[ModuleType, ModuleType]]:
    """The plain and the built module of helpers, restored after the test."""
    pair = sys.modules["calls_plain.helpers"], sys.modules["calls.helpers"]
    kept = [dict(vars(module)) for module in pair]
    functions = [(f, f.__code__, f.__defaults__) for module in pair for f in vars(module).values() if isinstance(f, types.FunctionType)]
    yield pair
    for module, names in zip(pair, kept, strict=True):
        vars(module).clear()
        vars(module).update(names)
    for function, code, defaults in functions:
        if "_polyopt" not in function.__module__:
            function.__code__, function.__defaults__ = code, defaults


def compare(both: Built) -> str | None:
    """Run both; why the kernel did not, None if it did."""
    results = []
    for module in (both.plain, both.built):
        a, b = np.linspace(-1, 1, 9), np.zeros(9)
        module.run(a, b)
        results.append((a.tobytes(), b.tobytes()))
    assert results[0] == results[1]
    refusal: str | None = both.built._polyopt.run_0.__self__.refusal
    return refusal


def test_the_kernel_runs_and_the_helpers_are_bound_though_they_have_no_regions(both: Built) -> None:
    assert not [item for item in both.compiled.diagnostics if item.kind == DEFECT]
    assert compare(both) is None
    assert set(both.compiled.modules) == {"calls.mod", "calls.helpers"}
    plain = HELPERS.splitlines()
    rewritten = both.compiled.modules["calls.helpers"].splitlines()
    assert [row for row in rewritten if row not in plain] == [
        "from calls._polyopt import bind as _polyopt_bind",
        "_polyopt = _polyopt_bind(__name__, globals())",
    ]


Change = Callable[[ModuleType], None]


def setting(name: str, value: Any) -> Change:
    """A change that rebinds a name."""
    return lambda module: setattr(module, name, value)


def a_copy(**change: Any) -> Change:
    """A change that puts a copy of `clamp` with other defaults or globals into its place."""

    def apply(module: ModuleType) -> None:
        names = {**vars(module), **change["names"]} if "names" in change else vars(module)
        module.clamp = types.FunctionType(module.clamp.__code__, names, "clamp", change.get("defaults", (0.0,)))

    return apply


def code_of_another(module: ModuleType) -> None:
    module.clamp.__code__ = (lambda x, lo=0.0: x - 5.0).__code__


def other_defaults(module: ModuleType) -> None:
    module.clamp.__defaults__ = (0.25,)


def runs_its_text_again(module: ModuleType) -> None:
    exec(compile("\n" * 9 + "def clamp(x, lo=0.0):\n    return 7.0\n", module.__file__ or "", "exec"), vars(module))


CHANGES: dict[str, Change] = {
    "function": setting("clamp", lambda x, lo=0.0: 7.0),
    "callable": setting("clamp", type("Seven", (), {"__call__": lambda self, x, lo=0.0: 7.0})()),
    "float": setting("SCALE", 3.0),
    "kind": setting("SCALE", 2),
    "string": setting("MODE", "slow"),
    "complex": setting("TURN", 0.5 - 2j),
    "module": setting("np", types.SimpleNamespace(sqrt=math.cos)),
    "builtin": setting("abs", lambda x: 4.0),
    "code": code_of_another,
    "defaults": other_defaults,
    "text": runs_its_text_again,
    "copy with other globals": a_copy(names={"SCALE": 5.0}),
    "copy with another default": a_copy(defaults=(0.5,)),
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_is_changed_in_the_callees_module_is_seen(
    both: Built, helpers: tuple[ModuleType, ModuleType], monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    for module in helpers:
        CHANGES[change](module)
    if change == "copy with another default":  # `helpers.clamp(a[i], 0.5)` asks for no default
        for caller in (both.plain, both.built):
            monkeypatch.setattr(caller, "c", caller.helpers.clamp)
    refusal = compare(both)
    assert refusal is not None
    assert "name was rebound" in refusal


def test_what_was_changed_and_restored_runs_natively_again(both: Built) -> None:
    assert compare(both) is None


def test_a_copy_of_the_function_is_as_good(both: Built, helpers: tuple[ModuleType, ModuleType]) -> None:
    for module in helpers:
        a_copy()(module)
    assert compare(both) is None


@pytest.mark.parametrize("name", ["c", "local", "helpers", "turn"])
def test_the_callers_own_names_are_watched(both: Built, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    value = types.SimpleNamespace(clamp=max, SCALE=1.0, shift=lambda a: 0.5) if name == "helpers" else lambda *values: 3.0
    for module in (both.plain, both.built):
        monkeypatch.setattr(module, name, value)
    assert compare(both) is not None


def test_another_instance_of_the_module_is_another_module(both: Built, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was imported stays what it was; a name that leads to the new one is not the function that was looked at."""
    import importlib

    for plain in (True, False):
        name = "calls_plain.helpers" if plain else "calls.helpers"
        caller = both.plain if plain else both.built
        monkeypatch.setattr(sys, "path", [str(Path(str(caller.__file__)).parents[1]), *sys.path])
        monkeypatch.delitem(sys.modules, name)
        fresh = importlib.import_module(name)
        fresh.SCALE = 8.0
        monkeypatch.setattr(caller, "helpers", fresh)
    assert compare(both) is not None


def test_callees_in_a_module_that_has_no_place_for_the_binding(tmp_path: Path) -> None:
    """Its functions are never known then, and the original statements run."""
    helper = '"""Doc."""; SCALE = 3.0\ndef f(x):\n    return x * SCALE\n'
    text = (
        "import numpy as np\nfrom numpy.typing import NDArray\nfrom .helper import f\n"
        "def run(a: NDArray[np.float64]):\n    for i in range(len(a)):\n        a[i] = f(a[i])\n"
    )
    made = build(tmp_path, "unbound", text, None, others={"helper": helper})
    assert set(made.compiled.modules) == {"unbound.mod"}
    a = np.arange(3.0)
    made.built.run(a)
    assert a.tolist() == [0.0, 3.0, 6.0]
    assert made.built._polyopt.run_0.__self__.refusal is not None
