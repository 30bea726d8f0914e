"""The report for a terminal: per module, per function, each region with what was done, each thing left alone with the reason."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path

from setuptools_polyopt.diagnostics import PolyoptError
from setuptools_polyopt.report.model import Missed, ModuleReport, RegionReport, Report, from_json


def render(report: Report) -> str:
    """The whole report as text with a newline at the end."""
    rows: list[str] = []
    if report.note:
        rows += [report.note, ""]
    for module in report.modules:
        rows += [*_module(module), ""]
    total = sum(len(module.regions) for module in report.modules)
    missed = sum(len(module.missed) for module in report.modules)
    rows.append(f"{total} region{'s' * (total != 1)} optimised, {missed} piece{'s' * (missed != 1)} of code left as they are.")
    return "\n".join(rows) + "\n"


def read_wheel(path: Path) -> Report:
    """The report inside a wheel that polyopt built. Raises PolyoptError when it has none."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = [name for name in archive.namelist() if name.endswith("/report.json") and "_polyopt" in name]
            if not names:
                raise PolyoptError(f"{path}: no polyopt report inside; was the wheel built with [tool.polyopt] in pyproject.toml?")
            return from_json(archive.read(names[0]).decode())
    except (OSError, zipfile.BadZipFile, ValueError, KeyError, TypeError) as error:
        raise PolyoptError(f"{path}: cannot be read as a wheel with a polyopt report ({error}); build it again") from error


def _module(module: ModuleReport) -> Iterator[str]:
    yield f"{module.module} ({module.file})"
    functions = sorted(
        {*(region.function for region in module.regions), *(missed.function for missed in module.missed)},
        key=lambda name: _first_line(module, name),
    )
    for function in functions:
        yield f"  {function or '<module>'}"
        for region in module.regions:
            if region.function == function:
                yield from _region(module.file, region)
        for missed in module.missed:
            if missed.function == function:
                yield from _missed(module.file, missed)
    if not functions:
        yield "  nothing here for polyopt: no loop or array expression that it knows types for"


def _first_line(module: ModuleReport, function: str) -> int:
    lines = [region.lines for region in module.regions if region.function == function]
    lines += [missed.lines for missed in module.missed if missed.function == function]
    return min(int(line.split("-")[0]) for line in lines)


def _region(file: str, region: RegionReport) -> Iterator[str]:
    yield f"    {file}:{region.lines}: optimised as {region.name} ({region.safety})"
    for number, variant in enumerate(region.variants, 1):
        yield f"      variant {number}: {'; '.join(variant.types) or 'no inputs'}"
        for done in variant.done:
            yield f"        - {done}"
        for guard in variant.guards:
            yield f"        guard: {guard}"


def _missed(file: str, missed: Missed) -> Iterator[str]:
    verb = "left as it is" if missed.severity == "missed" else missed.severity
    yield f"    {file}:{missed.lines}: {verb}: {missed.reason} [{missed.kind}]"
    if missed.remedy:
        yield f"      what would change it: {missed.remedy}"
