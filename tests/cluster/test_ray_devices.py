"""Chunks on the GPUs of a real cluster: Ray's are logical ones, and the workers' CuPy is the stand-in."""

from __future__ import annotations

from importlib import import_module

import pytest
from built import build, profile_of
from cluster_harness import Ready
from ray_programs import SCALED, numbers, same

from setuptools_polyopt.config import Settings

pytest.importorskip("ray", reason="Ray is not installed (pip install ray)")
pytestmark = pytest.mark.filterwarnings("ignore")

TEXT = f"import numpy as np\n{SCALED}"


def test_one_device_a_task(ready: Ready, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POLYOPT_DEVICE", "gpu")
    settings = Settings(targets=("cpu", "gpu", "ray"))
    profile = profile_of(TEXT, "rayongpus.mod", {"scaled": [(numbers(4, 5),)]})
    made = build(ready.folder, "rayongpus", TEXT, profile, settings)
    import_module("rayongpus._polyopt.ray_target")._Memory.resting = float("-inf")
    x = numbers(80, 30)
    assert same(made.built.scaled(x), made.plain.scaled(x))
    launches = [line.split() for line in (ready.folder / "launches").read_text().splitlines()]
    kernels = [name for _, _, name in launches]
    assert kernels
    assert len({name[:-3] for name in kernels}) == 1
    assert kernels.count(kernels[0]) * 2 == len(kernels)  # each chunk has two, with the sums on the device in between
    assert {devices for _, devices, _ in launches} == {"0"}  # each of the nodes has one
