"""Products of matrices on a GPU: CuPy's library does them in bounded mode, between generated kernels, on arrays that stay there."""

from __future__ import annotations

from collections.abc import Iterator
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import standin
from built import Built, build, profile_of

from setuptools_polyopt.config import Settings

SOURCE = """
import numpy as np


def chained(a, b, c):
    return np.maximum(a @ b + 1.0, 0.0) @ c


def vector(a, x):
    return a @ x * 2.0


def turned(a, b):
    return a.T @ b[1:, :].T - 1.0


def waves(a, b):
    return a @ b + 0.5


def written_out(a, b):
    c = np.zeros((a.shape[0], b.shape[1]))
    for i in range(a.shape[0]):
        for j in range(b.shape[1]):
            for k in range(a.shape[1]):
                c[i, j] += a[i, k] * b[k, j]
    return c


def whole(a, b):
    return a @ b + 1
"""
PRODUCTS = {"chained": 2, "vector": 1, "turned": 1, "waves": 1, "written_out": 0, "whole": 0}


def arguments(seed: int = 0) -> dict[str, tuple[Any, ...]]:
    rng = np.random.default_rng(seed)
    a, b, c = rng.standard_normal((7, 9)), rng.standard_normal((9, 8)), rng.standard_normal((8, 5))
    return {
        "chained": (a, b, c),
        "vector": (a, b[:, 0].copy()),
        "turned": (a, rng.standard_normal((6, 7))),
        "waves": (a + 1j * a[::-1], b - 2j * b[:, ::-1]),
        "written_out": (a, b),
        "whole": (rng.integers(-9, 9, (5, 6)), rng.integers(-9, 9, (6, 4))),
    }


@pytest.fixture(scope="module")
def bounded(tmp_path_factory: pytest.TempPathFactory) -> Built:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("POLYOPT_DEVICE", "gpu")
        profile = profile_of(SOURCE, "products.mod", {name: [values] for name, values in arguments().items()})
        folder = tmp_path_factory.mktemp("products")
        return build(folder, "products", SOURCE, profile, Settings(targets=("cpu", "gpu"), fp="bounded"))


@pytest.fixture
def cupy() -> Iterator[ModuleType]:
    with standin.installed() as module:
        yield module


@pytest.mark.parametrize("name", PRODUCTS)
def test_values(bounded: Built, cupy: ModuleType, name: str) -> None:
    values = arguments(1)[name]
    found, expected = getattr(bounded.built, name)(*values), getattr(bounded.plain, name)(*values)
    assert standin.COUNTS["launches"] > 0
    assert standin.COUNTS["products"] == PRODUCTS[name]
    assert found.dtype == expected.dtype
    if PRODUCTS[name]:
        np.testing.assert_allclose(found, expected, rtol=1e-13, atol=1e-13)
    else:
        assert found.tobytes() == expected.tobytes()


def test_what_products_exchange_stays_on_the_device(bounded: Built, cupy: ModuleType) -> None:
    values = arguments(2)["chained"]
    found = bounded.built.chained(*values)
    assert standin.COUNTS["to device"] == sum(value.nbytes for value in values)
    assert standin.COUNTS["to host"] == found.nbytes + 8  # and the status


def test_products_of_cupy_arrays(bounded: Built, cupy: ModuleType) -> None:
    for name in ("chained", "turned"):
        values = arguments(3)[name]
        found = getattr(bounded.built, name)(*(cupy.array(value) for value in values))
        np.testing.assert_allclose(found.get(), getattr(bounded.plain, name)(*values), rtol=1e-13, atol=1e-13)
    assert standin.COUNTS["to device"] == 0


def test_empty_products(bounded: Built, cupy: ModuleType) -> None:
    for shapes in (((3, 0), (0, 2)), ((0, 4), (4, 2))):
        a, x = np.ones(shapes[0]), np.ones(shapes[1])[:, 0].copy()
        np.testing.assert_array_equal(bounded.built.vector(a, x), bounded.plain.vector(a, x))


def test_numbers_that_are_not_finite_are_left_to_numpy(bounded: Built, cupy: ModuleType) -> None:
    a, x = arguments(4)["vector"]
    a[2, 3] = np.inf
    with np.errstate(all="ignore"):
        np.testing.assert_array_equal(bounded.built.vector(a, x), bounded.plain.vector(a, x))
    assert standin.COUNTS["products"] == 1


def test_the_report_says_what_runs_where(bounded: Built) -> None:
    done = {region.function: region.variants[0].done for module in bounded.compiled.report.modules for region in module.regions}
    assert any(text.endswith("2 products by CuPy's library") for text in done["chained"])
    assert "on a GPU: 1 kernel, 1 with tiles in shared memory" in done["written_out"]
