"""All phases for one variant of a region: from its lowered kernel to C text, what a failure restores, and what each phase has to show."""

from __future__ import annotations

from dataclasses import replace

from setuptools_polyopt.codegen.c import kernel_source
from setuptools_polyopt.codegen.log import loggable
from setuptools_polyopt.codegen.source import Options as Printing
from setuptools_polyopt.codegen.work import certain_work, kernel_work
from setuptools_polyopt.config import Settings
from setuptools_polyopt.ir.kernel import Kernel, Role, Variant, lists_of, makes_lists
from setuptools_polyopt.ir.printer import print_kernel
from setuptools_polyopt.ir.statements import Alloc, walk
from setuptools_polyopt.ir.verifier import verify
from setuptools_polyopt.multiversion.plan import NativeVariant
from setuptools_polyopt.multiversion.safety import safety, with_log
from setuptools_polyopt.multiversion.staged import as_variant, with_stages
from setuptools_polyopt.pipeline.model import CompiledVariant
from setuptools_polyopt.polyhedral import Scheduled, Schedules, with_condition
from setuptools_polyopt.polyhedral.fold import fold
from setuptools_polyopt.polyhedral.footprint import Footprint
from setuptools_polyopt.polyhedral.forward import forward
from setuptools_polyopt.polyhedral.hoist import hoist
from setuptools_polyopt.polyhedral.operands import separate_operands


def compile_variant(
    variant: Variant, kernel: Kernel, symbol: str, settings: Settings, schedules: Schedules, quiet: bool
) -> CompiledVariant:
    """All phases for one variant and one of its `versions`. Raises Unsupported where one refuses, IRError where one is wrong.

    schedules: those of the region's variants so far; those that differ in strides alone share one. quiet: no floating-point flag matters.
    """
    lowered = replace(variant.kernel, name=symbol)
    lists = lists_of(variant)
    kernel = replace(kernel, name=symbol)
    scheduled = schedules.of(kernel)
    bound = with_condition(kernel, scheduled.condition)
    optimised = as_variant(scheduled.optimised.kernel, bound, symbol)
    source = kernel_source(optimised)
    source = replace(source, work=kernel_work(kernel.body, optimised.body), uses_flags=source.uses_flags and not quiet)
    may_stop = source.uses_flags or any(isinstance(statement, Alloc) for statement in walk(optimised.body))
    given_up = source.uses_failed or (bool(lists) and _leaves_floats(variant)) or makes_lists(variant)
    kept = safety(bound, given_up, may_stop, lambda _, everything: scheduled.must_keep(everything), lists)
    able = loggable(optimised)
    kept = with_log(kept, {name: ends for name, ends in scheduled.steered().items() if name in able})
    if kept.logged:
        source = replace(source, text=kernel_source(optimised, Printing(logged=tuple(item.array for item in kept.logged))).text)
    native = NativeVariant(replace(variant, kernel=bound), source, kept, (), footprints=_footprints(scheduled, lists))
    if lists:
        native = replace(native, certain=certain_work(kernel.body, optimised.body))
    if "ray" in settings.targets and not lists and not makes_lists(variant):
        native = with_stages(native, optimised, schedules)
    shown = {"loops": print_kernel(optimised), "c": f"{source.struct}\n{source.text}"}
    dumps = {"lower": print_kernel(lowered), "fold": print_kernel(bound), **scheduled.optimised.dumps, **shown}
    done = tuple(item.message for item in scheduled.optimised.diagnostics) + _on_ray(native)
    return CompiledVariant(native, scheduled, done, dumps)


def prepared(variant: Variant) -> Kernel:
    """The variant's kernel as the polyhedral stage wants it. Raises IRError where the frontend has made a wrong one."""
    verify(variant.kernel)
    kernel = separate_operands(forward(fold(variant.kernel)))
    verify(kernel)
    return kernel


def versions(variant: Variant) -> tuple[Kernel, ...]:
    """The prepared kernel with tables of repeated calls; behind it the one without, where the tables must be small. Raises IRError."""
    plain = prepared(variant)
    hoisted = hoist(plain)
    return (hoisted, plain) if len(hoisted.assumptions) > len(plain.assumptions) else (hoisted,)


def _leaves_floats(variant: Variant) -> bool:
    """Whether what leaves a region that works on lists may be a nan: then the original statements run, after the kernel."""
    outputs = [output.array for output in variant.outputs]
    inexact = [array for array in variant.kernel.arrays if array.dtype.kind in "fc"]
    return any(array.role is Role.ARGUMENT or array.name in outputs for array in inexact)


def _footprints(scheduled: Scheduled, lists: frozenset[str]) -> dict[str, Footprint]:
    """What the kernel does to its lists."""
    return {name: found for name, found in scheduled.footprints().items() if name in lists} if lists else {}


def _on_ray(native: NativeVariant) -> tuple[str, ...]:
    """What a Ray cluster can do with a variant, in words."""
    if native.why_not:
        return (f"not on a Ray cluster: {native.why_not}",)
    if not native.stages:
        return ()
    spread = sum(stage.chunk is not None for stage in native.stages)
    return (f"on a Ray cluster: {spread} of its {len(native.stages)} stages" if len(native.stages) > 1 else "on a Ray cluster",)
