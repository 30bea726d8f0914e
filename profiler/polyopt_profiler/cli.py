"""The command line of `polyopt-profile`."""

from __future__ import annotations

import argparse
import ast
import sys
from collections.abc import Sequence
from pathlib import Path

from polyopt_profiler.project import find_project
from polyopt_profiler.running import Program, run, say
from polyopt_profiler.show import format_text
from setuptools_polyopt.profile.errors import ProfileError
from setuptools_polyopt.profile.merging import merge
from setuptools_polyopt.profile.reading import FILE_NAME, read_profile, write_profile
from setuptools_polyopt.profile.schema import Profile
from setuptools_polyopt.profile.staleness import Stale, stale_entries, without_stale

_USAGE = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status (the program's own, for `run`)."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    own, program = _split(given)
    parser = _parser()
    options = parser.parse_args(own)
    try:
        match options.command:
            case "run":
                if not program:
                    parser.error("name the program to run: polyopt-profile run -- -m pytest")
                return _run(options, program)
            case "merge":
                return _merge(options.out, options.inputs)
            case "show":
                return _show(options.path)
            case _:
                return _annotate(options)
    except BrokenPipeError:  # the reader of our output has seen enough
        sys.stdout = None
        return 1
    except (ProfileError, OSError) as error:
        say(str(error))
        return _USAGE


def _split(given: list[str]) -> tuple[list[str], list[str]]:
    """Our own arguments, and those after the first `--`."""
    if given[:1] != ["run"] or "--" not in given:
        return given, []
    cut = given.index("--")
    return given[:cut], given[cut + 1 :]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="polyopt-profile", description="Record what a program's functions are called with, for setuptools-polyopt."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    command = commands.add_parser(
        "run",
        help="run a program and write the profile",
        usage="polyopt-profile run [--output PATH] [--modules NAME ...] -- (-m MODULE | SCRIPT) [ARGUMENT ...]",
    )
    command.add_argument("--output", type=Path, help=f"the file to write (default: {FILE_NAME} beside pyproject.toml)")
    command.add_argument(
        "--modules", nargs="+", default=[], metavar="NAME", help="only these modules (names, patterns)"
    )
    command = commands.add_parser("merge", help="join several profiles into one")
    command.add_argument("out", type=Path)
    command.add_argument("inputs", type=Path, nargs="+")
    command = commands.add_parser("show", help="print a profile for people, and what in it no longer fits the source")
    command.add_argument("path", type=Path, nargs="?")
    command = commands.add_parser("annotate", help="print the hints that the profile gives, or write them")
    command.add_argument("path", type=Path, nargs="?")
    command.add_argument("--stubs", type=Path, metavar="DIR", help="write stub files (.pyi) into this folder")
    command.add_argument("--write", action="store_true", help="write the hints into the source")
    return parser


def _run(options: argparse.Namespace, program: list[str]) -> int:
    project = find_project(Path.cwd(), tuple(options.modules))
    output = options.output.resolve() if options.output else project.root / FILE_NAME
    if not output.parent.is_dir():
        say(f"the folder of {output} does not exist")
        return _USAGE
    if program[0] == "-m":
        if len(program) == 1:
            say("name the module after -m: polyopt-profile run -- -m pytest")
            return _USAGE
        return run(Program(program[1], tuple(program[2:]), is_module=True), project, output)
    if not Path(program[0]).exists():
        say(f"there is no file {program[0]!r}; for a module write: polyopt-profile run -- -m {program[0]}")
        return _USAGE
    return run(Program(program[0], tuple(program[1:])), project, output)


def _merge(out: Path, inputs: Sequence[Path]) -> int:
    """Entries that are stale against the project's source are left out, so that profiles of different ages can be merged."""
    profiles = [read_profile(path) for path in inputs]
    for path, profile in zip(inputs, profiles, strict=True):
        for stale in _stale(profile):
            say(f"{path}: {stale.key} is left out: {_words(stale)}")
    write_profile(merge(map(_fresh, profiles)), out)
    return 0


def _show(path: Path | None) -> int:
    profile = read_profile(path or _default())
    sys.stdout.write(format_text(profile))
    for stale in _stale(profile):
        sys.stdout.write(f"stale: {stale.key} ({_words(stale)})\n")
    return 0


def _annotate(options: argparse.Namespace) -> int:
    from polyopt_profiler.annotate import annotate  # here: LibCST takes a while

    profile = read_profile(options.path or _default())
    return annotate(profile, find_project(Path.cwd()), options.stubs, write=options.write)


def _default() -> Path:
    return find_project(Path.cwd()).root / FILE_NAME


def _words(stale: Stale) -> str:
    return "the function has changed since" if stale.reason == "changed" else "the module no longer has it"


def _sources(profile: Profile) -> dict[str, ast.Module]:
    """The syntax trees of the profile's modules, as far as their sources are in the project."""
    project = find_project(Path.cwd())
    trees = {}
    for module in sorted({key.partition(":")[0] for key in profile.functions}):
        path = project.source_of(module)
        if path is not None:
            try:
                trees[module] = ast.parse(path.read_bytes())
            except SyntaxError as error:
                raise ProfileError(
                    f"the source cannot be parsed: {error.msg}", path, error.lineno or 0, "mend it"
                ) from error
    return trees


def _stale(profile: Profile) -> list[Stale]:
    return [item for module, tree in _sources(profile).items() for item in stale_entries(profile, module, tree)]


def _fresh(profile: Profile) -> Profile:
    for module, tree in _sources(profile).items():
        profile = without_stale(profile, module, tree)
    return profile
