"""Results of the pipeline, kept by content, so that a build with nothing changed takes seconds.

The key is everything that the result follows from: polyopt's own files, the versions of Python and of the libraries that the pipeline
asks, the modules' texts, the profile and the settings. The results lie beside the compiler's objects and are as trusted as those.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import pickle
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from setuptools_polyopt.config import Settings
from setuptools_polyopt.toolchain import forget_old, write_atomically

if TYPE_CHECKING:
    from setuptools_polyopt.pipeline import CompiledPackage, ModuleSource
    from setuptools_polyopt.profile.schema import Profile

    CompilePackage = Callable[[str, Sequence[ModuleSource], Profile | None, Settings, bool, Mapping[str, str]], CompiledPackage]

ASKED_LIBRARIES = ("islpy", "numpy")


def compile_remembered(
    compile_package: CompilePackage,
    cache_dir: Path,
    package: str,
    modules: Sequence[ModuleSource],
    profile: Profile | None,
    settings: Settings,
    native: bool,
    refused: Mapping[str, str],
) -> CompiledPackage:
    """What `compile_package` makes of the other arguments, from the cache if it has been asked before."""
    facts = [package, [dataclasses.asdict(module) for module in modules], repr(profile), repr(settings), native, dict(refused)]
    key = hashlib.sha256(json.dumps([_compiler_facts(), *facts]).encode()).hexdigest()
    folder = cache_dir / "compiled"
    kept = folder / key[:2] / f"{key}.pickle"
    try:
        known: Any = pickle.loads(kept.read_bytes())
        os.utime(kept)
        return known  # type: ignore[no-any-return]
    except (OSError, pickle.UnpicklingError, EOFError, AttributeError, ImportError, IndexError, TypeError, ValueError):
        pass
    compiled = compile_package(package, modules, profile, settings, native, refused)
    write_atomically(kept, pickle.dumps(compiled))
    forget_old(folder)
    return compiled


def _compiler_facts() -> list[str]:
    """What polyopt and its surroundings are: a hash of its files, and versions."""
    root = Path(__file__).parents[1]
    own = hashlib.sha256()
    for path in sorted(path for path in root.rglob("*") if path.suffix in (".py", ".c", ".h", ".inc")):
        own.update(f"{path.relative_to(root).as_posix()}\0".encode() + path.read_bytes() + b"\0")
    return [own.hexdigest(), sys.version, *(_version(name) for name in ASKED_LIBRARIES)]


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""
