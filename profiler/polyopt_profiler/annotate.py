"""Writing the hints that a profile gives into stubs or into the source.

The signature of each function is taken from its syntax (nothing of the project is imported), filled with hints where it has no
annotation, handed to MonkeyType, which renders stubs, and applied to the source by LibCST, which keeps comments and formatting:

    def power(x, n=2):      ->      def power(x: NDArray[np.float64], n: int=2) -> NDArray[np.float64]:

Annotations that are there stay as they are. Functions inside functions and classes inside classes get no hints.
"""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Iterator
from pathlib import Path

from libcst import ParserSyntaxError, parse_module
from libcst.codemod import CodemodContext
from libcst.codemod.visitors import AddImportsVisitor, ImportItem
from monkeytype.cli import HandlerError, apply_stub_using_libcst
from monkeytype.stubs import FunctionDefinition, FunctionKind, ModuleStub, build_module_stubs

from polyopt_profiler.hints import hint
from polyopt_profiler.project import Project
from setuptools_polyopt.profile.canonical import FunctionNode, definitions
from setuptools_polyopt.profile.errors import ProfileError
from setuptools_polyopt.profile.reading import replace_file
from setuptools_polyopt.profile.schema import FunctionProfile, Profile
from setuptools_polyopt.profile.staleness import entry_for

_KINDS = {
    "classmethod": FunctionKind.CLASS,
    "staticmethod": FunctionKind.STATIC,
    "property": FunctionKind.PROPERTY,
}
_IMPORTS = {"np.": ImportItem("numpy", None, "np"), "NDArray[": ImportItem("numpy.typing", "NDArray")}
_WRITTEN = {"np.": "import numpy as np\n", "NDArray[": "from numpy.typing import NDArray\n"}


def annotate(profile: Profile, project: Project, stubs: Path | None, write: bool) -> int:
    """Write stubs below `stubs`, or the hints into the source if `write`, or else the stubs' text to standard output.

    Returns an exit status. Raises `ProfileError` for a source that does not parse, `OSError` for one that cannot be written.
    """
    for module in sorted({key.partition(":")[0] for key in profile.functions}):
        path = project.source_of(module)
        if path is None:
            sys.stderr.write(f"polyopt-profile: the source of {module} was not found below {project.root}\n")
            continue
        text = path.read_bytes().decode("utf-8")
        tree = _parse(text, path)
        if write:
            stub = _stub(profile, module, tree, keep=False)
            changed = None if stub is None else _apply(stub, text, path)
            if changed is not None and changed != text:
                replace_file(path, changed.encode("utf-8"))
            continue
        stub = _stub(profile, module, tree, keep=True)
        if stub is None:
            continue
        stub = _imports(tree, stub) + stub
        if stubs is None:
            sys.stdout.write(f"# {module}\n{stub}\n")
        else:
            target = stubs.joinpath(*module.split("."))
            target = target / "__init__.pyi" if path.name == "__init__.py" else target.with_suffix(".pyi")
            target.parent.mkdir(parents=True, exist_ok=True)
            replace_file(target, stub.encode("utf-8"))
    return 0


def _parse(text: str, path: Path) -> ast.Module:
    try:
        return ast.parse(text)
    except SyntaxError as error:
        raise ProfileError(f"the source cannot be parsed: {error.msg}", path, error.lineno or 0, "mend it") from error


def _stub(profile: Profile, module: str, tree: ast.Module, keep: bool) -> str | None:
    """The stub's text, with the annotations that are there if `keep`; None where the profile adds nothing."""
    found = []
    for name, node in definitions(tree):
        entry = entry_for(profile, module, name, node)
        if entry is None or not entry.variants or "<" in name or name.count(".") > 1 or _is_setter(node):
            continue
        signature = inspect.Signature(
            list(_parameters(node, entry, keep)),
            return_annotation=_annotation(node.returns, _result(node, entry), keep),
        )
        is_async = isinstance(node, ast.AsyncFunctionDef)
        found.append(FunctionDefinition(module, name, _kind(name, node), signature, is_async))
    if not found:
        return None
    stub: ModuleStub = build_module_stubs(found)[module]
    return _with_positional_only(f"{stub.render()}\n", tree)


def _with_positional_only(stub: str, tree: ast.Module) -> str:
    """The stub with the `/` of the functions that have one, which MonkeyType does not render."""
    counts = {name: len(node.args.posonlyargs) for name, node in definitions(tree) if node.args.posonlyargs}
    if not counts:
        return stub
    parsed = ast.parse(stub)
    for name, node in definitions(parsed):
        count = counts.get(name, 0)
        node.args.posonlyargs, node.args.args = node.args.args[:count], node.args.args[count:]
    return f"{ast.unparse(parsed)}\n"


def _parameters(node: FunctionNode, entry: FunctionProfile, keep: bool) -> Iterator[inspect.Parameter]:
    arguments = node.args
    plain = [*arguments.posonlyargs, *arguments.args]
    optional = len(plain) - len(arguments.defaults)
    for index, each in enumerate(plain):
        kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
        yield _parameter(each, kind, entry, keep, has_default=index >= optional)
    if arguments.vararg is not None:
        yield inspect.Parameter(arguments.vararg.arg, inspect.Parameter.VAR_POSITIONAL)
    for each, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
        yield _parameter(each, inspect.Parameter.KEYWORD_ONLY, entry, keep, has_default=default is not None)
    if arguments.kwarg is not None:
        yield inspect.Parameter(arguments.kwarg.arg, inspect.Parameter.VAR_KEYWORD)


def _parameter(
    each: ast.arg, kind: inspect._ParameterKind, entry: FunctionProfile, keep: bool, has_default: bool
) -> inspect.Parameter:
    values = [variant.arguments.get(each.arg) for variant in entry.variants]
    return inspect.Parameter(
        each.arg,
        kind,
        default=... if has_default else inspect.Parameter.empty,
        annotation=_annotation(each.annotation, hint(values), keep),
    )


def _annotation(written: ast.expr | None, found: str | None, keep: bool) -> object:
    if written is not None:
        return ast.unparse(written) if keep else inspect.Parameter.empty
    return inspect.Parameter.empty if found is None else found


def _result(node: FunctionNode, entry: FunctionProfile) -> str | None:
    """The hint for the result; None for coroutines and generators, whose results are not looked at."""
    return None if isinstance(node, ast.AsyncFunctionDef) else hint(variant.result for variant in entry.variants)


def _kind(name: str, node: FunctionNode) -> FunctionKind:
    if "." not in name:
        return FunctionKind.MODULE
    names = [decorator.id for decorator in node.decorator_list if isinstance(decorator, ast.Name)]
    return next((_KINDS[name] for name in names if name in _KINDS), FunctionKind.INSTANCE)


def _is_setter(node: FunctionNode) -> bool:
    return any(isinstance(each, ast.Attribute) and each.attr in ("setter", "deleter") for each in node.decorator_list)


def _imports(tree: ast.Module, stub: str) -> str:
    """The module's own imports, which the annotations that a stub repeats may speak of, and those of the hints."""
    own = [f"{ast.unparse(node)}\n" for node in tree.body if isinstance(node, (ast.Import, ast.ImportFrom))]
    hints = [line for name, line in _WRITTEN.items() if name in stub and line not in own]
    return "".join([*own, *hints, "\n\n"]) if own or hints else ""


def _apply(stub: str, text: str, path: Path) -> str:
    """The source with the stub's hints. Imports come first: LibCST resolves the hints' names in the source as it then is."""
    needed = [item for name, item in _IMPORTS.items() if name in stub]
    try:
        ready = AddImportsVisitor(CodemodContext(), needed).transform_module(parse_module(text)).code
        changed: str = apply_stub_using_libcst(stub, ready, overwrite_existing_annotations=False)
    except (HandlerError, ParserSyntaxError) as error:
        raise ProfileError(f"the hints could not be written: {error}", path, remedy="write them by hand") from error
    return text if changed == ready else changed
