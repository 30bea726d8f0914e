"""Built modules whose runs take place on the stand-in: the values of the plain source, whatever happens on the way."""

from __future__ import annotations

import importlib
import math
import os
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import standin
from built import Built, build, profile_of

from setuptools_polyopt import nvrtc
from setuptools_polyopt.config import Settings

SOURCE = """
import numpy as np


def heat(a, b, steps):
    for _ in range(steps):
        b[1:-1, 1:-1] = 0.25 * (a[:-2, 1:-1] + a[2:, 1:-1] + a[1:-1, :-2] + a[1:-1, 2:])
        a[1:-1, 1:-1] = b[1:-1, 1:-1] * 1.5


def product(a, b):
    c = np.zeros((a.shape[0], b.shape[1]))
    for i in range(a.shape[0]):
        for j in range(b.shape[1]):
            s = 0.0
            for k in range(a.shape[1]):
                s += a[i, k] * b[k, j]
            c[i, j] = s
    return c


def mix(x, y):
    return np.where(x > y, x * y - 2.0, y / (x * x + 1.0))


def ratios(a, b):
    for i in range(a.shape[0]):
        a[i] = a[i] / b[i]


def counts(a, k):
    b = np.empty(a.shape[0], dtype=np.int64)
    for i in range(a.shape[0]):
        b[i] = a[i] * k // 3 + (a[i] & 7)
    return b


def tails(a):
    a[2:-2] = a[2:-2] * 2.0 + a[4:] * a[:-4]
    return a[3] + 1.0


def found(a, t):
    count = 0
    for i in range(a.shape[0]):
        for j in range(a.shape[1]):
            if a[i, j] > t:
                count += 1
    return count


def gathered(k):
    total, most = 0, k[0]
    for i in range(k.shape[0]):
        total += int(k[i]) & 7
        if k[i] > most:
            most = k[i]
    return total, most


def escapes(n, m, most):
    out = np.zeros((n, m), dtype=np.int64)
    for i in range(n):
        for j in range(m):
            x = y = 0.0
            k = 0
            while k < most and x * x + y * y < 4.0:
                x, y = x * x - y * y + (j * 3.0 / m - 2.0), 2.0 * x * y + (i * 2.0 / n - 1.0)
                k += 1
            out[i, j] = k
    return out


def firsts(a, t):
    out = np.full(a.shape[0], -1)
    for i in range(a.shape[0]):
        for j in range(a.shape[1]):
            if a[i, j] < 0.1:
                continue
            if a[i, j] > t:
                out[i] = j
                break
    return out


def rows(x):
    y = x - x.mean(axis=1)[:, None]
    return np.exp(y) / np.sqrt(1.0 + y * y)
"""


def arguments(seed: int = 0) -> dict[str, tuple[Any, ...]]:
    rng = np.random.default_rng(seed)
    return {
        "heat": (rng.random((9, 11)), rng.random((9, 11)), 3),
        "product": (rng.random((5, 6)), rng.random((6, 7))),
        "mix": (rng.random(40), rng.random(40)),
        "ratios": (rng.random(30), rng.random(30) + 0.5),
        "counts": (rng.integers(-50, 50, 33), 4),
        "tails": (rng.random(20),),
        "found": (rng.random((9, 300)), 0.5),
        "gathered": (rng.integers(-50, 50, 1000),),
        "escapes": (13, 17, 40),
        "firsts": (rng.random((40, 9)), 0.9),
        "rows": (rng.random((4, 300)),),
    }


def made(folder: Path, name: str, fp: str) -> Built:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("POLYOPT_DEVICE", "gpu")
        profile = profile_of(SOURCE, f"{name}.mod", {key: [value] for key, value in arguments().items()})
        result = build(folder, name, SOURCE, profile, Settings(targets=("cpu", "gpu"), fp=fp))
    for file in result.compiled.gpu_sources:
        (folder / name / "_polyopt" / file.replace(".cu", ".sm_90.cubin")).write_bytes(b"the stand-in takes the source beside it")
    return result


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Built:
    return made(tmp_path_factory.mktemp("strict"), "gpu_strict", "strict")


@pytest.fixture(scope="module")
def bounded(tmp_path_factory: pytest.TempPathFactory) -> Built:
    return made(tmp_path_factory.mktemp("bounded"), "gpu_bounded", "bounded")


@pytest.fixture
def cupy() -> Iterator[ModuleType]:
    with standin.installed() as module:
        yield module


def own(values: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(value.copy(order="K") if isinstance(value, np.ndarray) else value for value in values)


def compare(built: Built, name: str, values: tuple[Any, ...]) -> None:
    """Both forms leave the same bits in results and arguments, or raise the same."""
    outcomes = []
    for module in (built.plain, built.built):
        given = own(values)
        with np.errstate(all="ignore"):
            try:
                result = getattr(module, name)(*given)
            except ArithmeticError as error:
                result = repr(error)
        results = result if isinstance(result, tuple) else (0 if result is None else result,)
        outcomes.append([np.asarray(value) for value in (*results, *given)])
    for expected, found in zip(*outcomes, strict=True):
        assert found.dtype == expected.dtype
        assert found.shape == expected.shape
        assert found.tobytes() == expected.tobytes()


@pytest.mark.parametrize("name", ["heat", "product", "mix", "ratios", "counts", "tails", "found", "gathered", "escapes", "firsts"])
def test_bits_of_the_source(strict: Built, cupy: ModuleType, name: str) -> None:
    compare(strict, name, arguments(1)[name])
    assert standin.COUNTS["launches"] > 0


@pytest.mark.parametrize("name", ["found", "gathered"])
def test_accumulations_of_integers_have_threads(strict: Built, name: str) -> None:
    """They are associative, so there are partial results: some kernel of theirs has a loop over threads."""
    text = strict.compiled.gpu_sources[f"gpu_strict_mod_{name}_0.cu"]
    assert "POLYOPT_THREAD(x)" in text


def test_any_layout(strict: Built, cupy: ModuleType) -> None:
    a, b = np.random.default_rng(2).random((2, 24, 26))
    for x, y in ((a[::2, ::-1], b[::2, ::-1]), (a.T, b.T), (a[3:, 5:], b[:-3, :-5]), (a, np.asfortranarray(b))):
        compare(strict, "heat", (x, y, 2))
    compare(strict, "product", (a, b.T))
    compare(strict, "mix", (a[:, 3], b[0, 2:]))
    compare(strict, "mix", (a, b))  # contiguous rows are joined
    assert standin.COUNTS["launches"] > 0


def test_empty_arrays(strict: Built, cupy: ModuleType) -> None:
    compare(strict, "mix", (np.empty(0), np.empty(0)))
    compare(strict, "product", (np.empty((3, 0)), np.empty((0, 2))))


def test_what_python_raises(strict: Built, cupy: ModuleType) -> None:
    compare(strict, "ratios", (np.arange(1.0, 6.0), np.array([1.0, 2.0, 0.0, 4.0, 5.0])))
    compare(strict, "counts", (np.array([2**62, 1, 2]), 7))
    assert standin.COUNTS["launches"] > 0


def test_odd_numbers_are_left_to_the_original(strict: Built, cupy: ModuleType) -> None:
    odd = np.array([1.0, np.nan, np.inf, -np.inf, -0.0, 5e-324])
    compare(strict, "mix", (odd, odd[::-1].copy()))
    with pytest.warns(RuntimeWarning, match="overflow"):
        strict.built.mix(np.full(3, 1e200), np.full(3, -1e200))


@pytest.mark.parametrize(
    ("limit", "value"), [("devices", 0), ("bytes", 100), ("capability", "35")], ids=["no device", "no memory", "an old device"]
)
def test_where_a_gpu_cannot_serve(strict: Built, cupy: ModuleType, monkeypatch: pytest.MonkeyPatch, limit: str, value: Any) -> None:
    monkeypatch.setitem(standin.LIMIT, limit, value)
    monkeypatch.setattr(importlib.import_module("gpu_strict._polyopt.gpu_target"), "_MODULES", {})
    folder = Path(strict.built.__file__).parent / "_polyopt"
    sources = [path.rename(path.with_suffix(".away")) for path in folder.glob("*.cu")] if limit == "capability" else []
    try:
        compare(strict, "product", arguments(3)["product"])
    finally:
        for path in sources:
            path.rename(path.with_suffix(".cu"))


def test_code_that_cannot_be_loaded_is_tried_once(strict: Built, cupy: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object, **__: object) -> None:
        standin.COUNTS["tries"] += 1
        raise RuntimeError("CUDA_ERROR_INVALID_IMAGE")

    target = importlib.import_module("gpu_strict._polyopt.gpu_target")
    monkeypatch.setattr(target, "_MODULES", {})
    monkeypatch.setattr(cupy, "RawModule", refused)
    for _ in range(3):
        compare(strict, "product", arguments(3)["product"])
    assert standin.COUNTS["tries"] == 1
    assert standin.COUNTS["launches"] == 0


def test_values_within_the_bounds(bounded: Built, cupy: ModuleType) -> None:
    (x,) = arguments(4)["rows"]
    found, expected = bounded.built.rows(x), bounded.plain.rows(x)
    assert standin.COUNTS["launches"] > 0
    np.testing.assert_allclose(found, expected, rtol=1e-15)


@pytest.mark.parametrize("columns", [1, 2, 255, 256, 257, 2049, 7001])
def test_sums_that_a_block_shares(bounded: Built, cupy: ModuleType, columns: int) -> None:
    x = np.random.default_rng(columns).standard_normal((3, columns))
    exact = x - np.array([[math.fsum(row) / columns] for row in x])
    np.testing.assert_allclose(bounded.built.rows(x), np.exp(exact) / np.sqrt(1.0 + exact * exact), rtol=4e-15)
    assert standin.COUNTS["launches"] == 2


@pytest.mark.parametrize("name", ["heat", "product", "mix", "ratios", "counts"])
def test_cupy_arrays_are_answered_in_kind(strict: Built, cupy: ModuleType, name: str) -> None:
    values = arguments(5)[name]
    given = tuple(cupy.array(value) if isinstance(value, np.ndarray) else value for value in values)
    result, expected = getattr(strict.built, name)(*given), getattr(strict.plain, name)(*values)
    assert standin.COUNTS["to device"] == 0
    assert standin.COUNTS["to host"] == 8  # the status
    if expected is not None:
        assert type(result) is cupy.ndarray
        assert result.get().tobytes() == expected.tobytes()
    for before, after in zip(values, given, strict=True):
        if isinstance(before, np.ndarray):
            assert after.host.tobytes() == before.tobytes()


def test_cupy_arrays_are_as_before_when_a_run_fails(strict: Built, cupy: ModuleType) -> None:
    a, b = cupy.array(np.arange(3.0)), cupy.array(np.array([0.0, 2.0, 1.0]))
    with pytest.raises(TypeError):  # the original, on arrays that can do nothing
        strict.built.ratios(a, b)
    assert standin.COUNTS["launches"] == 1
    assert a.host.tolist() == [0.0, 1.0, 2.0]


def test_overlapping_cupy_arrays_are_refused(strict: Built, cupy: ModuleType) -> None:
    a = cupy.array(np.arange(1.0, 9.0))
    with pytest.raises(TypeError):
        strict.built.ratios(a[:-1], a[1:])
    assert standin.COUNTS["launches"] == 0


@pytest.mark.slow
@pytest.mark.parametrize("fp", ["strict", "bounded"])
def test_nvrtc_compiles_everything(strict: Built, bounded: Built, fp: str) -> None:
    compiler = nvrtc.find_nvrtc(os.environ)
    if isinstance(compiler, nvrtc.NoNvrtc):
        pytest.skip(compiler.reason)
    compiled = (strict if fp == "strict" else bounded).compiled
    made = nvrtc.build_cubins(compiler, compiled.gpu_sources, {name: compiled.headers[name] for name in nvrtc.HEADERS})
    assert len(made) == 4 * len(compiled.gpu_sources)
