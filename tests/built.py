"""Build modules with polyopt in a temporary folder, without pip: what the hook does, minus packaging. For tests and the fuzz."""

from __future__ import annotations

import ast
import importlib
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

from polyopt_profiler.observe import observe

from setuptools_polyopt import toolchain
from setuptools_polyopt.config import Settings
from setuptools_polyopt.pipeline import CompiledPackage, ModuleSource, compile_package
from setuptools_polyopt.profile.canonical import function_hash, functions
from setuptools_polyopt.profile.schema import FunctionProfile, OtherProfile, Profile, Variant

CACHE = Path(os.environ.get("POLYOPT_CACHE_DIR", Path(os.environ.get("TMPDIR", "/tmp")) / "polyopt-test-cache"))


@dataclass(frozen=True)
class Built:
    """The plain and the built form of one module, and what the build said."""

    plain: ModuleType
    built: ModuleType
    compiled: CompiledPackage


def profile_of(text: str, module: str, calls: Mapping[str, Sequence[Sequence[Any]]]) -> Profile:
    """A profile as if each function (by qualified name) had been called with each of the argument lists.

    A `SimpleNamespace` stands for an object whose attributes the function reads.
    """
    nodes = functions(ast.parse(text))
    entries = {}
    for name, argument_lists in calls.items():
        node = nodes[name]
        names = [argument.arg for argument in node.args.args]
        variants = {}
        for values in argument_lists:
            given = dict(zip(names, values, strict=True))
            attributes = {
                f"{key}.{name}": observe(field)
                for key, value in given.items()
                if isinstance(value, SimpleNamespace)
                for name, field in vars(value).items()
            }
            owner = f"{module}.{name.rpartition('.')[0]}"
            seen = {
                key: OtherProfile(owner) if isinstance(value, SimpleNamespace) and key == "self" else observe(value)
                for key, value in given.items()
            }
            variant = Variant(1, 0.1, seen, attributes)
            variants[repr([(type(v).__name__, getattr(v, "dtype", None), getattr(v, "ndim", None)) for v in values])] = variant
        entries[f"{module}:{name}"] = FunctionProfile(function_hash(node), len(argument_lists), 0.1, tuple(variants.values())[:4])
    return Profile(entries)


def build(
    folder: Path,
    name: str,
    text: str,
    profile: Profile | None,
    settings: Settings | None = None,
    levels: Sequence[str] = (),
    others: Mapping[str, str] | None = None,
) -> Built:
    """Compile `text` as module `name`.mod and import both forms (the plain one as `name`_plain, or `name`_plain.mod if there are others).

    levels: instruction-set levels by setting's name; none: the lowest alone, which every machine runs. others: further modules of the
    package, by their names in it.
    """
    texts = {**(others or {}), "mod": text}
    sources = [ModuleSource(f"{name}.{module}", f"{module}.py", source) for module, source in texts.items()]
    compiled = compile_package(f"{name}._polyopt", sources, profile, settings or Settings(), True)
    package = folder / name
    inner = package / "_polyopt"
    inner.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    for module, source in texts.items():
        (package / f"{module}.py").write_text(compiled.modules.get(f"{name}.{module}", source))
        if others is not None:
            (folder / f"{name}_plain").mkdir(exist_ok=True)
            (folder / f"{name}_plain" / f"{module}.py").write_text(source)
    if others is None:
        (folder / f"{name}_plain.py").write_text(text)
    for path, content in compiled.runtime_files.items():
        (inner / path).write_bytes(content)
    for path, text_ in {**compiled.gpu_sources, **(compiled.headers if compiled.gpu_sources else {})}.items():
        (inner / path).write_text(text_)
    if compiled.entry_sources:
        compiler = toolchain.find_compiler(os.environ, CACHE)
        assert isinstance(compiler, toolchain.Compiler)
        chosen = compiler.levels(levels) if levels else compiler.levels(())[:1]
        toolchain.build_extension(
            compiler, compiled.kernel_sources, compiled.entry_sources, compiled.headers, chosen, "_native", inner, CACHE
        )
    sys.path.insert(0, str(folder))
    try:
        importlib.invalidate_caches()
        plain = importlib.import_module(f"{name}_plain" if others is None else f"{name}_plain.mod")
        return Built(plain, importlib.import_module(f"{name}.mod"), compiled)
    finally:
        sys.path.remove(str(folder))
