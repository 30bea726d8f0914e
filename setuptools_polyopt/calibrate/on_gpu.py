"""A GPU's constants, measured on kernels that run as any other GPU variant: through `runtime/gpu_target`, transfers included.

Each constant is the difference between two runs that differ in one thing, so that what they share does not matter: steps over tiny
arrays (launches), over large ones that stay on the device (its memory), rounds of work in each thread.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from setuptools_polyopt.calibrate.building import Kernels, least
from setuptools_polyopt.diagnostics import PolyoptError
from setuptools_polyopt.runtime import costs
from setuptools_polyopt.runtime.machine import Machine
from setuptools_polyopt.runtime.targets import Call

SOURCE = '''\
import numpy as np
from numpy.typing import NDArray


def touch(a: NDArray[np.float64], b: NDArray[np.float64], steps: int):
    for step in range(steps):
        for i in range(1, a.shape[0] - 1):
            b[i] = 0.5 * (a[i - 1] + a[i + 1])
        for i in range(1, a.shape[0] - 1):
            a[i] = b[i]


def compute(a: NDArray[np.float64], rounds: int):
    for i in range(a.shape[0]):
        x = a[i]
        for k in range(rounds):
            x = x * 0.5 + 0.25
        a[i] = x
'''
LARGE = 1 << 24
"""Elements of an array beyond any cache."""
THREADS = 1 << 18
"""Enough to keep all of a GPU busy."""
STEPS, ROUNDS = 50, 2000


def missing() -> str:
    """Why there is no GPU to measure; empty where there is one."""
    try:
        import cupy

        return "" if cupy.cuda.runtime.getDeviceCount() > 0 else "there is none"
    except ImportError:
        return "CuPy is not installed"
    except Exception as error:  # noqa: BLE001 -- whatever a driver may lack
        return f"it cannot be used ({type(error).__name__})"


def measure(kernels: Kernels, known: Machine, say: Callable[[str], object]) -> Machine:
    """The GPU's constants, over those that are known."""
    tiny, large = np.ones(4), np.ones(LARGE)
    one = _run(kernels, known, "touch", tiny, tiny.copy(), 1)
    launch = _slope(_run(kernels, known, "touch", tiny, tiny.copy(), 1 + STEPS) - one, 2.0 * STEPS, known.gpu_launch)
    transfer = _slope(one - 2.0 * launch, 2.0, known.gpu_transfer)
    say(f"GPU: {1e6 * launch:.1f} us for a launch, {1e6 * transfer:.1f} us for a transfer")
    moved = 4.0 * large.nbytes  # by the two launches of a step, and to and from the device
    once = _run(kernels, known, "touch", large, large.copy(), 1)
    busy = _run(kernels, known, "touch", large, large.copy(), 1 + STEPS) - once - 2.0 * STEPS * launch
    step = _slope(busy, STEPS, moved / known.gpu_memory)
    bus, memory = moved / _slope(once - one - step, 1.0, moved / known.gpu_bus), moved / step
    say(f"GPU: {bus / 1e9:.1f} GB/s to and from it, {memory / 1e9:.0f} GB/s of its memory")
    thread = _rounds(kernels, known, np.ones(1), known.gpu_thread)
    operation = _rounds(kernels, known, np.ones(THREADS), known.gpu_operation)
    say(f"GPU: {1e12 * operation:.3f} ps for a unit of work, {1e9 * thread:.2f} ns in one thread")
    return known._replace(
        gpu_operation=operation, gpu_thread=thread, gpu_memory=memory, gpu_bus=bus, gpu_launch=launch, gpu_transfer=transfer
    )


def _slope(seconds: float, count: float, default: float) -> float:
    """Seconds of each; the default where the clock sees none."""
    return seconds / count if seconds > 0.0 else default


def _rounds(kernels: Kernels, known: Machine, array: np.ndarray, default: float) -> float:
    """Seconds of a unit of work of as many threads as the array has elements."""
    few, many = (_Prepared(kernels, known, "compute", array, count) for count in (1, 1 + ROUNDS))
    units = many.work - few.work
    return _slope(least(many.run) - least(few.run), units, default)


def _run(kernels: Kernels, known: Machine, name: str, *args: Any) -> float:
    return least(_Prepared(kernels, known, name, *args).run)


class _Prepared:
    """A run on the GPU. work: its units there."""

    def __init__(self, kernels: Kernels, known: Machine, name: str, *args: Any) -> None:
        offered = kernels.offered(name, *args)
        arrays, _ = offered.arrays
        self.call = Call(offered.symbol, offered.args, arrays, offered.work, known)
        self.target, self.plan = kernels.part("gpu_target"), kernels.part("gpu_plans").PLANS[offered.symbol]
        self.native = kernels.part("plans").PLANS[offered.symbol]
        self.work = float(self.native.work(*self.native.values(offered.args), costs.GPU))

    def run(self) -> None:
        answer = self.target.run(self.plan, self.call)  # flags may be set that a run cannot rule out
        if answer is None or answer[0]:
            raise PolyoptError(f"calibration: the GPU did not run {self.plan.symbol}: {'; '.join(self.call.notes)}")
