"""Counts, sums of integers, marks and extremes run in parallel pieces, and nobody can tell."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from built import build, profile_of

SOURCE = """
def counts(a, b):
    above = 0
    total = 0
    bits = 0
    odd = 0
    negative = False
    for i in range(a.shape[0]):
        if a[i] > 0.5:
            above += 1
        total += b[i]
        total -= 3
        bits |= int(b[i])
        odd ^= int(b[i])
        if a[i] < 0.0:
            negative = True
    return above, total, bits, odd, negative


def peak(a, start):
    best = start
    where = -1
    for i in range(a.shape[0]):
        if a[i] > best:
            best = a[i]
            where = i
    return best, where


def least(a):
    best = a[0, 0]
    row = col = 0
    for i in range(a.shape[0]):
        for j in range(a.shape[1]):
            if best > a[i, j]:
                best = a[i, j]
                row = i
                col = j
    return best, row, col


def last(a, start):
    best = start
    for i in range(a.shape[0]):
        if a[i] >= best:
            best = a[i]
    return best


def inside(a, b, out):
    for i in range(a.shape[0]):
        for j in range(a.shape[1]):
            if a[i, j] > 0.25:
                out[0] += 1
            out[1] -= b[j]


def wide(b):
    total = b[0]
    for i in range(1, b.shape[0]):
        total += b[i]
    return total
"""

LONG = 10_000


def same(plain: Callable[..., object], built: Callable[..., object], *arguments: object) -> None:
    """Values, types, warnings, and what is left in the arguments."""
    seen = []
    for function in (plain, built):
        given = [value.copy() if isinstance(value, np.ndarray) else value for value in arguments]
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            answer = function(*given)
        parts = answer if isinstance(answer, tuple) else (answer,)
        said = [(w.category, str(w.message)) for w in caught]
        left = [value.tobytes() for value in given if isinstance(value, np.ndarray)]
        seen.append(([(type(part), np.asarray(part).tobytes()) for part in parts], said, left))
    assert seen[0] == seen[1]


@pytest.fixture(scope="module")
def modules(tmp_path_factory: pytest.TempPathFactory) -> Sequence[object]:
    a, b = np.ones(5), np.ones(5, dtype=np.int64)
    calls = {
        "counts": [(a, b)],
        "peak": [(a, 0.5), (a, np.float64(0.5))],
        "least": [(np.ones((4, 3)),)],
        "last": [(a, np.float64(0.5))],
        "inside": [(np.ones((4, 3)), b[:3], b)],
        "wide": [(b,)],
    }
    folder = tmp_path_factory.mktemp("partial")
    built = build(folder, "partial", SOURCE, profile_of(SOURCE, "partial.mod", calls))
    text = "".join(built.compiled.kernel_sources.values())
    assert all(name in text for name in ("above_part", "total_rise", "best_part", "where_part", "negative_mark", "out_part"))
    return built.plain, built.built


@pytest.mark.parametrize("n", [1, 2, 4095, 4096, 4097, LONG])
def test_any_length(modules: Sequence[object], n: int) -> None:
    plain, built = modules
    rng = np.random.default_rng(n)
    a, b = rng.standard_normal(n), rng.integers(-50, 50, n)
    for name, arguments in (("counts", (a, b)), ("peak", (a, 0.5)), ("peak", (a, 1e9)), ("last", (a, np.float64(-9.0))), ("wide", (b,))):
        same(getattr(plain, name), getattr(built, name), *arguments)
    rows = rng.standard_normal((n // 7 + 1, 7))
    same(plain.least, built.least, rows)
    same(plain.inside, built.inside, rows, b[:7] if n > 6 else np.arange(7), np.arange(3))


def test_the_first_of_equal_zeros_and_no_nan(modules: Sequence[object]) -> None:
    plain, built = modules
    zeros = np.where(np.arange(LONG) % 3 == 0, -0.0, 0.0)
    ends = np.full(LONG, -np.inf)
    for data in (zeros, -zeros, zeros - 1e-300, ends, -ends):
        for start in (-1.0, np.float64(0.0), np.float64(-0.0), -np.inf, np.nan, np.float64(np.nan)):
            data[5000:] = data[4999]
            same(plain.peak, built.peak, data, start)
            same(plain.last, built.last, data, np.float64(start))
            holes = data.copy()
            holes[::2] = np.nan
            same(plain.peak, built.peak, holes, start)
        same(plain.least, built.least, data.reshape(100, 100))


def test_sums_that_overflow_on_their_way(modules: Sequence[object]) -> None:
    """NumPy's scalars warn where a sum overflows, although the rest would bring it back; Python's do not know of overflow."""
    plain, built = modules
    big = np.zeros(LONG, dtype=np.int64)
    big[[10, 20]] = 2**62
    big[9000] = -(2**62)
    same(plain.wide, built.wide, big)
    same(plain.counts, built.counts, np.ones(LONG), big)
    big[[10, 20, 9000]] = 2**62, 2**62 - 5, -(2**62)
    same(plain.wide, built.wide, big)
    big[[10, 20, 9000]] = -(2**62), 2**62, 2**62
    same(plain.wide, built.wide, big)
    counters = np.array([2**63 - 2, 0, 0])
    same(plain.inside, built.inside, np.ones((30, 7)), np.arange(7), counters)


ESCAPES = """
def escapes(cr, ci, inner):
    total = 0
    inside = 0
    for i in range(cr.shape[0]):
        for j in range(ci.shape[0]):
            zr = 0.0
            zi = 0.0
            k = 0
            while k < 30 and zr * zr + zi * zi < 4.0:
                zr, zi = zr * zr - zi * zi + cr[i], 2.0 * zr * zi + ci[j]
                k += 1
                total += 1
            inner[i, j] = k
            if k == 30:
                inside += 1
    return total, inside
"""


def test_counts_of_loops_that_data_steers(tmp_path: Path) -> None:
    """A count inside a `while` is one statement with it; the loops around are parallel all the same, and scratch rows stay short."""
    line = np.linspace(-2.0, 1.0, 17)
    counts = np.zeros((17, 11), dtype=np.int64)
    built = build(tmp_path, "escapes", ESCAPES, profile_of(ESCAPES, "escapes.mod", {"escapes": [(line, line[:11], counts)]}))
    assert "parallel" in "".join(built.compiled.kernel_sources.values())
    same(built.plain.escapes, built.built.escapes, line, line[:11], counts)
