"""Contiguous arrays of short rows are passed as arrays of long rows to kernels that treat each element alike."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from built import Built, build, profile_of

from setuptools_polyopt.config import Settings
from setuptools_polyopt.multiversion.merge import merged_axes
from setuptools_polyopt.pipeline import ModuleSource, _compile_module, _project, _Shared

SOURCE = """
import numpy as np


def mixed(a, b):
    return np.exp(-a) * b + 1.0


def in_place(a, b):
    a += b * b
    a[:] = np.sqrt(a)


def ordered_sum(a, b):
    s = 0.0
    for i in range(a.shape[0]):
        for j in range(a.shape[1]):
            s += a[i, j] * a[i, j]
    return s


def share(a, b):
    return np.minimum(a, b) / np.sum(a)


def centred(a, b):
    return (a - b.mean(axis=0, keepdims=True)) * 2.0


def rows(a, b):
    s = 0.0
    for i in range(a.shape[0]):
        s = 1.5 * s
        for j in range(a.shape[1]):
            s += a[i, j] * b[i, j]
    return s


def numbered(a, b):
    c = np.empty_like(a)
    for i in range(a.shape[0]):
        for j in range(a.shape[1]):
            c[i, j] = a[i, j] * j + b[i, j]
    return c


def shifted(a, b):
    return a[1:] * b[:-1] + 1.0
"""
MERGED = {"mixed": 2, "in_place": 2, "ordered_sum": 2, "share": 2, "centred": 0}
APART = ("rows", "numbered", "shifted")
SHAPES = ((1, 1), (3, 5), (5, 3), (30, 30), (7, 600), (1, 40), (40, 1), (0, 4), (4, 0), (101, 100), (100, 100), (4099, 3))


def arguments(shape: tuple[int, ...], part: slice) -> list[np.ndarray]:
    rng = np.random.default_rng(5)
    return [rng.random((*shape[:-1], 2 * shape[-1]))[..., part][..., : shape[-1]] for _ in range(2)]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    deep = arguments((2, 3, 4), slice(0, 4))
    calls: dict[str, Any] = {name: [arguments((3, 4), slice(None))] for name in (*MERGED, *APART)}
    calls["mixed"].append(deep)
    calls["centred"].append(deep)
    return build(tmp_path_factory.mktemp("merged"), "merged", SOURCE, profile_of(SOURCE, "merged.mod", calls))


@pytest.mark.parametrize("name", [*MERGED, *APART])
def test_bits_of_numpy_for_short_and_long_rows(built: Built, name: str) -> None:
    for shape in SHAPES:
        if name == "centred" and not shape[0]:
            continue  # a mean of nothing warns
        for copied in (True, False):
            pair = []
            for module in (built.plain, built.built):
                given = [a.copy() if copied else a for a in arguments(shape, slice(None))]
                with np.errstate(all="ignore"):
                    pair.append((getattr(module, name)(*given), given))
            for expected, found in zip(*[(result, *given) for result, given in pair], strict=True):
                assert type(expected) is type(found)
                assert expected is None or np.asarray(expected).tobytes() == np.asarray(found).tobytes(), (shape, copied)


@pytest.mark.parametrize("name", ["mixed", "centred"])
@pytest.mark.parametrize("shape", [(2, 3, 4), (6, 5, 3), (40, 50, 3), (2, 1, 1), (3, 0, 2)])
def test_three_axes(built: Built, name: str, shape: tuple[int, ...]) -> None:
    given = [a.copy() for a in arguments(shape, slice(None))]
    with np.errstate(all="ignore"):
        expected, found = (getattr(module, name)(*given) for module in (built.plain, built.built))
    assert expected.tobytes() == found.tobytes()
    assert expected.shape == found.shape


def test_what_may_be_merged() -> None:
    calls = {name: [arguments((3, 4), slice(0, 4))] for name in (*MERGED, *APART)}
    profile = profile_of(SOURCE, "merged.mod", calls)
    source = ModuleSource("merged.mod", "mod.py", SOURCE)
    module = _compile_module(source, profile, Settings(), _Shared(), _project([source], Settings(), profile))
    found = {
        region.native.region.function: len(merged_axes(region.native.variants[0].variant.kernel)) for region in module.regions
    }
    assert found == MERGED | dict.fromkeys(APART, 0)
