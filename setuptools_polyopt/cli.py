"""The `polyopt` command: `compile` shows what a phase makes of a file, `explain` says what was done to a module or wheel and why not,
`calibrate` measures the machine.

Thin: finding the file, its project and its profile is done here, everything else by `pipeline` and `report`. Nothing is imported from
the module that is explained.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from typing import TextIO

from setuptools_polyopt import __version__, pipeline
from setuptools_polyopt.calibrate import calibrate
from setuptools_polyopt.config import ConfigError, Settings, read_settings
from setuptools_polyopt.diagnostics import PolyoptError
from setuptools_polyopt.pipeline import ModuleSource
from setuptools_polyopt.profile.reading import read_profile
from setuptools_polyopt.profile.schema import Profile
from setuptools_polyopt.report.model import Report, from_json
from setuptools_polyopt.report.terminal import read_wheel, render
from setuptools_polyopt.runtime import machine


def main(arguments: Sequence[str] | None = None, output: TextIO | None = None) -> int:
    """Run the command; the exit status is 0, or 2 for an error, which is one line on standard error."""
    options = _parser().parse_args(arguments)
    try:
        text = {"compile": _compile, "explain": _explain, "calibrate": _calibrate}[options.command](options)
    except (PolyoptError, ConfigError) as error:
        sys.stderr.write(f"polyopt: {error}\n")
        return 2
    try:
        (output or sys.stdout).write(text)
        (output or sys.stdout).flush()
    except BrokenPipeError:  # `polyopt explain ... | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="polyopt", description="Look at what polyopt makes of ordinary Python.")
    parser.add_argument("--version", action="version", version=f"polyopt {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    compile_ = commands.add_parser("compile", help="show what the phases make of one file")
    compile_.add_argument("file", type=Path, help="a Python file")
    phases = ", ".join(pipeline.PHASES)
    compile_.add_argument("--stop-after", metavar="PHASE", default=pipeline.PHASES[-1], help=f"the last phase, and show it: {phases}")
    compile_.add_argument("--print-after", metavar="PHASE", action="append", default=[], help="show this phase too (may be repeated)")
    explain = commands.add_parser("explain", help="say what was done to a module or a wheel, and why something was not done")
    explain.add_argument("target", help="a wheel, a Python file, or a module's dotted name")
    calibrate_ = commands.add_parser("calibrate", help="measure this machine, once: the constants decide where a kernel runs")
    cluster = "measure a Ray cluster too: its address, or nothing for one of this machine, which is started and stopped"
    calibrate_.add_argument("--ray", metavar="ADDRESS", nargs="?", const="local", help=cluster)
    for command in (compile_, explain):
        command.add_argument("--profile", type=Path, help="the profile (default: the one of the file's project)")
    return parser


def _compile(options: argparse.Namespace) -> str:
    settings, profile, _ = _project(options.file, options.profile)
    name = module_name(options.file)
    return pipeline.compile_file(options.file, profile, settings, options.stop_after, options.print_after, name)


def _calibrate(options: argparse.Namespace) -> str:
    known = machine.load(os.environ) or machine.Machine()
    measured = calibrate(lambda line: sys.stderr.write(f"{line}\n"), known, options.ray)
    target = Path(machine.path(os.environ))
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_suffix(f".{os.getpid()}")
    partial.write_text(machine.text(measured), encoding="utf-8")
    partial.replace(target)
    return f"written to {target}\n"


def _explain(options: argparse.Namespace) -> str:
    path = Path(options.target)
    if path.suffix == ".whl":
        return render(read_wheel(path))
    if path.suffix == ".py" or os.sep in options.target:
        return render(_analyse(path, options.profile))
    installed = _find_module(options.target, sys.path)
    report = _installed_report(options.target, installed)
    if report is not None:
        return render(report)
    found = _find_module(options.target, [os.path.abspath("src"), os.getcwd(), *sys.path])
    if found is None or found.origin is None or not found.origin.endswith(".py"):
        raise PolyoptError(f"{options.target}: no wheel, no Python file and no module that can be found from here")
    return render(_analyse(Path(os.path.relpath(found.origin)), options.profile))


def _analyse(path: Path, profile_path: Path | None) -> Report:
    """The report on one source file, as its project's settings and profile would have it."""
    settings, profile, root = _project(path, profile_path)
    try:
        text = path.read_text(encoding="utf-8")
        shown = Path(os.path.relpath(path, root)).as_posix()
        return pipeline.analyse([ModuleSource(module_name(path), shown, text)], profile, settings)
    except (OSError, UnicodeDecodeError, SyntaxError) as error:
        raise PolyoptError(f"{path}: cannot be read ({error})") from error


def _project(path: Path, profile_path: Path | None) -> tuple[Settings, Profile | None, Path]:
    """Settings, profile and root of the project that a file belongs to; defaults where there is none."""
    folder = path.resolve().parent
    for root in (folder, *folder.parents):
        settings = read_settings(root / "pyproject.toml", os.environ)
        if settings is not None:
            break
    else:
        root, settings = Path.cwd(), Settings()
    wanted = profile_path or root / settings.profile
    return settings, read_profile(wanted) if profile_path or wanted.exists() else None, root


def module_name(path: Path) -> str:
    """The dotted name of the module in a file, by the packages around it."""
    path = path.resolve()
    parts = [] if path.name == "__init__.py" else [path.stem]
    folder = path.parent
    while (folder / "__init__.py").exists():
        parts.insert(0, folder.name)
        folder = folder.parent
    return ".".join(parts)


def _find_module(name: str, search: Sequence[str]) -> ModuleSpec | None:
    """Where the module lies, without importing its packages."""
    places: Sequence[str] | None = search
    spec = None
    parts = name.split(".")
    for length in range(1, len(parts) + 1):
        if places is None:
            return None
        spec = PathFinder.find_spec(".".join(parts[:length]), list(places))
        if spec is None:
            return None
        places = spec.submodule_search_locations
    return spec


def _installed_report(name: str, spec: ModuleSpec | None) -> Report | None:
    """What the report in an installed `_polyopt` package says of the module, if there is one."""
    if spec is None or spec.origin is None:
        return None
    folder = Path(spec.origin).parent
    for _ in name.split("."):
        for path in sorted(folder.glob("_polyopt*/report.json")):
            try:
                report = from_json(path.read_text(encoding="utf-8"))
            except (OSError, ValueError, KeyError, TypeError) as error:
                raise PolyoptError(f"{path}: cannot be read as a polyopt report ({error}); build the package again") from error
            modules = tuple(module for module in report.modules if module.module == name)
            if modules:
                return replace(report, modules=modules)
        folder = folder.parent
    return None


if __name__ == "__main__":
    sys.exit(main())
