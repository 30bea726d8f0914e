"""Tasks that each have a GPU, with stand-ins for Ray and for the GPU: chunks run there, and what their kernels exchange stays there."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator

import pytest
import standin
from built import Built, build, profile_of
from ray_programs import CALLS, CASES, SCALED, TEXT, numbers, outcome, same
from ray_standin import StandIn

from setuptools_polyopt import nvrtc
from setuptools_polyopt.config import Settings

CALLED = {**CALLS, "scaled": [(numbers(4, 5),)]}
NO_GPU_FORM = {"one dimension", "functions of NumPy"}
"""Cases that call libm or NumPy, whose bits a GPU does not have."""


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Built]:
    """The programs for all targets, always sent to the GPUs of the cluster."""
    folder = tmp_path_factory.mktemp("raydevices")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("POLYOPT_RAY", "auto")
        patch.setenv("POLYOPT_DEVICE", "gpu")
        profile = profile_of(TEXT + SCALED, "raydevices.mod", CALLED)
        yield build(folder, "raydevices", TEXT + SCALED, profile, Settings(targets=("cpu", "gpu", "ray")))


@pytest.fixture
def ray(programs: Built, monkeypatch: pytest.MonkeyPatch) -> StandIn:
    """A cluster of three GPUs."""
    from importlib import import_module

    target = import_module("raydevices._polyopt.ray_target")
    target._remote.cache_clear()
    target._Memory.resting = target._Memory.asked = float("-inf")
    cluster = StandIn(2, gpus=3)
    monkeypatch.setitem(sys.modules, "ray", cluster)
    return cluster


@pytest.mark.filterwarnings("ignore:divide by zero")
@pytest.mark.parametrize("name", CASES)
def test_same_as_python(programs: Built, ray: StandIn, name: str) -> None:
    function, args = CASES[name]
    with standin.installed():
        assert same(outcome(getattr(programs.built, function), args), outcome(getattr(programs.plain, function), args))
        launched = standin.COUNTS["launches"]
    assert (ray.on_gpus > 0) == (launched > 0) == (name not in NO_GPU_FORM)


def test_intermediates_stay_on_the_device(programs: Built, ray: StandIn) -> None:
    x = numbers(60, 40)
    with standin.installed():
        assert same(programs.built.scaled(x), programs.plain.scaled(x))
        assert ray.tasks == ray.on_gpus == 3
        assert standin.COUNTS["launches"] == 2 * ray.tasks
        assert standin.COUNTS["to device"] == x.nbytes
        assert standin.COUNTS["to host"] == x.nbytes + 8 * ray.tasks  # results, and each task's status


def test_a_worker_whose_gpu_cannot_be_used_takes_its_processor(
    programs: Built, ray: StandIn, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(standin.LIMIT, "devices", 0)
    x = numbers(60, 40)
    with standin.installed():
        assert same(programs.built.scaled(x), programs.plain.scaled(x))
        assert standin.COUNTS["launches"] == 0
    assert ray.on_gpus == 3
    assert not capfd.readouterr().err


def test_without_gpus_in_the_cluster_processors_work(programs: Built, ray: StandIn) -> None:
    ray.gpus = 0
    x = numbers(60, 40)
    with standin.installed():
        assert same(programs.built.scaled(x), programs.plain.scaled(x))
    assert ray.tasks > 0
    assert not ray.on_gpus


@pytest.mark.slow
def test_nvrtc_compiles_the_chunks(programs: Built) -> None:
    compiler = nvrtc.find_nvrtc(os.environ)
    if isinstance(compiler, nvrtc.NoNvrtc):
        pytest.skip(compiler.reason)
    compiled = programs.compiled
    assert any("_d_s0" in text for text in compiled.gpu_sources.values())
    made = nvrtc.build_cubins(compiler, compiled.gpu_sources, {name: compiled.headers[name] for name in nvrtc.HEADERS})
    assert len(made) == 4 * len(compiled.gpu_sources)
