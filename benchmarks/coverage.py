"""Coverage: the share of a program's run time that ends up in generated kernels, and why the rest does not.

The programs are the modules of ``corpus/`` (entry ``run``, arguments from ``inputs(n)``, sizes in ``SIZES``) and of ``polybench/``
(entries ``lists``, ``loops`` and ``arrays``, arguments from ``initialise``, sizes by name). They are profiled at small sizes, all in
one run; then each is built and run, plain and built, in a process of its own, so that neither a crash nor an endless compilation
costs the others. The profile of a build holds one entry point only: the forms of a kernel are told apart.

The share is of the plain program's time: what the built program spends outside of kernels is the rest, whatever else it does there
(guards, copies, boxing, a region that gave up), except in library calls that the program itself makes. Results and arguments must agree
bit for bit; where they do not, the share is zero.
"""

from __future__ import annotations

import argparse
import ast
import gc
import importlib.util
import json
import math
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path
from types import ModuleType
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import numpy as np  # noqa: E402

from benchmarks import loading, measured  # noqa: E402
from benchmarks.building import build_copy  # noqa: E402
from benchmarks.equality import difference  # noqa: E402
from benchmarks.table import ratio, seconds, table  # noqa: E402
from setuptools_polyopt.config import Settings  # noqa: E402
from setuptools_polyopt.profile.canonical import functions  # noqa: E402
from setuptools_polyopt.profile.reading import read_profile, write_profile  # noqa: E402
from setuptools_polyopt.profile.schema import Profile  # noqa: E402
from setuptools_polyopt.report.model import ModuleReport, from_json  # noqa: E402

HERE = Path(__file__).resolve().parent
ENTRIES = {"corpus": ("run",), "polybench": ("lists", "loops", "arrays")}
WALL_SECONDS = 3600
ROUNDS = 3
SHOWN_SHARE = 0.01
STEADY = {"MALLOC_MMAP_THRESHOLD_": str(32 << 20), "MALLOC_TRIM_THRESHOLD_": str(4 << 30)}
"""For glibc: freed memory is kept, so that whether an array comes from fresh pages is no matter of what ran before."""
MAKERS = ("inputs", "initialise")
CALLS = """\
import sys

sys.path[:0] = {paths!r}
from benchmarks.coverage import Program, arguments, load_file

for folder, name, file, entry in {programs!r}:
    module = load_file(f"{{folder}}.{{name}}", file)
    for index in (0, 1):
        getattr(module, entry)(**arguments(module, Program(folder, name, entry), index))
"""


@dataclass(frozen=True)
class Program:
    """One entry point of one module of a folder."""

    folder: str
    module: str
    entry: str

    @property
    def name(self) -> str:
        return self.module if len(ENTRIES[self.folder]) == 1 else f"{self.module}:{self.entry}"


@dataclass(frozen=True)
class Rest:
    """Lines that stayed Python: the share of the plain program's time that they take, and what the report says of them."""

    share: float
    lines: str
    reason: str


@dataclass(frozen=True)
class Outcome:
    """What came of one program. Times in seconds at the larger size; ``kernels`` and ``library`` are parts of them.

    ``phases`` and ``compiler``: CPU seconds of polyopt and of the C compilers (none for what the object cache had).
    """

    name: str
    folder: str
    difference: str | None = None
    plain: float = 0.0
    built: float = 0.0
    kernels: float = 0.0
    library: float = 0.0
    phases: float = 0.0
    compiler: float = 0.0
    regions: int = 0
    rests: tuple[Rest, ...] = ()

    @property
    def share(self) -> float:
        """The part of the plain program's time that ended up in kernels, or is spent in library calls of its own."""
        if self.difference or not self.plain or self.kernels + self.library == 0.0:
            return 0.0
        return min(1.0, max(0.0, 1.0 - (self.built - self.kernels - self.library) / self.plain))


def programs(patterns: Sequence[str]) -> list[Program]:
    """Those whose folder, module or full name matches one of the glob patterns; all without patterns."""
    found = [
        Program(folder, path.stem, entry)
        for folder, entries in ENTRIES.items()
        for path in sorted((HERE / folder).glob("[!_]*.py"))
        for entry in entries
    ]
    names = {p: (p.folder, p.module, p.name) for p in found}
    return [p for p in found if not patterns or any(fnmatchcase(name, each) for name in names[p] for each in patterns)]


def arguments(module: ModuleType, program: Program, index: int) -> dict[str, Any]:
    """The arguments of one call: sizes 0 and 1 are for the profile, 2 is the one that is timed."""
    if program.folder == "corpus":
        small, large = module.SIZES
        made: dict[str, Any] = module.inputs((small, small + 2, large)[index])
        return made
    sizes = module.SIZES
    large = sizes["large" if program.entry == "arrays" else "small"]
    made = module.initialise(*(sizes["tiny"], [extent + 1 for extent in sizes["tiny"]], large)[index])
    if program.entry == "lists":
        return {name: value.tolist() if isinstance(value, np.ndarray) else value for name, value in made.items()}
    return made


def load_file(name: str, file: str | Path) -> ModuleType:
    """The module in a file, under a name of its own."""
    spec = importlib.util.spec_from_file_location(name, file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # where dataclasses look for it
    spec.loader.exec_module(module)
    return module


def prepare(wanted: Sequence[Program], project: Path) -> None:
    """A project of all modules, profiled."""
    loading.empty_directory(project)
    for folder in sorted({program.folder for program in wanted}):
        loading.copy_project(HERE / folder, project / "src" / folder)
        (project / "src" / folder / "__init__.py").touch()
    (project / "pyproject.toml").write_text('[project]\nname = "coverage"\nversion = "0"\n\n[tool.polyopt]\n', encoding="utf-8")
    calls = [(p.folder, p.module, str(project / "src" / p.folder / f"{p.module}.py"), p.entry) for p in wanted]
    paths = [str(ROOT), *(path for path in sys.path if path)]
    (project / "calls.py").write_text(CALLS.format(paths=paths, programs=calls), encoding="utf-8")
    loading.profile(project, ["calls.py"])


def measure_alone(program: Program, work: Path, flags: Sequence[str]) -> Outcome:
    """Measure one program in a process of its own."""
    own = ["--child", program.folder, program.module, program.entry]
    command = [sys.executable, __file__, "--work", str(work), *flags, *own]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=WALL_SECONDS, check=False, env={**os.environ, **STEADY})
    except subprocess.TimeoutExpired:
        return Outcome(program.name, program.folder, f"not done after {WALL_SECONDS} s")
    if done.returncode == -signal.SIGXCPU:
        return Outcome(program.name, program.folder, "not done within the CPU time that it may take")
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        return Outcome(program.name, program.folder, f"ended with {done.returncode}: {last}")
    read: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return Outcome(**{**read, "rests": tuple(Rest(**rest) for rest in read["rests"])})


def measure(program: Program, work: Path, *, build: bool, run: bool) -> Outcome:
    """Build one program in this process (or take the last build), compare it and time it."""
    target = work / "built" / program.folder / program.name.replace(":", "_")
    package = work / "project" / "src" / program.folder
    if build:
        outcome = _built(program, package, work, target)
        (target / "outcome.json").write_text(json.dumps(asdict(outcome)), encoding="utf-8")
    else:
        outcome = Outcome(**json.loads((target / "outcome.json").read_text(encoding="utf-8")))
    if not run:
        return outcome
    name = f"{program.folder}.{program.module}"
    plain, built = (loading.load(folder, [name])[name] for folder in (package.parent, target))
    for index in (0, 1):
        unequal = _compared(program, plain, built, index)
        if unequal:
            return replace(outcome, difference=unequal)
    outcome = _timed(program, plain, built, outcome)
    if outcome.difference is None and outcome.share < 1.0 - SHOWN_SHARE:
        report = from_json((target / "report.json").read_text(encoding="utf-8")).modules[0]
        outcome = replace(outcome, rests=_rests(program, plain, built, report, outcome))
    return outcome


def _built(program: Program, package: Path, work: Path, target: Path) -> Outcome:
    """The program built into a copy of its package below ``target``, beside the report."""
    loading.empty_directory(target)
    before = os.times()
    compiled = build_copy(package, [program.module], _profile(program, work, target), target, Settings())
    after = os.times()
    (target / "report.json").write_text(compiled.report.to_json(), encoding="utf-8")
    return Outcome(
        program.name,
        program.folder,
        phases=after.user + after.system - before.user - before.system,
        compiler=after.children_user + after.children_system - before.children_user - before.children_system,
        regions=sum(region.function not in MAKERS for module in compiled.report.modules for region in module.regions),
    )


def _profile(program: Program, work: Path, target: Path) -> Path:
    """The profile without the module's other entry points."""
    others = {f"{program.folder}.{program.module}:{entry}" for entry in ENTRIES[program.folder] if entry != program.entry}
    known = read_profile(work / "project" / "polyopt-profile.json")
    kept = Profile({name: each for name, each in known.functions.items() if name not in others})
    write_profile(kept, target / "polyopt-profile.json")
    return target / "polyopt-profile.json"


def _compared(program: Program, plain: ModuleType, built: ModuleType, index: int) -> str | None:
    given = [arguments(module, program, index) for module in (plain, built)]
    left, right = (getattr(module, program.entry)(**each) for module, each in zip((plain, built), given, strict=True))
    return difference(left, right) or difference(*given, "arguments")


def _timed(program: Program, plain: ModuleType, built: ModuleType, outcome: Outcome) -> Outcome:
    """The quickest of some alternating runs; the last results are compared."""
    measured.time_kernels(built)
    library = measured.with_stopwatch(plain)
    best: dict[str, tuple[float, float]] = {}
    turns = [("plain", plain), ("built", built)]
    results: dict[str, object] = {}
    for number in range(ROUNDS):
        for key, module in turns if number % 2 == 0 else reversed(turns):
            results.pop(key, None)  # memory that is held decides whether large arrays come from fresh pages
            given = arguments(module, program, 2)
            gc.collect()
            kernels, start = measured.kernel_seconds(module), time.perf_counter()
            result = getattr(module, program.entry)(**given)
            took = time.perf_counter() - start
            best[key] = min(best.get(key, (math.inf, 0.0)), (took, measured.kernel_seconds(module) - kernels))
            results[key] = (result, given)
            del result, given
    given = arguments(library.module, program, 2)
    library.watch.seconds = 0.0
    if library.lines:
        getattr(library.module, program.entry)(**given)
    return replace(
        outcome,
        plain=best["plain"][0],
        built=best["built"][0],
        kernels=best["built"][1],
        library=library.watch.seconds,
        difference=difference(results["plain"], results["built"]),
    )


def _rests(program: Program, plain: ModuleType, built: ModuleType, report: ModuleReport, outcome: Outcome) -> tuple[Rest, ...]:
    """Where the built program spends its time outside of kernels, the most first."""
    given = arguments(built, program, 2)
    with measured.sampled(str(built.__file__)) as samples:
        getattr(built, program.entry)(**given)
    original = measured.original_lines(Path(built.__file__ or "").read_text(encoding="utf-8"))
    library = measured.with_stopwatch(plain).lines
    tree = ast.parse(Path(plain.__file__ or "").read_text(encoding="utf-8"))
    refusals = {name: state.refusal for name, state in measured.regions(built).items()}
    total = sum(samples.values()) or 1
    found: dict[tuple[str, str], float] = {}
    for number, count in samples.items():
        line = original.get(number, 0)
        if line and line not in library:
            key = _reason(line, _function_at(tree, line), report, refusals)
            found[key] = found.get(key, 0.0) + count / total * outcome.built / outcome.plain
    around = 1.0 - outcome.share - sum(found.values())
    found["", "around the kernels: dispatch, guards, copies, results"] = max(0.0, around)
    rests = (Rest(share, lines, reason) for (lines, reason), share in found.items() if share >= SHOWN_SHARE)
    return tuple(sorted(rests, key=lambda rest: -rest.share))


def _reason(line: int, function: str, report: ModuleReport, refusals: dict[str, str | None]) -> tuple[str, str]:
    """The lines that the report names for a line that ran as Python, and why; or the function's nearest lines above it."""
    for region in report.regions:
        if line in _span(region.lines):
            return region.lines, f"{region.name} ran as the original: {refusals.get(region.name) or 'not in the last call'}"
    around = [missed for missed in report.missed if line in _span(missed.lines)]
    if around:
        found = min(around, key=lambda missed: len(_span(missed.lines)))
        return found.lines, f"{found.kind}: {found.reason}"
    above = [missed for missed in report.missed if missed.function == function and _span(missed.lines)[0] <= line]
    if above:
        found = max(above, key=lambda missed: _span(missed.lines)[0])
        return f"{line}, below {found.lines}", f"{found.kind}: {found.reason}"
    return str(line), "the report says nothing"


def _function_at(tree: ast.Module, line: int) -> str:
    """The qualified name of the innermost function around a line."""
    inside = [(node.lineno, name) for name, node in functions(tree).items() if node.lineno <= line <= (node.end_lineno or 0)]
    return max(inside, default=(0, ""))[1]


def _span(lines: str) -> range:
    first, _, last = lines.partition("-")
    return range(int(first), int(last or first) + 1)


def rows(outcomes: Iterable[Outcome]) -> list[list[str]]:
    return [
        [
            outcome.name,
            f"{outcome.share:.0%}",
            seconds(outcome.plain) if outcome.plain else "",
            seconds(outcome.built) if outcome.built else "",
            ratio(outcome.plain / outcome.built) if outcome.built else "",
            str(outcome.regions),
            f"{outcome.phases:.1f} s",
            f"{outcome.compiler:.1f} s" if outcome.compiler > 0.05 else "cached",
            "equal" if outcome.difference is None else "DIFFERENT",
        ]
        for outcome in outcomes
    ]


HEADER = ["program", "share", "plain", "built", "speed-up", "regions", "polyopt", "C", "bits"]


def summary(folder: str, outcomes: Sequence[Outcome]) -> str:
    """One line over a folder: the share of the whole run time, and how many programs fall short."""
    plain = sum(outcome.plain for outcome in outcomes)
    share = sum(outcome.share * outcome.plain for outcome in outcomes) / plain if plain else 0.0
    whole = sum(outcome.share >= 0.95 for outcome in outcomes)
    slower = sum(outcome.built > 1.03 * outcome.plain for outcome in outcomes)
    different = sum(outcome.difference is not None for outcome in outcomes)
    slowest = max((outcome.phases + outcome.compiler for outcome in outcomes), default=0.0)
    return (
        f"{folder}: {share:.1%} of the run time in kernels; {whole} of {len(outcomes)} programs at 95 % or more, "
        f"{slower} slower than plain, {different} different, at most {slowest:.1f} s to compile"
    )


def rest_lines(outcome: Outcome) -> list[str]:
    """The rests of one program, a line each."""
    if outcome.difference is not None:
        return [f"    {outcome.difference}"]
    return [f"    {rest.share:4.0%} {rest.lines or '-'}: {rest.reason}" for rest in outcome.rests]


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--only", action="append", default=[], metavar="NAME", help="folder or program (glob pattern; may be repeated)")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    parser.add_argument("--work", type=Path, default=ROOT / "build" / "coverage", help="where to build (default: build/coverage)")
    parser.add_argument("--cpu-seconds", type=int, default=300, help="what one program may take, built and run (default: 300)")
    parser.add_argument("--build-only", action="store_true", help="compile and run nothing")
    parser.add_argument("--keep-builds", action="store_true", help="run what was built the last time")
    parser.add_argument("--child", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        program = Program(*options.child)
        resource.setrlimit(resource.RLIMIT_CPU, (options.cpu_seconds, options.cpu_seconds + 5))
        print(json.dumps(asdict(measure(program, options.work, build=not options.keep_builds, run=not options.build_only))))
        return 0
    wanted = programs(options.only)
    if not options.keep_builds:
        prepare(wanted, options.work / "project")
    flags = ["--cpu-seconds", str(options.cpu_seconds)]
    flags += [*(["--build-only"] if options.build_only else []), *(["--keep-builds"] if options.keep_builds else [])]
    outcomes = []
    for program in wanted:
        outcomes.append(measure_alone(program, options.work, flags))
        shown = table(HEADER, rows(outcomes[-1:])).splitlines()[-1]
        print("\n".join([shown, *rest_lines(outcomes[-1])]), file=sys.stderr, flush=True)
    for folder in ENTRIES:
        of_folder = [outcome for outcome in outcomes if outcome.folder == folder]
        if of_folder:
            print(f"\n{table(HEADER, rows(of_folder))}\n\n{summary(folder, of_folder)}")
    if options.json is not None:
        found = [{**asdict(outcome), "share": outcome.share} for outcome in outcomes]
        options.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    return 1 if any(outcome.difference is not None for outcome in outcomes) else 0


if __name__ == "__main__":
    sys.exit(main())
