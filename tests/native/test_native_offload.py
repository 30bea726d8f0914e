"""Kernels that run elsewhere: the hook that is offered large runs, kernels by name."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import numpy as np
import pytest

AXPY = struct.Struct("=d5q")
"""struct axpy_args: a, x, y, n, sx, sy."""

Offer = tuple[str, bytes, tuple[np.ndarray, ...], float]


@pytest.fixture
def native(user: ModuleType) -> Iterator[Any]:
    """The extension; no hook afterwards."""
    from example._polyopt import _native

    yield _native
    _native.offload(None, 0.0)


def test_the_hook_sees_large_runs_only(user: ModuleType, native: Any) -> None:
    seen: list[Offer] = []
    native.offload(lambda *offer: seen.append(offer), 100.0)
    x, y = np.ones(99), np.zeros(99)
    assert user._polyopt.axpy(2.0, x, y) == ()
    assert seen == []
    x, y = np.ones(100), np.zeros(100)
    assert user._polyopt.axpy(2.0, x, y) == ()
    ((symbol, args, arrays, work),) = seen
    assert (symbol, work) == ("axpy", 100.0)
    assert arrays[0] is x
    assert arrays[1] is y
    assert AXPY.unpack(args) == (2.0, x.ctypes.data, y.ctypes.data, 100, 1, 1)
    assert np.all(y == 2.0), "the hook declined, so the kernel ran"


def test_what_the_hook_did_counts(user: ModuleType, native: Any) -> None:
    def hook(symbol: str, args: bytes, arrays: tuple[np.ndarray, ...], work: float) -> tuple[int, int]:
        arrays[1][:] = 7.0
        return (0, 0)

    native.offload(hook, 0.0)
    y = np.zeros(5)
    assert user._polyopt.axpy(1.0, np.ones(5), y) == ()
    assert np.all(y == 7.0)


@pytest.mark.parametrize("answer", [(1, 0), (0, 4)])
def test_a_failed_run_elsewhere_is_undone(user: ModuleType, native: Any, answer: tuple[int, int]) -> None:
    """Status 1, or an overflow that `np.errstate` does not ignore: the arguments are as they were."""

    def hook(symbol: str, args: bytes, arrays: tuple[np.ndarray, ...], work: float) -> tuple[int, int]:
        arrays[1][:] = 7.0
        return answer

    native.offload(hook, 0.0)
    y = np.zeros(5)
    with np.errstate(over="warn"):
        assert user._polyopt.axpy(1.0, np.ones(5), y) is None
    assert np.all(y == 0.0)


def test_flags_that_are_ignored(user: ModuleType, native: Any) -> None:
    native.offload(lambda *offer: (0, 4), 0.0)
    with np.errstate(all="ignore"):
        assert user._polyopt.axpy(1.0, np.ones(5), np.zeros(5)) == ()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("answer", [None, 3, (1,), ("a", 0)])
def test_a_hook_that_fails_leaves_the_call_to_python(user: ModuleType, native: Any, answer: object) -> None:
    def hook(*offer: object) -> object:
        if answer is None:
            raise ValueError("broken")
        return answer

    native.offload(hook, 0.0)
    y = np.zeros(5)
    assert user._polyopt.axpy(1.0, np.ones(5), y) is None
    assert np.all(y == 0.0)


def test_an_interrupt_leaves_the_call(user: ModuleType, native: Any) -> None:
    def hook(symbol: str, args: bytes, arrays: tuple[np.ndarray, ...], work: float) -> None:
        arrays[1][:] = 7.0
        raise KeyboardInterrupt

    native.offload(hook, 0.0)
    y = np.zeros(5)
    with pytest.raises(KeyboardInterrupt):
        user._polyopt.axpy(1.0, np.ones(5), y)
    assert np.all(y == 0.0)


def test_a_kernel_by_name(native: Any) -> None:
    x, y = np.arange(6.0), np.ones(6)
    args = AXPY.pack(3.0, x.ctypes.data, y.ctypes.data, 6, 1, 1)
    assert native.run("axpy", args, 0, 6, 1) == (0, 0)
    assert np.array_equal(y, 3.0 * np.arange(6.0) + 1.0)


def test_flags_of_a_kernel_by_name(native: Any) -> None:
    x, y = np.full(2, 1e308), np.ones(2)
    status, flags = native.run("axpy", AXPY.pack(1e10, x.ctypes.data, y.ctypes.data, 2, 1, 1), 0, 2, 0)
    assert status == 0
    assert flags & 4


def test_kernels_that_are_not_there(native: Any) -> None:
    with pytest.raises(LookupError, match="no kernel is called nothing"):
        native.run("nothing", b"", 0, 0, 1)
    with pytest.raises(ValueError, match="axpy takes 48 bytes of arguments, not 3"):
        native.run("axpy", b"abc", 0, 0, 1)


def test_a_piece_of_the_parallel_loop(native: Any) -> None:
    u, out = np.arange(8.0), np.zeros(6)
    args = struct.pack("=4q", u.ctypes.data, out.ctypes.data, 6, 1)
    assert native.run("smooth", args, 2, 4, 2) == (0, 0)
    assert np.array_equal(out, [0.0, 0.0, 3.0, 4.0, 0.0, 0.0])
