"""How a GPU's constants are measured: on the stand-in, whose speed says nothing, with clocks that do; on a device where there is one."""

from __future__ import annotations

import sys
from typing import Any

import pytest
import standin

from setuptools_polyopt.calibrate import on_gpu
from setuptools_polyopt.calibrate.building import built
from setuptools_polyopt.runtime.machine import Machine


class Steady:
    """A GPU that takes exactly what the model says. The runs take place all the same, on the stand-in."""

    def __init__(self, real: Machine) -> None:
        self.real = real

    def least(self, run: Any) -> float:
        run()
        prepared = run.__self__
        plan, native, args = prepared.plan, prepared.native, prepared.call.args
        values, real = plan.values(args), self.real
        launches, chain = float(plan.launches(*values)), float(plan.chain(*values))
        moved = sum(native.touched(*native.values(args)))
        passes = launches / 2.0  # both arrays are read and written by the two launches of a step
        busy = max(prepared.work * real.gpu_operation, chain * real.gpu_thread, passes * moved / real.gpu_memory)
        return 2.0 * real.gpu_transfer + moved / real.gpu_bus + launches * real.gpu_launch + busy


def test_the_constants_of_a_gpu_that_is_as_the_model_says(monkeypatch: pytest.MonkeyPatch) -> None:
    real = Machine(gpu_operation=2e-12, gpu_thread=6e-9, gpu_memory=1e12, gpu_bus=2e10, gpu_launch=7e-6, gpu_transfer=2e-5)
    monkeypatch.setattr(on_gpu, "least", Steady(real).least)
    for name, value in {"LARGE": 1 << 16, "THREADS": 1 << 13, "STEPS": 4, "ROUNDS": 50}.items():
        monkeypatch.setattr(on_gpu, name, value)
    told: list[str] = []
    with standin.installed(), built(on_gpu.SOURCE, ("cpu", "gpu")) as kernels:
        assert on_gpu.missing() == ""
        measured = on_gpu.measure(kernels, Machine(operation=3e-11), told.append)
    assert measured.operation == 3e-11
    for name in ("gpu_operation", "gpu_thread", "gpu_memory", "gpu_bus", "gpu_launch", "gpu_transfer"):
        assert getattr(measured, name) == pytest.approx(getattr(real, name), rel=0.2), name
    assert len(told) == 3


def test_without_cupy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cupy", None)
    assert on_gpu.missing() == "CuPy is not installed"


@pytest.mark.device
def test_a_device() -> None:
    if on_gpu.missing():
        pytest.skip(on_gpu.missing())
    with built(on_gpu.SOURCE, ("cpu", "gpu")) as kernels:
        measured = on_gpu.measure(kernels, Machine(), print)
    assert 1e-7 < measured.gpu_launch < 1e-2
    assert 1e8 < measured.gpu_bus < measured.gpu_memory
    assert measured.gpu_operation < measured.gpu_thread
