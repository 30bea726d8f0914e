"""Plain and built copies of a project: made with pip, installed side by side, loaded side by side.

A project is copied to a work directory, so that nothing is written into the checkout.  The plain copy is the same project without its
``[tool.polyopt]`` tables, which polyopt leaves alone.  Both wheels are installed with ``pip install --target`` and imported one
after the other: each copy's modules see the names that they were written for, and the two live in one process, where they can
take turns.
"""

from __future__ import annotations

import importlib
import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

IGNORED = shutil.ignore_patterns("__pycache__", ".pytest_cache", "build", "dist", "*.egg-info", ".polyopt-*")
Modules = Mapping[str, ModuleType]


@dataclass(frozen=True)
class Pair:
    """Where the plain and the built copy of a package are installed, and the wheel that was built."""

    plain: Path
    built: Path
    wheel: Path


class StepFailed(RuntimeError):
    """A command of the build ended badly; the text holds the command and its output."""


def copy_project(source: Path, destination: Path) -> Path:
    """A fresh copy of a project directory without what tools left behind."""
    shutil.copytree(source, empty_directory(destination), ignore=IGNORED, dirs_exist_ok=True)
    return destination


def empty_directory(path: Path) -> Path:
    """Make the directory anew, without what it held."""
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir(parents=True)
    return path


def build_pair(project: Path, work: Path) -> Pair:
    """Build ``project`` with and without polyopt and install both below ``work``."""
    plain_project = copy_project(project, work / "plain-source")
    remove_polyopt_tables(plain_project / "pyproject.toml")
    wheels = {"plain": build_wheel(plain_project, work / "plain-wheel"), "built": build_wheel(project, work / "wheel")}
    targets = {name: install(wheel, work / f"installed-{name}") for name, wheel in wheels.items()}
    return Pair(targets["plain"], targets["built"], wheels["built"])


def remove_polyopt_tables(pyproject: Path) -> None:
    """Drop ``[tool.polyopt]`` and its subtables from a ``pyproject.toml``."""
    kept: list[str] = []
    dropping = False
    for line in pyproject.read_text(encoding="utf-8").splitlines(keepends=True):
        if line.startswith("["):
            dropping = line.startswith(("[tool.polyopt]", "[tool.polyopt.", "[[tool.polyopt."))
        if not dropping:
            kept.append(line)
    pyproject.write_text("".join(kept), encoding="utf-8")


def build_wheel(project: Path, destination: Path) -> Path:
    """``pip wheel`` with the tools of the running interpreter's environment; needs no network."""
    empty_directory(destination)
    command: list[str | Path] = [
        "wheel",
        "--quiet",
        "--no-deps",
        "--no-index",
        "--no-build-isolation",
        "--wheel-dir",
        destination,
    ]
    run_python(["-m", "pip", "--disable-pip-version-check", *command, project], cwd=project.parent)
    return next(destination.glob("*.whl"))


def install(wheel: Path, target: Path) -> Path:
    """``pip install --target`` of one wheel into an empty directory."""
    empty_directory(target)
    command: list[str | Path] = [
        "install",
        "--quiet",
        "--no-deps",
        "--no-index",
        "--no-compile",
        "--target",
        target,
        wheel,
    ]
    run_python(["-m", "pip", "--disable-pip-version-check", *command], cwd=wheel.parent)
    return target


def profile(project: Path, program: Sequence[str]) -> Path:
    """``polyopt-profile run -- PROGRAM`` in the project; returns the profile file."""
    run_python(["-m", "polyopt_profiler", "run", "--", *program], cwd=project)
    return project / "polyopt-profile.json"


def run_python(arguments: Sequence[str | Path], cwd: Path, env: Mapping[str, str] | None = None) -> str:
    """Run the current interpreter; returns what it printed, raises :class:`StepFailed` with it on failure."""
    return _run([sys.executable, *map(str, arguments)], cwd, env)


def run_tool(name: str, arguments: Sequence[str | Path], cwd: Path) -> str:
    """Run a command that is installed beside the current interpreter; otherwise like :func:`run_python`."""
    command = shutil.which(name, path=sysconfig.get_path("scripts"))
    if command is None:
        raise StepFailed(f"{name} is not installed in the environment of {sys.executable}")
    return _run([command, *map(str, arguments)], cwd, None)


def _run(command: Sequence[str], cwd: Path, env: Mapping[str, str] | None) -> str:
    merged = {**os.environ, **(env or {})}
    done = subprocess.run(
        command, cwd=cwd, env=merged, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    if done.returncode != 0:
        raise StepFailed(f"{' '.join(command)}\nended with {done.returncode}:\n{done.stdout}")
    return done.stdout


def load(target: Path, names: Sequence[str]) -> dict[str, ModuleType]:
    """Import the named modules from ``target`` and forget them again in ``sys.modules``.

    The returned modules keep working; another copy of the same package can be loaded afterwards.
    """
    roots = {name.partition(".")[0] for name in names}
    _forget(roots)
    sys.path.insert(0, str(target))
    importlib.invalidate_caches()
    try:
        modules = {name: importlib.import_module(name) for name in names}
    finally:
        sys.path.remove(str(target))
        _forget(roots)
    for name, module in modules.items():
        if target.resolve() not in Path(module.__file__ or "").resolve().parents:
            raise StepFailed(f"{name} was imported from {module.__file__}, not from {target}")
    return modules


def _forget(roots: set[str]) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] in roots]:
        del sys.modules[name]
