"""The example's regions against the original statements: values, errors, errstate, undo, NumPy's own loops."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
import pytest

MODES = ["ignore", "warn", "raise"]


def refusal(function: Any) -> str | None:
    found: str | None = function.__self__.refusal
    return found


def outcome(function: Callable[..., object], *args: object) -> tuple[object, ...]:
    """Result or exception, warnings, and what became of the arguments."""
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        try:
            result: object = function(*args)
        except Exception as error:  # noqa: BLE001 -- whatever it is, it has to be the same on both sides
            result = (type(error), str(error))
    if isinstance(result, np.ndarray):
        result = (result.dtype, result.shape, result.tobytes())
    arrays = tuple(argument.tobytes() for argument in args if isinstance(argument, np.ndarray))
    return (result, [(str(warning.message), warning.category) for warning in seen], arrays)


def test_axpy_runs_natively_and_agrees(user: ModuleType) -> None:
    rng = np.random.default_rng(1)
    for n in [0, 1, 2, 7, 100, 3000]:
        x, y = rng.normal(size=n), rng.normal(size=n)
        wanted = y.copy()
        user.plain_axpy(0.3, x, wanted)
        assert user._polyopt.axpy(0.3, x, y) == ()
        assert refusal(user._polyopt.axpy) is None
        assert np.array_equal(y, wanted)


def test_axpy_on_views(user: ModuleType) -> None:
    base = np.arange(40.0)
    for x, y in [(base[:20], base[20:]), (base[::2], base[1::2]), (base[9::-1], base[10:20]), (base, base)]:
        copy = base.copy()
        index = [np.flatnonzero(np.isin(base, part)) for part in (x, y)]
        order = [i if part[0] <= part[-1] else i[::-1] for i, part in zip(index, (x, y), strict=True)]
        plain = copy.copy()
        wanted_x = plain[order[0][0] : None : order[0][1] - order[0][0]][: len(x)]
        wanted_y = plain[order[1][0] : None : order[1][1] - order[1][0]][: len(y)]
        user.plain_axpy(2.0, wanted_x, wanted_y)
        saved = base.copy()
        assert user._polyopt.axpy(2.0, x, y) == ()
        assert np.array_equal(base, plain)
        base[:] = saved


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (lambda: (1, np.ones(3), np.ones(3)), "first argument: type"),
        (lambda: (1.0, [1.0], np.ones(1)), "second argument: type"),
        (lambda: (1.0, np.ones(3, "f4"), np.ones(3)), "second argument: dtype"),
        (lambda: (1.0, np.ones(3), np.ones((3, 1))), "third argument: rank"),
        (lambda: (1.0, np.ones(3), np.broadcast_to(np.ones(1), 3)), "third argument: read-only"),
        (lambda: (1.0, np.ones(2), np.ones(3)), "extents: extent"),
        (lambda: (1.0, np.ones(3)), "argument count: number of arguments"),
    ],
)
def test_a_failed_guard_leaves_everything_and_says_which(
    user: ModuleType, arguments: Callable[[], tuple[object, ...]], text: str
) -> None:
    args = arguments()
    before = [np.array(value, copy=True) if isinstance(value, np.ndarray) else value for value in args]
    assert user._polyopt.axpy(*args) is None
    assert refusal(user._polyopt.axpy) == text
    for value, old in zip(args, before, strict=True):
        assert np.array_equal(value, old)


def test_overlap_takes_the_original(user: ModuleType) -> None:
    base = np.arange(10.0)
    plain = base.copy()
    user.plain_axpy(1.0, plain[:-1], plain[1:])
    assert user._polyopt.axpy(1.0, base[:-1], base[1:]) is None
    assert refusal(user._polyopt.axpy) == "overlap: arguments overlap"
    user.axpy(1.0, base[:-1], base[1:])
    assert np.array_equal(base, plain)


@pytest.mark.parametrize(("over", "invalid", "under"), list(itertools.product(MODES, MODES, ["ignore", "warn"])))
def test_every_errstate_gives_the_original_outcome(user: ModuleType, over: Any, invalid: Any, under: Any) -> None:
    cases = [
        (1e200, np.array([1.0, 1e200, 2.0]), np.ones(3)),
        (1.0, np.array([np.inf, 1.0]), np.array([-np.inf, 2.0])),
        (float("nan"), np.ones(2), np.ones(2)),
        (1e-200, np.array([1e-200, 1.0]), np.zeros(2)),
        (1.0, np.ones(3), np.ones(3)),
    ]
    for a, x, y in cases:
        with np.errstate(over=over, invalid=invalid, under=under):
            wanted = outcome(user.plain_axpy, a, x.copy(), y.copy())
            assert outcome(user.axpy, a, x.copy(), y.copy()) == wanted
            native = user._polyopt.axpy(a, x, y.copy())
        flags = "warn" if wanted[1] else "raise" if wanted[0] else ""
        assert (native is None) == bool(flags)
        assert refusal(user._polyopt.axpy) == ("kernel: floating-point flag" if flags else None)


def test_warnings_as_errors_keep_the_partial_state(user: ModuleType) -> None:
    x, y = np.array([1.0, 1e200, 3.0]), np.ones(3)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(RuntimeWarning):
            user.axpy(1e200, x, y)
    assert y.tolist() == [1e200, 1.0, 1.0]


def test_the_callers_floating_point_flags_do_not_matter(user: ModuleType) -> None:
    with np.errstate(all="ignore"):
        np.float64(1.0) / np.float64(0.0)
    y = np.ones(2)
    assert user._polyopt.axpy(1.0, y.copy(), y) == ()


def test_smooth_makes_a_new_array(user: ModuleType) -> None:
    rng = np.random.default_rng(2)
    for n in [2, 3, 10, 1001, 50_000]:
        u = rng.normal(size=n)
        for view in (u, u[::-1], u[::2][: max(2, n // 2)]):
            if len(view) < 2:
                continue
            assert outcome(user.smooth, view) == outcome(user.plain_smooth, view)
            found = user._polyopt.smooth(view)
            assert found is not None
            assert found[0].base is None
    assert outcome(user.smooth, np.ones(1)) == outcome(user.plain_smooth, np.ones(1))
    assert outcome(user.smooth, np.ones((3, 3))) == outcome(user.plain_smooth, np.ones((3, 3)))


def test_numpys_own_loop_gives_numpys_bits(user: ModuleType) -> None:
    rng = np.random.default_rng(3)
    for n in [0, 1, 7, 99, 100, 101, 4096]:
        x = rng.normal(size=n) * 20
        (found,) = user._polyopt.exponential(x)
        assert found.tobytes() == np.exp(x).tobytes()
    big = np.array([1.0, 1000.0])
    assert outcome(user.exponential, big) == outcome(np.exp, big)


def test_a_loop_that_numpy_lacks_refuses(user: ModuleType) -> None:
    assert user._polyopt.absurd(np.ones(3)) is None
    assert refusal(user._polyopt.absurd) == "kernel: NumPy's inner loop is not available"


def test_keyword_arguments_are_a_programming_error(user: ModuleType) -> None:
    with pytest.raises(TypeError):
        user._polyopt.axpy(a=1.0)
