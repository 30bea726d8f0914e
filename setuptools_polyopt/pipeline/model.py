"""What goes into the pipeline and what comes out: modules, compiled variants and regions of them, a package."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from setuptools_polyopt.diagnostics import (
    Diagnostic,
)
from setuptools_polyopt.multiversion.gpu import GpuVariant
from setuptools_polyopt.multiversion.plan import NativeRegion, NativeVariant
from setuptools_polyopt.polyhedral import Scheduled
from setuptools_polyopt.report.model import Report


@dataclass(frozen=True, slots=True)
class ModuleSource:
    """A module to compile. name: "radar.stap". path: as shown in messages, relative to the project root. text: its source."""

    name: str
    path: str
    text: str


@dataclass(frozen=True, slots=True)
class CompiledPackage:
    """What the hook writes into the wheel and hands to the toolchain.

    modules: module name -> rewritten text, only those that changed. kernel_sources: C file name -> text, compiled once per level.
    entry_sources: C file name -> text, compiled once. headers: file name -> text, beside both. runtime_files: path inside `_polyopt/` ->
    content. gpu_sources: CUDA file name -> text, compiled by NVRTC where it is there. summary: a line for the build log.
    """

    modules: Mapping[str, str]
    kernel_sources: Mapping[str, str]
    entry_sources: Mapping[str, str]
    headers: Mapping[str, str]
    runtime_files: Mapping[str, bytes]
    report: Report
    summary: str
    diagnostics: tuple[Diagnostic, ...] = ()
    gpu_sources: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CompiledVariant:
    """done: what was done to it, in words. dumps: the text of each phase. gpu, chunks: for one GPU, and for those of a Ray cluster."""

    native: NativeVariant
    scheduled: Scheduled
    done: tuple[str, ...]
    dumps: Mapping[str, str]
    gpu: GpuVariant | None = None
    chunks: tuple[GpuVariant, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()


@dataclass(frozen=True, slots=True)
class CompiledRegion:
    """A region with those of its variants that no phase has refused: at least one."""

    native: NativeRegion
    variants: tuple[CompiledVariant, ...]


@dataclass(frozen=True, slots=True)
class CompiledModule:
    """A module with its regions, and why the rest stays Python."""

    source: ModuleSource
    regions: tuple[CompiledRegion, ...]
    diagnostics: tuple[Diagnostic, ...]
