"""What needs a GPU, a driver and CuPy: `make test-gpu`. The stand-in cannot say whether CUDA itself does what the kernels ask of it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from built import Built
from test_gpu_modules import arguments, compare, made

from setuptools_polyopt import nvrtc

pytestmark = pytest.mark.device


@pytest.fixture(scope="module")
def cupy() -> Any:
    """CuPy with a device, or a skip."""
    found = pytest.importorskip("cupy", reason="CuPy is not installed")
    if not found.cuda.is_available():
        pytest.skip("there is no GPU that CuPy can use")
    return found


def on_device(folder: Path, name: str, fp: str) -> Built:
    """Modules with real cubins."""
    result = made(folder, name, fp)
    inner = folder / name / "_polyopt"
    for path in inner.glob("*.cubin"):
        path.unlink()
    compiler = nvrtc.find_nvrtc(os.environ)
    if isinstance(compiler, nvrtc.Nvrtc):  # else the source
        headers = {file: result.compiled.headers[file] for file in nvrtc.HEADERS}
        for file, content in nvrtc.build_cubins(compiler, result.compiled.gpu_sources, headers).items():
            (inner / file).write_bytes(content)
    return result


@pytest.fixture(scope="module")
def strict(cupy: Any, tmp_path_factory: pytest.TempPathFactory) -> Built:
    return on_device(tmp_path_factory.mktemp("device"), "device_strict", "strict")


@pytest.mark.parametrize("name", ["heat", "product", "mix", "ratios", "counts", "tails"])
def test_bits_of_the_source(strict: Built, name: str) -> None:
    compare(strict, name, arguments(1)[name])


def test_functions_within_four_units(cupy: Any, tmp_path: Path) -> None:
    bounded = on_device(tmp_path, "device_bounded", "bounded")
    (x,) = arguments(4)["rows"]
    np.testing.assert_allclose(bounded.built.rows(x), bounded.plain.rows(x), rtol=1e-14)


@pytest.mark.parametrize("name", ["heat", "product", "mix", "ratios", "counts"])
def test_cupy_arrays(strict: Built, cupy: Any, name: str) -> None:
    values = arguments(5)[name]
    given = tuple(cupy.asarray(value) if isinstance(value, np.ndarray) else value for value in values)
    result, expected = getattr(strict.built, name)(*given), getattr(strict.plain, name)(*values)
    if expected is not None:
        assert result.get().tobytes() == expected.tobytes()
    for before, after in zip(values, given, strict=True):
        if isinstance(before, np.ndarray):
            assert after.get().tobytes() == before.tobytes()
