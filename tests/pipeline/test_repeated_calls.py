"""Calls that loops repeat with the same operands are made once: the same bits, the same errors, and only where that is certain."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from built import Built, build, profile_of

from setuptools_polyopt.config import Settings
from setuptools_polyopt.frontend import analyse_module
from setuptools_polyopt.ir.printer import print_kernel
from setuptools_polyopt.ir.verifier import verify
from setuptools_polyopt.pipeline.variant import prepared
from setuptools_polyopt.polyhedral.hoist import hoist

SOURCE = '''
import math
import numpy as np


def correlate(x, y, rates, delays):
    n = x.shape[0]
    out = np.zeros((delays, rates.shape[0]))
    for d in range(delays):
        for f in range(rates.shape[0]):
            real = imag = 0.0
            for t in range(n - d):
                product = x[t + d] * y[t]
                real += product * math.cos(rates[f] * t)
                imag -= product * math.sin(rates[f] * t)
            out[d, f] = math.sqrt(real * real + imag * imag)
    return out


def weigh(image, sigma):
    n, m = image.shape
    out = np.zeros((n, m))
    for i in range(2, n - 2):
        for j in range(2, m - 2):
            total = 0.0
            for p in range(-2, 3):
                for q in range(-2, 3):
                    total += image[i + p, j + q] * math.exp(-(p * p + q * q) / (2.0 * sigma * sigma))
            out[i, j] = total
    return out


def discount(values, rate, steps):
    for s in range(steps):
        for i in range(values.shape[0] - 1):
            values[i] = math.exp(-rate) * (0.5 * values[i] + 0.5 * values[i + 1])
    return values


def rows(a, b, times):
    for i in range(a.shape[0]):
        for r in range(times):
            for j in range(a.shape[1] - 1, i, -1):
                a[i, j] += math.log(b[i, j]) * r
    return a


def nested(x, y, z):
    out = np.zeros((x.shape[0], y.shape[0]))
    for k in range(z.shape[0]):
        for i in range(x.shape[0]):
            for j in range(y.shape[0]):
                out[i, j] += math.exp(x[i] * math.cos(y[j])) * z[k]
    return out


def triangle(x, times):
    s = np.zeros(times)
    for r in range(times):
        for i in range(r):
            s[r] += math.sqrt(x[i]) * math.log(x[i])
    return s


def chosen(x, times):
    s = np.zeros(times)
    for r in range(times):
        for i in range(x.shape[0]):
            if x[i] > 0.0:
                s[r] += math.log(x[i])
    return s


def lines(image, angles, bins):
    n, m = image.shape
    count = np.zeros((bins, angles), dtype=np.int64)
    size = math.sqrt(n * n + m * m)
    for i in range(n):
        for j in range(m):
            if image[i, j] > 0.5:
                for t in range(angles):
                    angle = math.pi * t / angles
                    distance = j * math.cos(angle) + i * math.sin(angle)
                    count[int((distance + size) * (bins - 1) / (2.0 * size)), t] += 1
    return count


def flow(u, phase, steps):
    for s in range(steps):
        u += np.cos(phase) * s
    return u


def written(x, times):
    for r in range(times):
        for i in range(x.shape[0]):
            x[i] = math.cos(x[i]) + 0.5
    return x
'''


def _calls(n: int = 9) -> dict[str, list[tuple[Any, ...]]]:
    def values(*shape: int) -> np.ndarray[Any, Any]:
        return np.random.default_rng(shape).random(shape) + 0.25

    return {
        "correlate": [(values(n), values(n) - 0.5, values(4), 3)],
        "weigh": [(values(n, n + 2), 1.5)],
        "discount": [(values(n), 0.03, 4)],
        "rows": [(values(n, n), values(n, n), 3)],
        "nested": [(values(n), values(4), values(3))],
        "triangle": [(values(n), min(n, 7))],
        "chosen": [(values(n) - 0.5, 3)],
        "lines": [(values(n, n), 5, 7)],
        "flow": [(values(n, n), values(n, n), 3)],
        "written": [(values(n), 3)],
    }


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    return build(tmp_path_factory.mktemp("repeated"), "repeated", SOURCE, profile_of(SOURCE, "repeated.mod", _calls()))


def _outcome(function: Any, arguments: tuple[Any, ...]) -> Any:
    given = [value.copy() if isinstance(value, np.ndarray) else value for value in arguments]
    try:
        with np.errstate(all="ignore"):
            result = function(*given)
    except (ValueError, OverflowError, IndexError) as error:
        result = (type(error), str(error))
    return [value.tobytes() if isinstance(value, np.ndarray) else value for value in (result, *given)]


def _same(built: Built, name: str, arguments: tuple[Any, ...]) -> None:
    assert _outcome(getattr(built.plain, name), arguments) == _outcome(getattr(built.built, name), arguments)


@pytest.mark.parametrize("name", _calls())
def test_same_bits(built: Built, name: str) -> None:
    for n in (9, 1, 0, 2, 3, 8, 17):
        _same(built, name, _calls(n)[name][0])
    native = getattr(built.built._polyopt, f"{name}_0", None)
    assert native is not None, built.compiled.diagnostics


def test_errors_come_where_the_program_makes_them(built: Built) -> None:
    x = np.array([0.5, 0.25, -1.0, 2.0])
    for times in range(6):  # the logarithm of -1 is asked for from 4 on, an element beyond the end from 6 on
        _same(built, "triangle", (x, times))
    _same(built, "rows", (np.ones((3, 3)), np.array([[-1.0, 2, 3], [-1, -1, 3], [-1, -1, -1]]), 2))  # below the diagonal nobody looks
    _same(built, "rows", (np.ones((3, 3)), np.array([[1.0, 2, -3], [1, 1, 1], [1, 1, 1]]), 2))
    _same(built, "rows", (np.ones((3, 3)), -np.ones((3, 3)), 0))
    _same(built, "correlate", (x, x, np.array([1.0, math.inf]), 2))
    _same(built, "discount", (x, -1e6, 2))
    _same(built, "discount", (x, -1e6, 0))


def _tables(name: str) -> list[str]:
    profile = profile_of(SOURCE, "m", _calls())
    for region in analyse_module(SOURCE, "m.py", "m", profile, Settings()).regions:
        if region.function == name:
            kernel = hoist(prepared(region.variants[0]))
            verify(kernel)
            return [line.strip() for line in print_kernel(kernel).splitlines() if line.strip().startswith("temporary table")]
    raise AssertionError(name)


@pytest.mark.parametrize(
    ("name", "ranks"),
    [
        ("correlate", [2, 2]),
        ("weigh", [0]),
        ("discount", [0]),
        ("nested", [2, 1]),
        ("triangle", [1]),
        ("chosen", []),
        ("flow", [2]),
        ("lines", [1, 1]),
        ("written", []),
    ],
)
def test_tables(name: str, ranks: list[int]) -> None:
    assert [line.count("max(") for line in _tables(name)] == ranks


def test_tables_lie_inside_the_loops_they_depend_on() -> None:
    assert _tables("rows") == ["temporary table: float64[max(a_1 - 1, 0)]"]


def test_large_tables_are_not_made(built: Built) -> None:
    (module,) = built.compiled.report.modules
    guards = {region.function: [" ".join(variant.guards) for variant in region.variants] for region in module.regions}
    small = ["tables of repeated calls are small" in text for text in guards["correlate"]]
    assert small == [True, False] * (len(small) // 2)
    assert not any("tables" in text for name in ("discount", "weigh") for text in guards[name])  # a number, 25 numbers
