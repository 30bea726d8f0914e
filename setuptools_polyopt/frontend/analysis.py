"""The room's entry point: a module's text to regions with kernels, and the reasons for everything that stays Python.

Each function is walked once per type signature. The regions of the signatures are matched by their statements: one region has a variant
for each signature that understands exactly these statements.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from setuptools_polyopt.config import Settings
from setuptools_polyopt.diagnostics import Diagnostic, Severity, Span, Unsupported, defect
from setuptools_polyopt.frontend.context import Function
from setuptools_polyopt.frontend.finish import with_layouts
from setuptools_polyopt.frontend.flow import Flow, in_any
from setuptools_polyopt.frontend.guesses import guessed_type
from setuptools_polyopt.frontend.names import Names, all_arguments, function_names
from setuptools_polyopt.frontend.project import Project, project_of
from setuptools_polyopt.frontend.pytypes import Binding, Env, NoneType, ObjectType, PyType, UnknownType
from setuptools_polyopt.frontend.resolution import Module
from setuptools_polyopt.frontend.runs import Closed, expression_type
from setuptools_polyopt.frontend.signatures import Signature, signatures
from setuptools_polyopt.frontend.source import Candidate, candidates
from setuptools_polyopt.frontend.spans import source_lines, span_of
from setuptools_polyopt.ir.kernel import Region, Variant
from setuptools_polyopt.profile.schema import Profile
from setuptools_polyopt.profile.staleness import entry_for, stale_entries


@dataclass(frozen=True)
class ModuleAnalysis:
    """regions: disjoint, in source order, names unique in the module. diagnostics: in source order."""

    regions: tuple[Region, ...]
    diagnostics: tuple[Diagnostic, ...]


def analyse_module(
    text: str, file: str, module: str, profile: Profile | None, settings: Settings, project: Project | None = None
) -> ModuleAnalysis:
    """Find and lower the regions of one module.

    text: its source; file: the path for messages; module: its dotted name; project: the modules that are compiled together (None: this one
    alone). A text that does not parse gives a diagnostic.
    """
    try:
        ast.parse(text)
    except (SyntaxError, ValueError) as error:
        line = getattr(error, "lineno", None) or 1
        reason = Diagnostic(Span(file, line), "syntax", f"the module does not parse: {error}", severity=Severity.WARNING)
        return ModuleAnalysis((), (reason,))
    project = project or project_of([(module, file, text)], settings, profile)
    tree, names = project.modules[module].tree, project.modules[module].names
    chosen, reasons = candidates(tree, names, file)
    defects = _learn_values(project)
    defined: dict[int, Env] = {}
    regions: list[Region] = []
    diagnostics = [*reasons, *defects, *_stale(profile, module, tree, file)]
    taken: set[str] = set()
    for candidate in chosen:
        if settings.wants_function(f"{module}:{candidate.name}"):
            try:
                found, missed = _function(candidate, project, text, file, module, profile, settings, taken, defined)
            except Exception as error:  # noqa: BLE001 -- a defect of ours in one function must not cost the user the build
                diagnostics.append(defect(span_of(file, candidate.node), error))
                continue
            regions += found
            diagnostics += missed
    ordered = sorted(dict.fromkeys(diagnostics), key=lambda d: (d.span.line, d.span.column, d.kind, d.message))
    return ModuleAnalysis(tuple(sorted(regions, key=lambda region: region.span.line)), tuple(ordered))


def _stale(profile: Profile | None, module: str, tree: ast.Module, file: str) -> list[Diagnostic]:
    found = stale_entries(profile, module, tree) if profile is not None else ()
    return [
        Diagnostic(
            Span(file, item.line or 1),
            "stale-profile",
            f"the profile's entry of `{item.key.partition(':')[2]}` is not used: the function has {item.reason}"
            if item.reason == "changed"
            else f"the profile's entry of `{item.key.partition(':')[2]}` is not used: there is no such function",
            "run polyopt-profile again",
            severity=Severity.WARNING,
        )
        for item in found
    ]


def _function(
    candidate: Candidate,
    project: Project,
    text: str,
    file: str,
    module: str,
    profile: Profile | None,
    settings: Settings,
    taken: set[str],
    defined: dict[int, Env],
) -> tuple[list[Region], list[Diagnostic]]:
    """defined: types where functions inside of functions are defined; those of this one are added."""
    own = settings.for_function(f"{module}:{candidate.name}")
    entry = entry_for(profile, module, candidate.name, candidate.node) if profile is not None else None
    names = project.modules[module].names
    local = function_names(candidate.node)
    inner = project.inner(f"{module}:{candidate.name}", project.modules[module], candidate.node, local, candidate.enclosing)
    function = Function(file, candidate.name, names, local, own.fp, candidate.enclosing, project, inner)
    walks: list[tuple[Signature, Flow]] = []
    for signature in signatures(candidate.node, names, entry, own.also_dtypes, _owner(module, candidate.name)):
        flow = Flow(function, source_lines(text), candidate.node)
        free = candidate.enclosing - local.locals
        around = {name: binding for name, binding in defined.get(id(candidate.node), {}).items() if name in free}
        flow.block(candidate.node.body, {**around, **_with_classes(signature.bindings, candidate.node, names, project)})
        walks.append((signature, flow))
        unbound = _unbound(candidate.node)
        for node, env in flow.defined.items():
            defined.setdefault(node, {name: b for name, b in env.items() if b.definite and name not in unbound})
    return _merged(candidate, walks, taken)


def _unbound(node: ast.FunctionDef) -> frozenset[str]:
    """Variables that a function may take the value of again."""
    parts = list(ast.walk(node))
    deleted = {part.id for part in parts if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Del)}
    return frozenset(deleted | {part.name for part in parts if isinstance(part, ast.ExceptHandler) and part.name})


def _with_classes(bindings: Mapping[str, Binding], node: ast.FunctionDef, names: Module, project: Project) -> Mapping[str, Binding]:
    """Types with those of arguments that are annotated with classes of the project."""
    found = dict(bindings)
    for argument in all_arguments(node):
        if argument.annotation is not None and isinstance(found[argument.arg].type, UnknownType):
            kind = project.annotated(names, argument.annotation)
            found[argument.arg] = Binding(kind) if isinstance(kind, ObjectType) else found[argument.arg]
    return found


def _learn_values(project: Project) -> list[Diagnostic]:
    """Guess what module-level names are that are bound once, to something else than constants; once a project. The defects found."""
    defects: list[Diagnostic] = []
    for module, text in project.modules.items() if not project.kinds else ():
        names = text.names
        function = Function(text.file, "<module>", names, Names(frozenset(), frozenset()), "strict", project=project)
        for node in text.tree.body:
            annotation: ast.expr | None = None
            match node:
                case ast.Assign(targets=[ast.Name(id=name)], value=value):
                    pass
                case ast.AnnAssign(target=ast.Name(id=name), annotation=annotation, value=ast.expr() as value):
                    pass
                case _:
                    continue
            if name not in names.single or name in names.constants:
                continue
            try:
                kind = _value_type(function, value, annotation)
            except Exception as error:  # noqa: BLE001 -- as above
                defects.append(defect(span_of(text.file, node), error))
                continue
            if not isinstance(kind, UnknownType | NoneType):
                project.kinds[f"{module}:{name}"] = kind
    return defects


def _value_type(function: Function, value: ast.expr, annotation: ast.expr | None) -> PyType:
    """What an expression at the top level of a module is expected to be."""
    annotated = function.project.annotated(function.module, annotation) if annotation is not None else None
    if annotated is not None:
        return annotated
    try:
        kind = expression_type(function, {}, value)
    except Unsupported:
        kind = guessed_type(function, {}, value, expression_type)
    return kind if not isinstance(kind, UnknownType) else function.project.made(function.module, value) or kind


def _owner(module: str, name: str) -> str:
    """The class that a method is defined in, empty for functions and for what stands in functions."""
    owner = name.rpartition(".")[0]
    return f"{module}.{owner}" if owner and "<locals>" not in name else ""


def _merged(
    candidate: Candidate, walks: Sequence[tuple[Signature, Flow]], taken: set[str]
) -> tuple[list[Region], list[Diagnostic]]:
    """One region per run of statements, with the variants of all signatures that have it."""
    groups: dict[tuple[int, ...], list[tuple[Signature, Closed]]] = {}
    order = sorted(walks, key=lambda walk: -len(walk[1].regions)) if walks and walks[0][0].guessed else walks
    for signature, flow in order:
        for closed in flow.regions:
            key = tuple(id(node) for node in closed.statements)
            if key in groups:
                if _same_interface(groups[key][0][1], closed):
                    groups[key].append((signature, closed))
            elif not any(_overlap(closed, other[0][1]) for other in groups.values()):
                groups[key] = [(signature, closed)]
    everything = [group[0][1] for group in groups.values()]
    diagnostics = list(order[0][1].diagnostics) if order else []
    for _, flow in order[1:]:
        diagnostics += [item for item in flow.diagnostics if not in_any(item.span, everything)]
    inside = [item for item in diagnostics if not (item.kind == "unknown-type" and in_any(item.span, everything))]
    sorted_groups = sorted(groups.values(), key=lambda group: group[0][1].span.line)
    return [_region(candidate, group, taken) for group in sorted_groups], inside


def _overlap(first: Closed, second: Closed) -> bool:
    return not (first.span.end_line < second.span.line or second.span.end_line < first.span.line)


def _same_interface(first: Closed, second: Closed) -> bool:
    def interface(closed: Closed) -> tuple[object, ...]:
        return tuple(output.name for output in closed.lowered.outputs), closed.returns, closed.returns_tuple, closed.form

    return interface(first) == interface(second)


def _region(candidate: Candidate, group: Sequence[tuple[Signature, Closed]], taken: set[str]) -> Region:
    name = _unique(candidate.name, taken)
    variants: list[Variant] = []
    for signature, closed in group:
        layouts: Sequence[Mapping[str, str]] = signature.layouts
        for variant in with_layouts(closed.lowered, layouts, closed.steady):
            kernel = replace(variant.kernel, name=f"{name}_v{len(variants)}")
            variants.append(replace(variant, kernel=kernel))
    first = group[0][1]
    arguments = dict.fromkeys(item.root for variant in variants for item in variant.inputs if ":" not in item.root)
    guards = dict.fromkeys(guard for _, closed in group for guard in closed.globals)
    return Region(
        name,
        candidate.name,
        first.span,
        tuple(arguments),
        tuple(output.name for output in first.lowered.outputs),
        first.returns,
        first.returns_tuple,
        tuple(guards),
        tuple(variants),
        first.form,
    )


def _unique(function: str, taken: set[str]) -> str:
    """A C identifier for the next region of a function: `Grid_smooth_0`."""
    plain = function.replace(".<locals>", "").replace(".", "_")
    base = "".join(c if c.isascii() and c.isalnum() else "_" for c in plain)
    count = 0
    while f"{base}_{count}" in taken:
        count += 1
    taken.add(f"{base}_{count}")
    return f"{base}_{count}"
