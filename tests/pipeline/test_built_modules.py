"""From source to guarded native code, and every guard's way out: the built module does what the plain one does."""

from __future__ import annotations

import os
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from built import Built, build, profile_of

SOURCE = '''
import math

import numpy as np

SCALE = 2.0


def shift(a, b, n):
    """Neighbours, with a subscript that depends on n."""
    for i in range(1, n):
        b[i] = a[i - 1] * SCALE


def last(a):
    return a[-1] + a[0]


def rows(a, out):
    for i in range(a.shape[0]):
        for j in range(a.shape[1]):
            out[i][j] = a[i][a.shape[1] - 1 - j]


def divide(a, b, k):
    for i in range(len(a)):
        a[i] = b[i] // k


def ratio(a, b):
    for i in range(len(a)):
        a[i] = a[i] / b[i]


def smooth(a):
    out = np.zeros_like(a)
    out[1:-1] = 0.5 * (a[:-2] + a[2:])
    return out


def total(a):
    s = 0.0
    for i in range(len(a)):
        s += a[i] * a[i]
    return s


def back(a, n):
    for i in range(n - 2, -1, -1):
        a[i] += a[i + 1]
    return a


def table(a):
    return a[:, np.newaxis] * np.pi + a[np.newaxis, :] * math.e + math.tau


class Grid:
    def __init__(self, n, data):
        self.n = n
        self.data = data

    def scale(self, factor):
        for i in range(self.n):
            self.data[i] = self.data[i] * factor


def roots(a):
    out = np.empty(a.shape[0])
    for i in range(a.shape[0]):
        out[i] = math.sqrt(a[i])
    return out
'''


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    one, two, ints = np.arange(1.0, 7.0), np.ones((4, 6)), np.arange(6)
    calls: dict[str, Any] = {
        "shift": [(one, one.copy(), 6)], "last": [(one,)], "rows": [(two, two.copy())], "divide": [(ints, ints.copy(), 2)],
        "ratio": [(one, one.copy())], "smooth": [(one,)], "total": [(one,)], "back": [(one, 6)], "roots": [(one,)],
        "table": [(one,)],
    }  # fmt: skip
    profile = profile_of(SOURCE, "guarded.mod", calls)
    return build(tmp_path_factory.mktemp("guarded"), "guarded", SOURCE, profile)


def ran(built: Built, region: str) -> bool:
    """Whether the region's last call ran natively."""
    state = getattr(built.built._polyopt, region).__self__
    return state.refusal is None


def both(built: Built, name: str, make: Callable[[], tuple[Any, ...]]) -> tuple[Any, tuple[Any, ...]]:
    """Call both forms; results, exceptions, warnings and arguments must agree. Answers the built form's result and arguments."""
    seen = []
    for module in (built.plain, built.built):
        arguments = make()
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                result: Any = getattr(module, name)(*arguments)
            except (IndexError, ArithmeticError, ValueError, TypeError) as error:
                result = (type(error), str(error))
        seen.append((result, arguments, [(w.category, str(w.message)) for w in caught]))
    (plain, plain_arguments, plain_warnings), (mine, arguments, my_warnings) = seen
    np.testing.assert_equal(mine, plain)
    assert type(mine) is type(plain)
    for a, b in zip(plain_arguments, arguments, strict=True):
        np.testing.assert_array_equal(a, b)
    assert my_warnings == plain_warnings
    return mine, arguments


def numbers(count: int = 6) -> Any:
    return np.arange(1.0, count + 1.0)


def test_all_functions_are_optimised(built: Built) -> None:
    functions = {region.function for module in built.compiled.report.modules for region in module.regions}
    assert {"shift", "rows", "divide", "ratio", "smooth", "total", "back", "roots"} <= functions


def test_names_of_constants(built: Built, monkeypatch: pytest.MonkeyPatch) -> None:
    both(built, "table", lambda: (numbers(),))
    assert ran(built, "table_0")
    monkeypatch.setattr(np, "pi", 3.0)
    both(built, "table", lambda: (numbers(),))
    assert not ran(built, "table_0")


def test_bounds_in_and_out(built: Built) -> None:
    both(built, "shift", lambda: (numbers(), np.zeros(6), 6))
    assert ran(built, "shift_0")
    both(built, "shift", lambda: (numbers(), np.zeros(6), 8))  # IndexError after some elements were written
    assert not ran(built, "shift_0")
    both(built, "shift", lambda: (numbers(), np.zeros(3), 6))
    both(built, "shift", lambda: (numbers(0), np.zeros(0), 0))
    both(built, "shift", lambda: (numbers(), np.zeros(6), -3))


@pytest.mark.parametrize(
    "change",
    [
        lambda a: a.astype(np.float32), lambda a: a.astype(">f8"), lambda a: a.reshape(2, 3),
        lambda a: a.view(type("Sub", (np.ndarray,), {})),
        lambda a: a.tolist(), lambda a: np.ma.masked_array(a), lambda a: np.frombuffer(b"\0" + a.tobytes(), np.uint8)[1:].view(np.float64),
    ],
)  # fmt: skip
def test_foreign_arguments_take_the_original(built: Built, change: Callable[[Any], Any]) -> None:
    both(built, "total", lambda: (change(numbers()),)) if np.ndim(change(numbers())) == 1 else None
    built.built.total(numbers())
    assert ran(built, "total_0")
    if np.ndim(change(numbers())) == 1:
        built.built.total(change(numbers()))
        assert not ran(built, "total_0")


def test_read_only_target_raises_as_before(built: Built) -> None:
    def make() -> tuple[Any, ...]:
        target = np.zeros(6)
        target.flags.writeable = False
        return numbers(), target, 6

    result, _ = both(built, "shift", make)
    assert result[0] is ValueError


def test_overlap_takes_the_original(built: Built) -> None:
    def make() -> tuple[Any, ...]:
        whole = numbers(12)
        return whole[:6], whole[1:7], 6

    both(built, "shift", make)
    assert not ran(built, "shift_0")

    def apart() -> tuple[Any, ...]:
        whole = numbers(12)
        return whole[:6], whole[6:], 6

    both(built, "shift", apart)
    assert ran(built, "shift_0")


@pytest.mark.parametrize("step", [2, -1, 3])
def test_strides(built: Built, step: int) -> None:
    both(built, "shift", lambda: (numbers(18)[::step][:6], np.zeros(18)[::step][:6], 6))
    assert ran(built, "shift_0")


def test_two_dimensional_views(built: Built) -> None:
    for change in (np.asfortranarray, np.ascontiguousarray, lambda a: a[::-1], lambda a: a[:, ::2], lambda a: a.T):
        both(built, "rows", lambda c=change: (c(np.arange(24.0).reshape(4, 6)), np.zeros(c(np.ones((4, 6))).shape)))  # type: ignore[misc]
        assert ran(built, "rows_0")


def test_division_by_zero_and_integer_semantics(built: Built) -> None:
    both(built, "divide", lambda: (np.arange(6), np.arange(-3, 3), 2))
    assert ran(built, "divide_0")
    both(built, "divide", lambda: (np.arange(6), np.arange(-3, 3), 0))
    assert not ran(built, "divide_0")
    both(built, "divide", lambda: (np.arange(6), np.arange(-3, 3), -2))
    both(built, "divide", lambda: (np.arange(6), np.full(6, np.iinfo(np.int64).min), -1))


def test_warnings_and_errstate(built: Built) -> None:
    both(built, "ratio", lambda: (numbers(), np.array([1.0, 0.0, 2.0, 0.0, 1.0, 1.0])))
    assert not ran(built, "ratio_0")
    with np.errstate(all="ignore"):
        both(built, "ratio", lambda: (numbers(), np.array([1.0, 0.0, 2.0, 0.0, 1.0, 1.0])))
        assert ran(built, "ratio_0")
    for module in (built.plain, built.built):
        values = numbers()
        with np.errstate(divide="raise"), pytest.raises(FloatingPointError):
            module.ratio(values, np.array([2.0, 0.0, 2.0, 2.0, 2.0, 2.0]))
        np.testing.assert_array_equal(values, [0.5, 2, 3, 4, 5, 6])


def test_a_region_that_keeps_giving_up_rests_and_comes_back(built: Built) -> None:
    zero, fine = np.zeros(6), np.ones(6)
    refusals = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for _ in range(12):
            built.built.ratio(numbers(), zero)
            refusals.append(built.built._polyopt.ratio_0.__self__.refusal)
    assert sum("rests" in text or "in a row" in text for text in refusals) >= 5
    for _ in range(70):
        built.built.ratio(numbers(), fine)
    assert ran(built, "ratio_0")


def test_scalar_type_of_a_zero_trip_loop(built: Built) -> None:
    assert type(both(built, "total", lambda: (numbers(),))[0]) is np.float64
    assert type(both(built, "total", lambda: (numbers(0),))[0]) is float


def test_slices_clip(built: Built) -> None:
    for count in range(8):
        both(built, "smooth", lambda c=count: (numbers(c),))  # type: ignore[misc]
    assert ran(built, "smooth_0")


def test_identity_and_negative_step(built: Built) -> None:
    values = numbers()
    assert built.built.back(values, 6) is values
    both(built, "back", lambda: (numbers(), 6))
    both(built, "back", lambda: (numbers(), 7))


def test_domain_error_leaves_the_same_exception(built: Built) -> None:
    both(built, "roots", lambda: (numbers(),))
    assert ran(built, "roots_0")
    result, _ = both(built, "roots", lambda: (np.array([1.0, -1.0]),))
    assert result[0] is ValueError


def test_monkeypatched_globals_are_noticed(built: Built, monkeypatch: pytest.MonkeyPatch) -> None:
    built.built.shift(numbers(), np.zeros(6), 6)
    assert ran(built, "shift_0")
    monkeypatch.setattr(built.built, "SCALE", 10.0)
    target = np.zeros(6)
    built.built.shift(numbers(), target, 6)
    assert not ran(built, "shift_0")
    assert target[1] == 10.0
    monkeypatch.undo()
    monkeypatch.setattr(built.built, "range", lambda *args: [1], raising=False)
    target = np.zeros(6)
    built.built.shift(numbers(), target, 6)
    np.testing.assert_array_equal(target, [0, 2, 0, 0, 0, 0])


def test_kinds_of_numbers(built: Built) -> None:
    for k in (2, np.int64(2), True, 2.0, 2**70):
        both(built, "divide", lambda k=k: (np.arange(6), np.arange(6), k))  # type: ignore[misc]


@pytest.mark.parametrize("variable", ["POLYOPT_DISABLE", "POLYOPT_TRACE", "POLYOPT_REQUIRE"])
def test_switches(built: Built, variable: str) -> None:
    folder = Path(built.built.__file__ or "").parents[1]
    code = (
        "import numpy as np, guarded.mod as m\n"
        "b = np.zeros(6); m.shift(np.arange(6.0), b, 6); print(b[2])\n"
        "try: m.shift(np.arange(6.0), b, 9)\n"
        "except Exception as error: print(type(error).__name__)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, env=os.environ | {variable: "1"}, check=True
    )
    assert done.stdout.split()[0] == "2.0"
    assert done.stdout.split()[1] == ("RuntimeError" if variable == "POLYOPT_REQUIRE" else "IndexError")
    assert ("guarded.mod:shift_0" in done.stderr) == (variable == "POLYOPT_TRACE")


def test_another_numpy_than_the_builds_runs_the_original(built: Built) -> None:
    """The facts beside the extension are asked when NumPy is first met; another answer keeps the native code away."""
    folder = Path(built.built.__file__ or "").parents[1]
    code = (
        "import sys, guarded._polyopt.facts as facts\n"
        "if len(sys.argv) > 1: facts.signature = lambda: 'x'\n"
        "import numpy as np, guarded.mod as m\n"
        "print(m.total(np.arange(4.0)), m._polyopt.total_0.__self__.refusal is None)\n"
    )
    for more, expected in (((), "14.0 True\n"), (("x",), "14.0 False\n")):
        command = [sys.executable, "-c", code, *more]
        assert subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout == expected
