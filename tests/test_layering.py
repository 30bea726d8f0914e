"""Imports point down, and each outside library is known to one room only.

import-linter checks the layers (the contracts are in pyproject.toml); the syntax-tree test beside it checks who imports which outside
library, because that also holds for imports inside functions and under TYPE_CHECKING.
"""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = {"setuptools_polyopt": ROOT / "setuptools_polyopt", "polyopt_profiler": ROOT / "profiler" / "polyopt_profiler"}

# outside library -> the rooms that may import it
OWNERS = {
    "islpy": ("setuptools_polyopt.polyhedral",),
    "setuptools": ("setuptools_polyopt.hook",),
    "distutils": ("setuptools_polyopt.hook",),
    "monkeytype": ("polyopt_profiler",),
    "libcst": ("polyopt_profiler",),
    "cupy": ("setuptools_polyopt.runtime", "setuptools_polyopt.calibrate"),
    "ray": ("setuptools_polyopt.runtime", "setuptools_polyopt.calibrate"),
}
# rooms whose imports are listed completely: beside the standard library, only these (`tomllib` is not in that of 3.10)
COMPLETE = {
    "setuptools_polyopt.runtime": ("setuptools_polyopt.runtime", "numpy", "cupy", "ray"),
    "setuptools_polyopt.config": ("setuptools_polyopt", "tomli", "tomllib"),
    "polyopt_profiler": (
        "polyopt_profiler",
        "setuptools_polyopt.profile",
        "setuptools_polyopt.config",
        "setuptools_polyopt.diagnostics",
        "numpy",
        "monkeytype",
        "libcst",
        "tomli",
        "tomllib",
    ),
}


def inside(name: str, package: str) -> bool:
    return name == package or name.startswith(package + ".")


def imports_of(tree: ast.AST, module: str, is_package: bool) -> Iterator[str]:
    """Absolute names that a module's syntax tree imports, at any depth."""
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                yield from (alias.name for alias in names)
            case ast.ImportFrom(module=name, level=0) if name is not None:
                yield name
            case ast.ImportFrom(module=name, level=level):
                parts = module.split(".")
                base = parts[: len(parts) - level + (1 if is_package else 0)]
                yield ".".join(base + ([name] if name else []))


def all_imports() -> list[tuple[str, str]]:
    """Pairs of importing module and imported name."""
    found = []
    for package, folder in PACKAGES.items():
        for path in sorted(folder.rglob("*.py")):
            parts = [package, *path.relative_to(folder).with_suffix("").parts]
            is_package = parts[-1] == "__init__"
            module = ".".join(parts[:-1] if is_package else parts)
            tree = ast.parse(path.read_text(encoding="utf-8"))
            found += [(module, name) for name in imports_of(tree, module, is_package)]
    return found


def test_outside_libraries_have_one_owner() -> None:
    strangers = [
        (module, name)
        for module, name in all_imports()
        for owner in [OWNERS.get(name.split(".")[0])]
        if owner is not None and not any(inside(module, room) for room in owner)
    ]
    assert strangers == []


@pytest.mark.parametrize("room", COMPLETE)
def test_rooms_with_a_complete_list_import_nothing_else(room: str) -> None:
    allowed = COMPLETE[room]
    strangers = [
        (module, name)
        for module, name in all_imports()
        if inside(module, room)
        and name.split(".")[0] not in sys.stdlib_module_names
        and not any(inside(name, package) for package in allowed)
    ]
    assert strangers == []


def test_runtime_imports_cupy_and_ray_lazily() -> None:
    top_level = []
    for path in (PACKAGES["setuptools_polyopt"] / "runtime").rglob("*.py"):
        body = ast.Module(
            [node for node in ast.parse(path.read_text(encoding="utf-8")).body if isinstance(node, ast.Import | ast.ImportFrom)],
            [],
        )
        top_level += list(imports_of(body, "setuptools_polyopt.runtime", True))
    assert not [name for name in top_level if name.split(".")[0] in ("cupy", "ray")]


def test_layers() -> None:
    pytest.importorskip("importlinter")
    paths = [str(ROOT), str(ROOT / "profiler"), os.environ.get("PYTHONPATH", "")]
    command = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(no_cache=True))"
    run = subprocess.run(
        [sys.executable, "-c", command],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))},
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stdout + run.stderr
