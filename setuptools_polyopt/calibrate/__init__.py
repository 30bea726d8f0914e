"""`polyopt calibrate`: measures the constants of `runtime/machine.py` on this machine, for the user's cache.

What: `calibrate` measures the processor (`on_cpu`), a GPU where CuPy finds one (`on_gpu`), and the Ray cluster that the user names
(`on_ray`). What is not measured keeps what was measured before, else its default. Why here: above the pipeline, since what is measured
are kernels that are built as any other.
"""

from __future__ import annotations

from collections.abc import Callable

from setuptools_polyopt import toolchain
from setuptools_polyopt.calibrate import on_cpu, on_gpu, on_ray
from setuptools_polyopt.calibrate.building import built
from setuptools_polyopt.runtime.machine import Machine

__all__ = ["calibrate"]


def calibrate(say: Callable[[str], object], known: Machine, cluster: str | None = None) -> Machine:
    """The constants of this machine, over those that are known.

    cluster: an address of a Ray cluster, or `local` for one that is started and stopped. Raises PolyoptError where there is no compiler, or
    no such cluster.
    """
    with built(on_cpu.SOURCE) as kernels:
        measured = on_cpu.measure(kernels, known, say)
    with built(on_cpu.LIBM_SOURCE, levels=[toolchain.BASELINE.name]) as kernels:  # libm has the instructions that it has
        measured = on_cpu.measure_libm(kernels, measured, say)
    why_not = on_gpu.missing()
    if why_not:
        say(f"GPU: {why_not}, so its constants stay as they are")
    else:
        with built(on_gpu.SOURCE, ("cpu", "gpu")) as kernels:
            measured = on_gpu.measure(kernels, measured, say)
    return measured if cluster is None else on_ray.measure(cluster, measured, say)
