"""The sample project on a GPU: its CUDA sources compile for every architecture, and the stand-in computes the original's bits."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import standin

from benchmarks.building import build_copy
from benchmarks.cases import CASES, PACKAGE_MODULES
from benchmarks.equality import difference
from benchmarks.loading import Modules, load
from setuptools_polyopt import nvrtc
from setuptools_polyopt.config import Settings

SAMPLE = Path(__file__).resolve().parents[2] / "sample_project"
SIZES = {"ambiguity": 60, "strongest_echoes": 300, "chirp_echoes": 100, "process_cubes": 64, "simulate_cubes": 64}
ON_GPU = {
    "strict": {"integrate", "matmul", "covariance", "correlation", "heat2d", "lu", "lu_solve", "shortest_paths", "smooth",
               "strongest_echoes", "horizontal_diffusion"},
    "bounded": {"softmax"},
}  # fmt: skip


@dataclass(frozen=True)
class Sample:
    plain: Modules
    built: Modules
    compiled: Any


@pytest.fixture(scope="module", params=["strict", "bounded"])
def sample(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sample]:
    folder = tmp_path_factory.mktemp("sample")
    package = SAMPLE / "src" / "radarlab"
    settings = Settings(targets=("cpu", "gpu"), fp=request.param)
    names = [name.partition(".")[2] for name in PACKAGE_MODULES]
    compiled = build_copy(package, names, SAMPLE / "polyopt-profile.json", folder, settings, ("x86-64-v2",))
    for file, text in compiled.gpu_sources.items():
        (folder / "radarlab" / "_polyopt" / file).write_text(text)
        (folder / "radarlab" / "_polyopt" / file.replace(".cu", ".sm_90.cubin")).write_bytes(b"the stand-in takes the source")
    plain = load(package.parent, PACKAGE_MODULES)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("POLYOPT_DEVICE", "gpu")
        patch.syspath_prepend(folder)
        yield Sample(plain, {name: importlib.import_module(name) for name in PACKAGE_MODULES}, compiled)
        for name in [name for name in sys.modules if name.partition(".")[0] == "radarlab"]:
            del sys.modules[name]


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name.rpartition(".")[2].rpartition(":")[2])
def test_values(sample: Sample, case: Any) -> None:
    name = case.name.rpartition(".")[2].rpartition(":")[2]
    size = SIZES.get(name, 24)
    outcomes = []
    with standin.installed():
        for modules in (sample.plain, sample.built):
            given = case.preparer(modules, size)()
            outcomes.append((case.function(modules)(*given), given))
        launches = standin.COUNTS["launches"]
    fp = "strict" if sample.compiled.gpu_sources.keys().isdisjoint({"radarlab_fields_softmax_0.cu"}) else "bounded"
    assert launches > 0 or name not in ON_GPU[fp]
    if fp == "strict" or name in ON_GPU["strict"]:
        assert difference(*outcomes) is None
    else:
        np.testing.assert_allclose(outcomes[1][0], outcomes[0][0], rtol=1e-12, atol=1e-12)


@pytest.mark.slow
def test_nvrtc_compiles_everything(sample: Sample) -> None:
    compiler = nvrtc.find_nvrtc(os.environ)
    if isinstance(compiler, nvrtc.NoNvrtc):
        pytest.skip(compiler.reason)
    headers = {name: sample.compiled.headers[name] for name in nvrtc.HEADERS}
    made = nvrtc.build_cubins(compiler, sample.compiled.gpu_sources, headers)
    assert len(made) == 4 * len(sample.compiled.gpu_sources)
