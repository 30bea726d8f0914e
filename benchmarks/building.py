"""Build one package in this process: what the build hook does without packaging, for measurements of single modules.

The plain package is copied, the named modules are compiled and replaced, and the runtime and the extension are put into
``_polyopt/`` of the copy.  ``pip`` takes some seconds a package; this takes what the phases and the C compiler take.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from setuptools_polyopt import toolchain
from setuptools_polyopt.config import Settings
from setuptools_polyopt.pipeline import CompiledPackage, ModuleSource, compile_package
from setuptools_polyopt.profile.reading import read_profile
from setuptools_polyopt.runtime.environment import cache_folder


class NoCompilerHere(RuntimeError):
    """There is no C compiler, so there is nothing to measure."""


def build_copy(
    package: Path,
    names: Sequence[str],
    profile: Path | None,
    target: Path,
    settings: Settings,
    levels: Sequence[str] = (),
) -> CompiledPackage:
    """Compile the modules ``names`` (file stems) of the package in the folder ``package`` into a copy of it below ``target``.

    ``levels``: instruction-set levels by the setting's names; none: all of the machine's.
    """
    copy = target / package.name
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(package, copy, ignore=shutil.ignore_patterns("__pycache__"))
    sources = [
        ModuleSource(
            f"{package.name}.{name}",
            f"src/{package.name}/{name}.py",
            (package / f"{name}.py").read_text(encoding="utf-8"),
        )
        for name in names
    ]
    known = read_profile(profile) if profile is not None else None
    compiled = compile_package(f"{package.name}._polyopt", sources, known, settings, True)
    inner = copy / "_polyopt"
    inner.mkdir()
    for name, text in compiled.modules.items():
        (copy / f"{name.rpartition('.')[2]}.py").write_text(text, encoding="utf-8")
    for name, content in compiled.runtime_files.items():
        (inner / name).write_bytes(content)
    for name, text in {**compiled.kernel_sources, **compiled.entry_sources, **compiled.headers}.items():
        (inner / name).write_text(text, encoding="utf-8")
    if compiled.entry_sources:
        cache = Path(cache_folder(os.environ))
        compiler = toolchain.find_compiler(os.environ, cache)
        if isinstance(compiler, toolchain.NoCompiler):
            raise NoCompilerHere(compiler.reason)
        chosen = compiler.levels(levels)
        toolchain.build_extension(
            compiler, compiled.kernel_sources, compiled.entry_sources, compiled.headers, chosen, "_native", inner, cache
        )
    return compiled
