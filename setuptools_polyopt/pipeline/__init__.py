"""The phases in order: from a module's text to its rewritten text, the C of its kernels and entry points, and the report.

Each phase can be stopped after and printed (`polyopt compile --stop-after/--print-after PHASE file.py`); the golden tests show the same
text. A variant that a phase refuses is dropped with a diagnostic; a region without variants stays Python.

`model` holds what goes in and comes out, `variant` runs the phases of one variant, `reports` says what has come of it.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from importlib import resources
from pathlib import Path
from types import MappingProxyType

from setuptools_polyopt.codegen.c import translation_unit
from setuptools_polyopt.codegen.names import sanitize
from setuptools_polyopt.codegen.source import KernelSource, LoopKey
from setuptools_polyopt.config import Settings
from setuptools_polyopt.diagnostics import (
    DEFECT,
    REPORT_IT,
    TOO_DEEP,
    Diagnostic,
    PolyoptError,
    Severity,
    Unsupported,
    defect,
)
from setuptools_polyopt.frontend import Project, analyse_module, project_of
from setuptools_polyopt.ir.kernel import Kernel, MethodInput, Region, Variant, lists_of, makes_lists, without_numpy
from setuptools_polyopt.multiversion.entry import region_source
from setuptools_polyopt.multiversion.extension import extension_source
from setuptools_polyopt.multiversion.gpu import GpuRegion, cuda_source, gpu_plans_source, gpu_variant
from setuptools_polyopt.multiversion.plan import NativeRegion, NativeVariant, kernels
from setuptools_polyopt.multiversion.plans import plans_source
from setuptools_polyopt.multiversion.rewrite import bindable, rewrite_module, wrappable
from setuptools_polyopt.multiversion.staged import as_variant, with_devices
from setuptools_polyopt.operators.facts import FACTS
from setuptools_polyopt.pipeline.model import (
    CompiledModule,
    CompiledPackage,
    CompiledRegion,
    CompiledVariant,
    ModuleSource,
)
from setuptools_polyopt.pipeline.reports import module_report, summary
from setuptools_polyopt.pipeline.variant import compile_variant, versions
from setuptools_polyopt.polyhedral import Options, Schedules
from setuptools_polyopt.profile.schema import Profile
from setuptools_polyopt.report.model import Report

__all__ = ["PHASES", "CompiledPackage", "ModuleSource", "analyse", "compile_file", "compile_package"]

PHASES = ("lower", "fold", "scop", "dependences", "schedule", "loops", "c", "guard", "rewrite")
LONGEST_SYMBOL = 100
_NOTHING: Mapping[str, str] = MappingProxyType({})


class _Shared:
    """What the regions of one extension share: the index of each of NumPy's inner loops that any of its kernels calls, the symbols that
    are taken, and what the C compiler has said of units that it refused in an earlier attempt."""

    def __init__(self, refused: Mapping[str, str] = _NOTHING) -> None:
        self.refused = refused
        self.known: dict[LoopKey, int] = {}
        self.symbols: set[str] = set()

    def index(self, key: LoopKey) -> int:
        return self.known.setdefault(key, len(self.known))

    def symbol(self, name: str) -> str:
        """A C identifier for a region: also a file's name, so it is short, and differs from others where case does not count, too."""
        stem = sanitize(name)[:LONGEST_SYMBOL]
        symbol, number = stem, 2
        while symbol.lower() in self.symbols:
            symbol, number = f"{stem}_{number}", number + 1
        self.symbols.add(symbol.lower())
        return symbol


def compile_package(
    polyopt_package: str,
    modules: Sequence[ModuleSource],
    profile: Profile | None,
    settings: Settings,
    native: bool,
    refused: Mapping[str, str] = _NOTHING,
) -> CompiledPackage:
    """Compile the modules that share one `_polyopt` package.

    polyopt_package: its import name, such as "radar._polyopt". native: whether a compiler is there; without one nothing is rewritten, but
    the report still says what would be. refused: names of kernel sources of an earlier attempt that the C compiler refused, with its
    words; their regions stay Python. Raises PolyoptError for what a user can mend.
    """
    shared = _Shared(refused)
    project = _project(modules, settings, profile)
    compiled = [_compile_module(module, profile, settings, shared, project) for module in modules]
    note = "" if native else "No C compiler was found: the modules are left as they are; the report says what would be optimised."
    report = Report(tuple(module_report(item) for item in compiled), native, note)
    diagnostics = tuple(diagnostic for item in compiled for diagnostic in item.diagnostics)
    regions = [region for item in compiled for region in item.regions]
    told = summary(compiled, native)
    if not native or not regions:
        return CompiledPackage({}, {}, {}, {}, {}, report, told, diagnostics)
    callees = _callees(regions)
    rewritten = {
        item.source.name: rewrite_module(item.source.text, [region.native.region for region in item.regions], polyopt_package, True)
        for item in compiled
        if item.regions or (item.source.name in callees and bindable(item.source.text))
    }
    natives = [region.native for region in regions]
    entry = extension_source(natives, list(shared.known), f"{polyopt_package}._native", FACTS.signature(), callees)
    support = _support_files()
    return CompiledPackage(
        rewritten,
        {_unit_name(region.native.symbol): _kernel_unit(region.native, shared) for region in regions},
        {"entry.c": entry, **{name: text for name, text in support.items() if name.endswith(".c")}},
        {name: text for name, text in support.items() if not name.endswith(".c")},
        {**_runtime_files(), **_plans(regions)},
        report,
        told,
        diagnostics,
        _gpu_sources(regions),
    )


def _project(modules: Sequence[ModuleSource], settings: Settings, profile: Profile | None) -> Project:
    return project_of([(module.name, module.path, module.text) for module in modules], settings, profile)


def _callees(regions: Sequence[CompiledRegion]) -> frozenset[str]:
    """The modules whose functions are in regions: they have to be bound, so that guards know these functions."""
    guards = (guard for region in regions for guard in region.native.region.globals)
    names = {guard.expected or "" for guard in guards if guard.kind == "function"}
    inputs = (item.type for region in regions for variant in region.variants for item in variant.native.variant.inputs)
    names |= {item.function for item in inputs if isinstance(item, MethodInput)}
    return frozenset(name.partition(":")[0] for name in names)


def _compile_module(
    module: ModuleSource, profile: Profile | None, settings: Settings, shared: _Shared, project: Project
) -> CompiledModule:
    analysis = analyse_module(module.text, module.path, module.name, profile, settings, project)
    found = list(analysis.diagnostics)
    regions = []
    for region in analysis.regions:
        if not wrappable(module.text, region.span):
            text = "the statements share a line with others, so the build cannot put its dispatch around them"
            found.append(Diagnostic(region.span, "shared-line", text, "put each statement on lines of its own"))
            continue
        compiled = _compile_region(module, region, settings, shared, found)
        if compiled is not None:
            regions.append(compiled)
    if (reason := _unloadable(module, regions)) is not None:
        return CompiledModule(module, (), (*found, reason))
    return CompiledModule(module, tuple(regions), tuple(found))


def _unloadable(module: ModuleSource, regions: Sequence[CompiledRegion]) -> Diagnostic | None:
    """Why a module with its dispatches would not load: they nest its statements one deeper."""
    text = rewrite_module(module.text, [region.native.region for region in regions], "_polyopt")
    try:
        compile(text, module.path, "exec", dont_inherit=True)
    except (SyntaxError, RecursionError, MemoryError) as error:
        text = f"with polyopt's dispatch around its statements the module would not load ({error})"
        return Diagnostic(regions[0].native.region.span, TOO_DEEP, text, "nest its statements less deeply")
    return None


def _compile_region(
    module: ModuleSource, region: Region, settings: Settings, shared: _Shared, found: list[Diagnostic]
) -> CompiledRegion | None:
    symbol = shared.symbol(f"{module.name}.{region.name}")
    if _unit_name(symbol) in shared.refused:
        text = "the C compiler refused what polyopt made of this code, which stays Python"
        found.append(Diagnostic(region.span, DEFECT, text, REPORT_IT, shared.refused[_unit_name(symbol)], Severity.WARNING))
        return None
    variants: list[CompiledVariant] = []
    schedules = Schedules()
    own = settings.for_function(f"{module.name}:{region.function}")
    for variant, kernel in _versions(region, found):
        quiet = without_numpy(region, variant)
        try:
            compiled = compile_variant(variant, kernel, f"{symbol}_v{len(variants)}", own, schedules, quiet)
            alone = _native_region(module, symbol, region, [_indexed(compiled.native, shared)])
            region_source(alone, 0)  # what cannot be printed fails here
            _kernel_unit(alone, shared)
        except Unsupported as refused:
            found.append(refused.diagnostic)
            continue
        except Exception as error:  # noqa: BLE001 -- a defect of ours in one region must not cost the user the build
            found.append(defect(region.span, error))
            continue
        compiled = _with_gpu(module, region, compiled, own, schedules, symbol)
        found += compiled.diagnostics
        variants.append(replace(compiled, native=_indexed(compiled.native, shared)))
    if not variants:
        return None
    return CompiledRegion(_native_region(module, symbol, region, [variant.native for variant in variants]), tuple(variants))


def _versions(region: Region, found: list[Diagnostic]) -> Iterator[tuple[Variant, Kernel]]:
    """The variants with their kernels, as they are to be tried in a call."""
    for variant in region.variants:
        try:
            yield from ((variant, kernel) for kernel in versions(variant))
        except Exception as error:  # noqa: BLE001 -- a defect of ours
            found.append(defect(region.span, error))


def _native_region(module: ModuleSource, symbol: str, region: Region, natives: Sequence[NativeVariant]) -> NativeRegion:
    """The region with these variants only."""
    kept = replace(region, variants=tuple(native.variant for native in natives))
    return NativeRegion(module.name, symbol, kept, tuple(natives))


def _indexed(native: NativeVariant, shared: _Shared) -> NativeVariant:
    """The variant with the indexes of the inner loops that it and its stages call."""

    def of(source: KernelSource) -> tuple[int, ...]:
        return tuple(shared.index(key) for key in source.loops)

    own = of(native.source)
    found = tuple(replace(stage, loops=of(stage.source)) for stage in native.stages)
    return replace(native, loops=own, stages=found, devices=native.devices and _indexed(native.devices, shared))


def _with_gpu(
    module: ModuleSource, region: Region, compiled: CompiledVariant, settings: Settings, schedules: Schedules, code: str
) -> CompiledVariant:
    """A compiled variant with its GPU variant, if one is asked for and there is one. Whatever goes wrong costs the GPU variant alone.

    code: stem of the region's CUDA file.
    """
    variant = compiled.native.variant
    if "gpu" not in settings.targets or lists_of(variant) or makes_lists(variant):
        return compiled
    bound = compiled.native.variant.kernel
    symbol = compiled.native.source.symbol
    try:
        options = Options(gpu=True, library=settings.fp != "strict")
        for_gpu = as_variant(compiled.scheduled.with_options(options).kernel, bound, symbol)
        gpu = gpu_variant(for_gpu, compiled.scheduled.footprints(), symbol, code, settings.fp)
        native, chunks = with_devices(compiled.native, compiled.scheduled, schedules, code, settings.fp)
        gpu_plans_source([GpuRegion(module.name, region, ((native.variant, gpu),), chunks)])  # what cannot be printed fails here
        cuda_source([gpu, *chunks])
        plans_source([native])
    except Unsupported as refused:
        why = refused.diagnostic
        return replace(compiled, done=(*compiled.done, f"{why.message} ({why.remedy})" if why.remedy else why.message))
    except Exception as error:  # noqa: BLE001 -- a defect of ours
        return replace(compiled, diagnostics=(defect(region.span, error, "could not make a GPU variant of this code"),))
    done = (*compiled.done, gpu.words(), *["on the GPUs of a Ray cluster"] * bool(chunks))
    return replace(compiled, native=native, done=done, gpu=gpu, chunks=chunks)


def _unit_name(symbol: str) -> str:
    """The file name of a region's kernels."""
    return f"{symbol}.c"


def _kernel_unit(region: NativeRegion, shared: _Shared) -> str:
    sources = [source for variant in region.variants for source, _ in kernels(variant)]
    return translation_unit(sources, list(shared.known))


def _support_files() -> dict[str, str]:
    folder = resources.files("setuptools_polyopt.codegen") / "support"
    return {item.name: item.read_text(encoding="utf-8") for item in folder.iterdir() if item.name.endswith((".c", ".h", ".inc"))}


def _runtime_files() -> dict[str, bytes]:
    folder = resources.files("setuptools_polyopt") / "runtime"
    return {item.name: item.read_bytes() for item in folder.iterdir() if item.name.endswith(".py")}


def _plans(regions: Sequence[CompiledRegion]) -> dict[str, bytes]:
    """The modules of plans, where a target beside the CPU is asked for."""
    gpu = []
    for region in regions:
        found = tuple((variant.native.variant, variant.gpu) for variant in region.variants if variant.gpu is not None)
        chunks = tuple(chunk for variant in region.variants for chunk in variant.chunks)
        gpu += [GpuRegion(region.native.module, region.native.region, found, chunks)] if found else []
    natives = [variant for region in regions for variant in region.native.variants]
    if not gpu and not any(native.stages or native.why_not for native in natives):
        return {}
    plans = {"plans.py": plans_source(natives).encode()}
    return plans | {"gpu_plans.py": gpu_plans_source(gpu).encode()} if gpu else plans


def _gpu_sources(regions: Sequence[CompiledRegion]) -> dict[str, str]:
    """One CUDA file a region."""
    found = {
        region.native.symbol: [gpu for v in region.variants if v.gpu is not None for gpu in (v.gpu, *v.chunks)] for region in regions
    }
    return {f"{symbol}.cu": cuda_source(variants) for symbol, variants in found.items() if variants}


def analyse(modules: Sequence[ModuleSource], profile: Profile | None, settings: Settings) -> Report:
    """The report alone: every phase but the C compiler."""
    shared, project = _Shared(), _project(modules, settings, profile)
    return Report(tuple(module_report(_compile_module(module, profile, settings, shared, project)) for module in modules))


def compile_file(
    path: Path,
    profile: Profile | None,
    settings: Settings,
    stop_after: str = PHASES[-1],
    print_after: Sequence[str] = (),
    name: str = "",
) -> str:
    """The text of phases for one file: of the phase it stops after, and of those in `print_after`.

    name: the module's dotted name, by which the profile knows its functions; the file's stem if it is empty.
    Raises PolyoptError for an unknown phase or a file that cannot be read or parsed.
    """
    for phase in (stop_after, *print_after):
        if phase not in PHASES:
            raise PolyoptError(f"{phase}: no such phase; there are {', '.join(PHASES)}")
    try:
        text = path.read_text(encoding="utf-8")
        ast.parse(text, path.name)
        source = ModuleSource(name or path.stem, path.name, text)
        module = _compile_module(source, profile, settings, shared := _Shared(), _project([source], settings, profile))
    except (OSError, SyntaxError, ValueError) as error:
        raise PolyoptError(f"{path}: cannot be compiled ({error})") from error
    shown = [phase for phase in PHASES if phase == stop_after or phase in print_after]
    return "".join(_phase_text(module, phase, shared) for phase in shown)


def _phase_text(module: CompiledModule, phase: str, shared: _Shared) -> str:
    if phase == "rewrite":
        regions = [region.native.region for region in module.regions]
        return rewrite_module(module.source.text, regions, f"{module.source.name}._polyopt")
    if phase == "guard":
        return extension_source([region.native for region in module.regions], list(shared.known), "_polyopt._native", FACTS.signature())
    return "".join(_phase_blocks(module, phase))


def _phase_blocks(module: CompiledModule, phase: str) -> Iterator[str]:
    for region in module.regions:
        for number, variant in enumerate(region.variants):
            yield f"== {phase}: {region.native.region.name}, variant {number} ==\n{variant.dumps[phase]}"
