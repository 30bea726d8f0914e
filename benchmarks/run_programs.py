"""Small programs over the families of numerical Python, each run plain and optimised (`coverage.py` has another corpus, and PolyBench).

``programs/*.py`` are ordinary modules with ``initialize(n)``, which makes a dictionary of arguments, a function ``kernel`` and two sizes.
They are put into a generated package whose test calls each kernel at two small sizes; polyopt profiles that test and compiles
each program, in a process of its own.  There the kernel runs plain and built at both sizes: results and arguments must agree
bit for bit.  Printed are the times (the least of some alternating runs), and how much of each module was optimised.
"""

from __future__ import annotations

import argparse
import ast
import copy
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks import loading  # noqa: E402
from benchmarks.building import build_copy  # noqa: E402
from benchmarks.equality import difference  # noqa: E402
from benchmarks.loading import Modules  # noqa: E402
from benchmarks.table import ratio, seconds, table  # noqa: E402
from benchmarks.timing import Clock, Subject, alternate  # noqa: E402
from setuptools_polyopt.config import Settings  # noqa: E402
from setuptools_polyopt.pipeline import CompiledPackage  # noqa: E402

PROGRAMS = Path(__file__).resolve().parent / "programs"
PACKAGE = "corpus"
CHILD_SECONDS = 300
DISPATCH = re.compile(r"# polyopt: (?:lines? )?(\d+)(?:-(\d+))?")
PYPROJECT = f"""\
[build-system]
requires = ["setuptools>=77", "setuptools-polyopt"]
build-backend = "setuptools.build_meta"

[project]
name = "{PACKAGE}"
version = "0"

[tool.setuptools.packages.find]
where = ["src"]

[tool.polyopt]
fp = "strict"

[tool.pytest.ini_options]
pythonpath = ["src"]
"""
TEST = f"""\
import importlib

import pytest


@pytest.mark.parametrize("name", {{names!r}})
def test_program(name):
    module = importlib.import_module(f"{PACKAGE}.{{{{name}}}}")
    for size in (module.SMALL, module.SMALL + 2):
        module.kernel(**module.initialize(size))
"""


@dataclass(frozen=True)
class Outcome:
    """What came of one program: times in seconds at the large size, the first difference, if any.

    ``share`` is the part of the program's statement lines (without ``initialize``) that lies in optimised regions.
    ``build`` is what compiling took, in seconds; ``missed`` what the report says about code that stays Python.
    """

    name: str
    plain: float
    built: float
    difference: str | None
    share: float
    build: float = 0.0
    missed: tuple[str, ...] = ()


def names_of(patterns: Iterable[str]) -> list[str]:
    """The programs that match any of the glob patterns."""
    return sorted({path.stem for pattern in patterns for path in PROGRAMS.glob(f"{pattern}.py")})


def generate(names: Sequence[str], project: Path) -> Path:
    """A package of the named programs, with a test that calls each of them."""
    source = project / "src" / PACKAGE
    tests = project / "tests"
    for directory in (source, tests):
        directory.mkdir(parents=True, exist_ok=True)
    (project / "pyproject.toml").write_text(PYPROJECT, encoding="utf-8")
    (source / "__init__.py").write_text("", encoding="utf-8")
    for name in names:
        (source / f"{name}.py").write_text((PROGRAMS / f"{name}.py").read_text(encoding="utf-8"), encoding="utf-8")
    (tests / "test_programs.py").write_text(TEST.format(names=list(names)), encoding="utf-8")
    return project


def measure_alone(
    name: str, project: Path, levels: Sequence[str] = (), *, timed: bool, clock: Clock = time.perf_counter
) -> Outcome:
    """Build and run one program in a process of its own: neither a crash nor an endless compilation costs the others."""
    command = [
        sys.executable,
        __file__,
        name,
        "--child",
        "--work",
        str(project.parent),
        *([] if timed else ["--no-times"]),
    ]
    command += ["--cpu-time"] if clock is time.process_time else []
    command += [part for level in levels for part in ("--level", level)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=CHILD_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return Outcome(name, 0.0, 0.0, f"not done after {CHILD_SECONDS} s", 0.0)
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        return Outcome(name, 0.0, 0.0, f"ended with {done.returncode}: {last}", 0.0)
    read: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return Outcome(**{**read, "missed": tuple(read["missed"])})


def measure(
    name: str, project: Path, levels: Sequence[str] = (), *, timed: bool, clock: Clock = time.perf_counter
) -> Outcome:
    """Build one program in this process, compare it and time it."""
    package = project / "src" / PACKAGE
    profile = project / "polyopt-profile.json"
    target = project.parent / "built" / name
    started = time.perf_counter()
    compiled = build_copy(package, [name], profile, target, Settings(), levels)
    took = time.perf_counter() - started
    plain, built = load_all(package.parent, [name])[name], load_all(target, [name])[name]
    missed = [
        f"{m.function}:{m.lines} {m.kind}: {m.reason}" for module in compiled.report.modules for m in module.missed
    ]
    outcome = run(name, plain, built, timed=timed, clock=clock)
    missed += [f"{region}: built, but refused to run: {why}" for region, why in refusals(built, compiled)]
    return replace(outcome, build=took, missed=tuple(m for m in missed if not m.startswith("initialize")))


def refusals(built: ModuleType, compiled: CompiledPackage) -> Iterator[tuple[str, str]]:
    """The regions whose last call ran the original statements, and which guard failed."""
    for module in compiled.report.modules:
        for region in module.regions:
            why = getattr(built._polyopt, region.name).__self__.refusal
            if why is not None:
                yield region.name, str(why)


def run(name: str, plain: ModuleType, built: ModuleType, *, timed: bool, clock: Clock = time.perf_counter) -> Outcome:
    """Compare one program at both sizes; time it at the large one."""
    unequal = next((text for size in (plain.SMALL, plain.LARGE) if (text := _compare(plain, built, size))), None)
    share = optimised_share(Path(plain.__file__ or ""), Path(built.__file__ or ""))
    if unequal or not timed:
        return Outcome(name, 0.0, 0.0, unequal, share)
    made = plain.initialize(plain.LARGE)

    def prepare() -> tuple[object, ...]:
        return tuple(copy.deepcopy(made).values())

    subjects = {
        "plain": Subject(plain.kernel, prepare, fresh=True),
        "built": Subject(built.kernel, prepare, fresh=True),
    }
    times = alternate(subjects, rounds=5, sample_seconds=0.01, clock=clock)
    return Outcome(name, times["plain"].best, times["built"].best, None, share)


def optimised_share(plain: Path, built: Path) -> float:
    """The part of the plain file's statement lines, outside ``initialize``, that the built file's dispatches cover."""
    covered: set[int] = set()
    for first, last in DISPATCH.findall(built.read_text(encoding="utf-8")):
        covered.update(range(int(first), int(last or first) + 1))
    lines = set(_statement_lines(ast.parse(plain.read_text(encoding="utf-8"))))
    return len(lines & covered) / len(lines)


def _statement_lines(module: ast.Module) -> Iterator[int]:
    for function in ast.walk(module):
        if not isinstance(function, ast.FunctionDef) or function.name == "initialize":
            continue
        body = function.body[1:] if ast.get_docstring(function) is not None else function.body
        yield from (node.lineno for statement in body for node in ast.walk(statement) if isinstance(node, ast.stmt))


def _compare(plain: ModuleType, built: ModuleType, size: int) -> str | None:
    left, right = plain.initialize(size), built.initialize(size)
    results = [module.kernel(**arguments) for module, arguments in ((plain, left), (built, right))]
    return difference(*results) or difference(left, right, "arguments")


def report(outcomes: Sequence[Outcome]) -> str:
    rows = []
    for outcome in outcomes:
        gain = ratio(outcome.plain / outcome.built) if outcome.built else ""
        times = [seconds(t) if t else "" for t in (outcome.plain, outcome.built)]
        built = f"{outcome.build:.1f} s"
        rows.append([outcome.name, *times, gain, f"{outcome.share:.0%}", built, outcome.difference or "equal"])
    return table(["program", "plain", "built", "speed-up", "optimised", "build", "bits"], rows)


def load_all(target: Path, names: Sequence[str]) -> Modules:
    loaded = loading.load(target, [f"{PACKAGE}.{name}" for name in names])
    return {name.partition(".")[2]: module for name, module in loaded.items()}


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("patterns", nargs="*", default=["*"], help="names of programs (glob patterns; default: all)")
    parser.add_argument(
        "--work", type=Path, default=ROOT / "build" / "corpus", help="where to build (default: build/corpus)"
    )
    parser.add_argument("--no-times", action="store_true", help="only compare")
    parser.add_argument("--missed", action="store_true", help="tell why code stays Python")
    parser.add_argument("--keep-profile", action="store_true", help="use the package and the profile of the last run")
    parser.add_argument("--level", action="append", default=[], help="only this instruction-set level (default: all)")
    parser.add_argument(
        "--cpu-time", action="store_true", help="one thread, CPU seconds: for machines that do other things too"
    )
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()

    names, project, timed = names_of(options.patterns), options.work / "project", not options.no_times
    clock = time.process_time if options.cpu_time else time.perf_counter
    if options.child:
        if options.cpu_time:
            os.environ["POLYOPT_NUM_THREADS"] = "1"
        print(json.dumps(asdict(measure(names[0], project, options.level, timed=timed, clock=clock))))
        return 0
    if not options.keep_profile:
        generate(names, loading.empty_directory(project))
        loading.profile(project, ["-m", "pytest", "-q"])
    outcomes = []
    for name in names:
        outcomes.append(measure_alone(name, project, options.level, timed=timed, clock=clock))
        print(report(outcomes[-1:]).splitlines()[-1], file=sys.stderr, flush=True)
        if options.missed:
            print("\n".join(f"  {text}" for text in outcomes[-1].missed), file=sys.stderr, flush=True)
    print(report(outcomes))
    different = [outcome.name for outcome in outcomes if outcome.difference]
    touched = sum(outcome.share > 0 for outcome in outcomes)
    print(f"\n{len(outcomes)} programs, {touched} with optimised regions, {len(different)} with differences")
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
