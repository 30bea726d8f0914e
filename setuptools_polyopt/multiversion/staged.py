"""The parts of a variant that the nodes of a Ray cluster run.

Before: a scheduled kernel. After: its stages (`polyhedral/stages`), each printed as a native kernel, with what a chunk of its parallel loop
reads and writes. For nodes with GPUs the same of a schedule without tiles, where each chunk is also a sequence of CUDA kernels: what they
exchange stays on the device.

    for i in 0..n parallel:                        chunk [lo, hi) on a GPU:
      for j in 0..m: s = s + x[i, j]         ->      for i in lo..hi parallel: ...
      for j in 0..m: y[i, j] = x[i, j] / s           for i in lo..hi parallel: for j in 0..m parallel: ...
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from setuptools_polyopt.codegen.c import kernel_source
from setuptools_polyopt.codegen.source import KernelSource
from setuptools_polyopt.codegen.source import Options as Printing
from setuptools_polyopt.diagnostics import Unsupported
from setuptools_polyopt.ir.kernel import Kernel
from setuptools_polyopt.ir.verifier import verify
from setuptools_polyopt.multiversion.gpu import GpuVariant, gpu_variant
from setuptools_polyopt.multiversion.plan import NativeStage, NativeVariant
from setuptools_polyopt.polyhedral import Options, Scheduled, Schedules, stages
from setuptools_polyopt.polyhedral.stages import Stages

_NOT_PARALLEL = (
    "no loop of it is parallel from the outside: every iteration of the outermost loop needs what an earlier one has computed"
)


def as_variant(scheduled: Kernel, bound: Kernel, symbol: str) -> Kernel:
    """A schedule that variants share as one variant's: with the layouts of its own arrays, and what its guard has proved."""
    layouts = {array.name: array.layout for array in bound.arrays}
    arrays = tuple(replace(array, layout=layouts.get(array.name, array.layout)) for array in scheduled.arrays)
    kernel = replace(scheduled, name=symbol, arrays=arrays, assumptions=bound.assumptions)
    verify(kernel, scheduled=True)
    return kernel


def with_stages(native: NativeVariant, optimised: Kernel, schedules: Schedules) -> NativeVariant:
    """The variant with what a Ray cluster needs of it: stages, the chunks of those that can be spread, or the reason why none can."""
    return _with_stages(native, stages(optimised, repeats=False), schedules, kernel_source)


def _with_stages(
    native: NativeVariant, staged: Stages, schedules: Schedules, printed: Callable[[Kernel], KernelSource]
) -> NativeVariant:
    why_not = _NOT_PARALLEL
    found = []
    for stage in staged.each():
        chunk = None
        if stage.loop is not None:
            try:
                chunk = schedules.chunks.of(stage)
            except Unsupported as refused:
                why_not = refused.diagnostic.message
        if not stage.whole:
            verify(stage.kernel, scheduled=True)
        found.append(NativeStage(stage, native.source if stage.whole else printed(stage.kernel), chunk))
    if all(stage.chunk is None for stage in found):
        return replace(native, why_not=why_not)
    return replace(native, staged=staged, stages=tuple(found))


def with_devices(
    native: NativeVariant, scheduled: Scheduled, schedules: Schedules, code: str, fp: str
) -> tuple[NativeVariant, tuple[GpuVariant, ...]]:
    """A variant that a cluster can run with stages whose chunks GPUs can run too, and these chunks as GPU variants.

    code: stem of the region's CUDA file.
    """
    if not native.stages:
        return native, ()
    symbol = native.source.symbol
    bound = native.variant.kernel
    untiled = as_variant(scheduled.with_options(Options(tile=False, vector=False)).kernel, bound, f"{symbol}_d")
    staged = stages(untiled, repeats=False)
    staged = replace(staged, steps=tuple(replace(step, whole=False) for step in staged.each()))
    devices = _with_stages(replace(native, stages=()), staged, schedules, lambda kernel: kernel_source(kernel, Printing(jam=False)))
    found = []
    for number, stage in enumerate(devices.stages):
        if stage.chunk is not None:
            try:
                kernel, touched = schedules.chunks.on_device(stage.stage)
                fields = f'NATIVE["{symbol}"].devices.stages[{number}].fields'
                found.append(gpu_variant(kernel, touched, stage.source.symbol, code, fp, fields))
            except Unsupported:
                continue
    return (replace(native, devices=devices), tuple(found)) if found else (native, ())
