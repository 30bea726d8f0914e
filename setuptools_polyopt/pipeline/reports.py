"""Compiled modules in the words of the report: regions, what was done to them, and what was left alone."""

from __future__ import annotations

import ast
from collections.abc import Sequence

from setuptools_polyopt.diagnostics import Severity, Span
from setuptools_polyopt.ir.kernel import Region
from setuptools_polyopt.pipeline.model import CompiledModule, CompiledRegion, CompiledVariant
from setuptools_polyopt.profile.canonical import FunctionNode, definitions
from setuptools_polyopt.report.model import Missed, ModuleReport, RegionReport, VariantReport
from setuptools_polyopt.report.words import guard_words, type_words


def module_report(module: CompiledModule) -> ModuleReport:
    """What the report says of a module."""
    regions = tuple(
        RegionReport(
            region.native.region.name,
            region.native.region.function,
            region.native.region.span.lines,
            _weakest(region),
            tuple(_variant_report(region.native.region, variant) for variant in region.variants),
        )
        for region in module.regions
    )
    functions = list(definitions(ast.parse(module.source.text)))
    missed = tuple(
        Missed(_function_at(functions, item.span), item.span.lines, item.kind, item.message, item.remedy, item.severity.value)
        for item in sorted(set(module.diagnostics))
    )
    return ModuleReport(module.source.name, module.source.path, regions, missed)


def summary(modules: Sequence[CompiledModule], native: bool) -> str:
    """A line for the build log."""
    count = sum(len(module.regions) for module in modules)
    missed = sum(item.severity is Severity.MISSED for module in modules for item in module.diagnostics)
    verb = "optimised" if native else "could be optimised (no compiler)"
    return f"{count} region{'s' * (count != 1)} {verb} in {len(modules)} module{'s' * (len(modules) != 1)}, {missed} left as they are"


def _weakest(region: CompiledRegion) -> str:
    kinds = {variant.native.safety.kind for variant in region.variants}
    return next(kind for kind in ("undo", "fresh", "proved") if kind in kinds)


def _variant_report(region: Region, variant: CompiledVariant) -> VariantReport:
    types = tuple(type_words(item) for item in variant.native.variant.inputs)
    return VariantReport(types, tuple(guard_words(variant.native.variant, region.globals)), variant.done)


def _function_at(functions: Sequence[tuple[str, FunctionNode]], span: Span) -> str:
    """The innermost function that holds a place, by its qualified name."""
    inside = [name for name, node in functions if node.lineno <= span.line <= (node.end_lineno or node.lineno)]
    return inside[-1] if inside else ""
