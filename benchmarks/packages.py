"""Real packages: their own tests on the plain wheel and on the wheel that polyopt built.

For each package of ``packages.toml``, the source distribution comes from the package index; the profile is taken from its tests; two
wheels are built, plain and with ``[tool.polyopt]``; and each is unpacked over a copy of the source tree, so that the tests and what
they read lie where their authors put them, while the modules are those of the wheel. Every test must end the same way on both: same
outcome, same exception, same warnings. Tests that end differently from run to run on the plain wheel are told apart.

    python benchmarks/packages.py                # all, and docs/packages.md anew
    python benchmarks/packages.py emcee mpmath   # these only, the others' rows as they were found last

Everything lies below ``build/packages`` (``--work``); what is there is used again, but wheels are always built.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import resource
import shutil
import subprocess
import sys
import tarfile
import time
import zipfile
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).resolve().parent.parent
HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(ROOT))

from benchmarks.table import ratio, seconds, table  # noqa: E402

LIST = HERE / "packages.toml"
PAGE = ROOT / "docs" / "packages.md"
LIMIT = 1800
"""Seconds after which a build or a test run counts as hanging."""
OWN_BUILD = {"setuptools", "wheel"}
"""What a package's own build may require to be used as it is; for others a plain pyproject.toml is written."""
STEADY = {
    "PYTHONHASHSEED": "0",
    "PYTHONDONTWRITEBYTECODE": "1",
    "SOURCE_DATE_EPOCH": "1500000000",
    "MPLBACKEND": "agg",
    "OPENBLAS_NUM_THREADS": "1",  # on a machine with other work its threads wait for each other, for minutes
}
OVERRIDDEN = ("--override-ini=addopts=", "--override-ini=required_plugins=")
SHOWN_REASONS = 5


class Broken(RuntimeError):
    """A step of a package did not work; the text says which, and where its output lies."""


@dataclass(frozen=True)
class LeftOut:
    """A test that is not compared."""

    test: str
    reason: str


@dataclass(frozen=True)
class Package:
    """An entry of ``packages.toml``; the keys are explained there."""

    name: str
    version: str
    about: str
    tests: tuple[str, ...]
    packages: tuple[str, ...]
    profile: tuple[str, ...] = ()
    source: str = "."
    left_out: tuple[LeftOut, ...] = ()


@dataclass(frozen=True)
class Result:
    """What was found for one package, kept as JSON between runs."""

    name: str
    version: str
    about: str
    tests: int
    functions: int
    regions: int
    ran: int
    build_seconds: float
    wheel_bytes: tuple[int, int]
    plain_seconds: float
    built_seconds: float
    kernel_seconds: float
    missed: Mapping[str, float]
    differences: tuple[str, ...] = ()
    unsteady: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    left_out: tuple[LeftOut, ...] = ()


@dataclass(frozen=True)
class Run:
    """One run of a package's tests; seconds: of CPU."""

    outcomes: Mapping[str, str]
    warnings: Mapping[str, int]
    kernels: Mapping[str, float]
    seconds: float


@dataclass(frozen=True)
class Place:
    """Where things lie; `python`: the environment's interpreter."""

    work: Path

    @property
    def python(self) -> Path:
        return self.work / "env" / "bin" / "python"


# ---- running things --------------------------------------------------------------------------------------------------


def run(command: Sequence[str | Path], log: Path, folder: Path, variables: Mapping[str, str] | None = None) -> int:
    """Run a command with its output in ``log``; the exit status. Raises `Broken` when it hangs."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as output:
        try:
            return subprocess.run(
                [str(word) for word in command],
                cwd=folder,
                env={**_environment(), **(variables or {})},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                timeout=LIMIT,
                check=False,
            ).returncode
        except subprocess.TimeoutExpired:
            raise Broken(f"still running after {LIMIT} s: {log}") from None


def must(command: Sequence[str | Path], log: Path, folder: Path, variables: Mapping[str, str] | None = None) -> None:
    """As `run`, and raise `Broken` when it fails."""
    status = run(command, log, folder, variables)
    if status:
        raise Broken(f"exit status {status}: {log}")


def _environment() -> dict[str, str]:
    """The caller's variables without those that would reach into the packages' processes, and `STEADY`."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "POLYOPT"))}
    return {**kept, **STEADY}


# ---- from the index to two trees -------------------------------------------------------------------------------------


def environment(place: Place, needs: Sequence[str]) -> None:
    """One virtual environment for all packages; polyopt itself is installed anew each time."""
    place.work.mkdir(parents=True, exist_ok=True)
    wanted = place.work / "env" / "needs"
    if not wanted.is_file() or wanted.read_text() != "\n".join(needs):
        must([sys.executable, "-m", "venv", "--clear", place.work / "env"], place.work / "env.log", place.work)
        must([place.python, "-m", "pip", "install", f"{ROOT}[profile]", *needs], place.work / "needs.log", place.work)
        wanted.write_text("\n".join(needs))
    again = ["--force-reinstall", "--no-deps", "--no-build-isolation", ROOT]
    must([place.python, "-m", "pip", "install", *again], place.work / "polyopt.log", place.work)


def fetch(place: Place, package: Package) -> Path:
    """The unpacked source distribution."""
    folder = place.work / package.name
    target = folder / "sdist"
    if not target.is_dir():
        download = [place.python, "-m", "pip", "download", "--no-deps", "--no-binary", ":all:", "--dest", folder]
        must([*download, f"{package.name}=={package.version}"], folder / "download.log", place.work)
        archive = max(folder.glob("*.tar.gz"))
        with tarfile.open(archive) as opened:
            opened.extractall(folder / "unpacked", filter="data")
        (inside,) = (folder / "unpacked").iterdir()
        inside.rename(target)
    return target


def build_tree(place: Place, package: Package, optimised: bool) -> Path:
    """A fresh copy of the source tree to build a wheel in: with the package's own build where it asks for setuptools only."""
    folder = place.work / package.name / ("with-polyopt" if optimised else "without")
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(fetch(place, package), folder, symlinks=True)
    path = folder / "pyproject.toml"
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    if not own_build(text):
        for name in ("setup.py", "setup.cfg"):
            (folder / name).unlink(missing_ok=True)
        text = plain_pyproject(package, folder / package.source)
    path.write_text(with_polyopt(text) if optimised else text, encoding="utf-8")
    return folder


def own_build(text: str) -> bool:
    """Whether a pyproject.toml needs nothing but setuptools."""
    system = tomllib.loads(text).get("build-system", {})
    required = {re.split(r"[^\w-]", each, maxsplit=1)[0] for each in system.get("requires", ["none"])}
    return required <= OWN_BUILD and "backend-path" not in system


def plain_pyproject(package: Package, source: Path) -> str:
    """A pyproject.toml that takes the packages as they are."""
    modules = [name for name in package.packages if (source / f"{name}.py").is_file()]
    found = [pattern for name in package.packages if name not in modules for pattern in (name, f"{name}.*")]
    return f"""\
[build-system]
requires = ["setuptools", "wheel"]
build-backend = "setuptools.build_meta"

[project]
name = "{package.name}"
version = "{package.version}"

[tool.setuptools]
py-modules = {json.dumps(modules)}

[tool.setuptools.packages.find]
where = ["{package.source}"]
include = {json.dumps(found)}

[tool.setuptools.package-data]
"*" = ["*"]
"""


def with_polyopt(text: str) -> str:
    """The same pyproject.toml as a maintainer who wants polyopt would leave it."""
    return re.sub(r"(?m)^(requires\s*=\s*\[)", r'\1"setuptools-polyopt", ', text, count=1) + "\n[tool.polyopt]\n"


def take_profile(place: Place, package: Package) -> Path:
    """The profile from the package's tests, in a tree of its own; taken once."""
    folder = place.work / package.name / "profiled"
    found = folder / "polyopt-profile.json"
    if not found.is_file():
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(fetch(place, package), folder, symlinks=True)
        command = [place.python, "-m", "polyopt_profiler", "run", "--output", found, "--", "-m"]
        command += pytest_of(package, package.profile or package.tests)
        run(command, place.work / package.name / "profile.log", folder, variables(package, folder, found.with_name("outcomes.json")))
        if not found.is_file():
            raise Broken(f"no profile was written: {place.work / package.name / 'profile.log'}")
    return found


def build_wheel(place: Place, package: Package, optimised: bool) -> tuple[Path, float]:
    """The wheel and the seconds that building it took."""
    folder = build_tree(place, package, optimised)
    target = folder.with_name(f"wheel-{folder.name}")
    shutil.rmtree(target, ignore_errors=True)
    if optimised:
        shutil.copy(take_profile(place, package), folder)
    start = time.perf_counter()
    command = [place.python, "-m", "pip", "wheel", "-v", "--no-deps", "--no-build-isolation", "--wheel-dir", target, folder]
    switches = {"POLYOPT_CACHE_DIR": str(place.work / "cache"), "POLYOPT_BUILD_REPORT": "polyopt-report.json"}
    must(command, target.with_suffix(".log"), folder, switches if optimised else None)
    (wheel,) = target.glob("*.whl")
    return wheel, time.perf_counter() - start


def install(place: Place, package: Package, wheel: Path) -> Path:
    """A copy of the source tree over which the wheel has been unpacked."""
    folder = wheel.parent.with_name(f"run-{wheel.parent.name.removeprefix('wheel-')}")
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(fetch(place, package), folder, symlinks=True)
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / package.source)
    return folder


# ---- tests on both ---------------------------------------------------------------------------------------------------


def pytest_of(package: Package, tests: Sequence[str]) -> list[str]:
    """The module and its arguments; what the package adds to each run of its own, such as coverage, stays away."""
    left = [f"--deselect={each.test}" for each in package.left_out]
    return ["pytest", "-q", "-p", "no:cacheprovider", "-p", "no:randomly", "-p", "packages_plugin", *OVERRIDDEN, *left, *tests]


def variables(package: Package, folder: Path, outcomes: Path) -> dict[str, str]:
    """For test runs: the package from this tree, and `packages_plugin` from here."""
    return {"PYTHONPATH": os.pathsep.join([str(folder / package.source), str(HERE)]), "PACKAGES_OUTCOMES": str(outcomes)}


def run_tests(place: Place, package: Package, folder: Path, number: int) -> Run:
    """The package's tests in a tree that holds a wheel. Raises `Broken` when they crash."""
    found = folder.with_name(f"{folder.name}-{number}.json")
    found.unlink(missing_ok=True)
    command = [place.python, "-m", *pytest_of(package, package.tests)]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    status = run(command, found.with_suffix(".log"), folder, variables(package, folder, found))
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    if not found.is_file():
        raise Broken(f"the tests ended without a result (exit status {status}): {found.with_suffix('.log')}")
    data = json.loads(found.read_text(encoding="utf-8"))
    return Run(data["outcomes"], data["warnings"], data["kernels"], spent)


def compare(plain: Sequence[Run], built: Sequence[Run]) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    """Differences between the wheels; tests that differ among the plain runs; warnings that differ between the wheels."""
    names = sorted({name for each in (*plain, *built) for name in each.outcomes})
    different, unsteady = [], []
    for name in names:
        expected = {each.outcomes.get(name, "not run") for each in plain}
        found = {each.outcomes.get(name, "not run") for each in built}
        if len(expected) > 1:
            unsteady.append(name)
        elif found != expected:
            different.append(f"{name}: plain {', '.join(expected)}; built {', '.join(sorted(found))}")
    steady = {key: number for key, number in plain[0].warnings.items() if all(each.warnings.get(key) == number for each in plain)}
    once = set().union(*(each.warnings for each in plain))
    warned = [
        f"{key}: plain {steady.get(key, 0)}, built {built[0].warnings.get(key, 0)}"
        for key in sorted({*steady, *built[0].warnings})
        if (key in steady or key not in once) and steady.get(key, 0) != built[0].warnings.get(key, 0)
    ]
    return tuple(different), tuple(unsteady), tuple(warned)


def reasons(report: Any, times: Mapping[str, Mapping[str, float]]) -> Counter[str]:
    """How many seconds of the profiled run were spent in functions that a reason keeps in Python, by kind of reason.

    A function's own seconds are shared evenly among the kinds that it has.
    """
    weights: Counter[str] = Counter()
    for each in report if isinstance(report, list) else [report]:
        for module in each["modules"]:
            by_function: dict[str, set[str]] = {}
            for missed in module["missed"]:
                by_function.setdefault(missed["function"], set()).add(missed["kind"])
            for name, kinds in by_function.items():
                spent = times.get(f"{module['module']}:{name}", {}).get("seconds", 0.0)
                for kind in kinds:
                    weights[kind] += spent / len(kinds)
    return weights


def measure(place: Place, package: Package, rounds: int) -> Result:
    """Everything about one package. Raises `Broken`."""
    plain_wheel, _ = build_wheel(place, package, False)
    built_wheel, build_seconds = build_wheel(place, package, True)
    trees = [install(place, package, wheel) for wheel in (plain_wheel, built_wheel)]
    runs: tuple[list[Run], list[Run]] = ([], [])
    for number in range(rounds):
        for found, folder in zip(runs, trees, strict=True):
            found.append(run_tests(place, package, folder, number))
    different, unsteady, warned = compare(*runs)
    folder = place.work / package.name
    report_path = folder / "with-polyopt" / "polyopt-report.json"
    report = json.loads(report_path.read_text(encoding="utf-8")) if report_path.is_file() else []
    times = json.loads((folder / "profiled" / ".polyopt-profile-times.json").read_text(encoding="utf-8"))
    modules = [module for each in (report if isinstance(report, list) else [report]) for module in each["modules"]]
    return Result(
        package.name,
        package.version,
        package.about,
        len(runs[0][0].outcomes),
        len(times),
        sum(len(module["regions"]) for module in modules),
        sum(value > 0 for value in runs[1][0].kernels.values()),
        build_seconds,
        (plain_wheel.stat().st_size, built_wheel.stat().st_size),
        min(each.seconds for each in runs[0]),
        min(each.seconds for each in runs[1]),
        sum(runs[1][0].kernels.values()),
        dict(reasons(report, times).most_common()),
        different,
        unsteady,
        warned,
        package.left_out,
    )


# ---- the page --------------------------------------------------------------------------------------------------------

HEADER = ("package", "tests", "different", "functions", "regions", "ran", "plain", "built", "in kernels", "build", "wheel")


def row(result: Result) -> list[str]:
    """One line of the table."""
    before, after = result.wheel_bytes
    return [
        f"{result.name} {result.version}",
        str(result.tests),
        str(len(result.differences)),
        str(result.functions),
        str(result.regions),
        str(result.ran),
        seconds(result.plain_seconds),
        seconds(result.built_seconds),
        seconds(result.kernel_seconds) if result.kernel_seconds else "0",
        seconds(result.build_seconds),
        f"{before >> 10} -> {after >> 10} kB",
    ]


def page(results: Sequence[Result]) -> str:
    """docs/packages.md."""
    weights: Counter[str] = Counter()
    for result in results:
        total = sum(result.missed.values()) or 1.0
        weights.update({kind: value / total for kind, value in result.missed.items()})
    parts = [INTRODUCTION, "```", table(HEADER, [row(each) for each in results]), "```", ""]
    parts += ["## What they are, and what stays Python most", "", WHY_NOT, "", "| package | kind of code | reasons |", "|---|---|---|"]
    for result in results:
        total = sum(result.missed.values()) or 1.0
        top = [f"`{kind}` {value / total:.0%}" for kind, value in list(result.missed.items())[:SHOWN_REASONS]]
        parts.append(f"| {result.name} | {result.about} | {', '.join(top)} |")
    left = [(result.name, each) for result in results for each in result.left_out]
    unsteady = [(result.name, each) for result in results for each in result.unsteady]
    parts += ["", "## Tests that are not compared", ""]
    parts += [f"- {name}: `{each.test}`: {each.reason}" for name, each in left]
    parts += [f"- {name}: `{each}`: ends differently from run to run on the plain wheel" for name, each in unsteady]
    parts += [] if left or unsteady else ["None."]
    different = [(result.name, each) for result in results for each in (*result.differences, *result.warnings)]
    parts += ["", "## Differences", ""]
    parts += [f"- {name}: {each}" for name, each in different] or ["None."]
    return "\n".join(parts) + "\n"


INTRODUCTION = """\
# Real packages

<!-- made by `make packages`; do not edit -->

Packages from the index whose code was not written with compilers in mind, built plain and with an empty `[tool.polyopt]`, profile taken
from their own tests. Their tests run on both wheels and are compared one by one: outcome, exception, warnings.

*functions*: how many of the package's functions the profile saw. *regions*: optimised runs of statements in the wheel; *ran*: those that
the tests entered. *plain*, *built*: CPU time of the whole test run, the best of several alternating ones; tests call functions on small
inputs, so what is to be seen is that nothing gets slower. Beside other work on the machine, times vary by a fifth. *build*: `pip wheel`,
with the C compiler's objects kept from earlier builds.
"""

WHY_NOT = "Shares of the time in functions of which something stayed Python, by the kind of reason (`docs/reference/language.md`)."


# ---- the command -----------------------------------------------------------------------------------------------------


def read_list() -> tuple[list[str], list[Package]]:
    """What the environment needs, and the packages."""
    data = tomllib.loads(LIST.read_text(encoding="utf-8"))
    packages = []
    for entry in data["package"]:
        left = tuple(LeftOut(**each) for each in entry.pop("left-out", []))
        lists = {key: tuple(entry.pop(key, ())) for key in ("tests", "packages", "profile")}
        packages.append(Package(**entry, **lists, left_out=left))
    return data["needs"], packages


def kept(place: Place, package: Package) -> Result | None:
    """What the last run found."""
    path = place.work / package.name / "result.json"
    if not path.is_file():
        return None
    data = json.loads(path.read_text(encoding="utf-8"))
    left = tuple(LeftOut(**each) for each in data.pop("left_out"))
    return Result(**{key: tuple(value) if isinstance(value, list) else value for key, value in data.items()}, left_out=left)


def main() -> int:
    """Measure the packages that are named, or all; 1 where one differs or could not be measured."""
    parser = argparse.ArgumentParser(description="build real packages plain and with polyopt, and compare their own tests")
    parser.add_argument("names", nargs="*", help="these packages only")
    parser.add_argument("--work", type=Path, default=ROOT / "build" / "packages", help="where everything lies")
    parser.add_argument("--rounds", type=int, default=3, help="test runs of each wheel, alternating")
    options = parser.parse_args()
    needs, packages = read_list()
    place = Place(options.work.resolve())
    environment(place, needs)
    broken = []
    by_name = {package.name: package for package in packages}
    for package in [by_name[name] for name in options.names] or packages:
        try:
            result = measure(place, package, options.rounds)
        except Broken as error:
            broken.append(f"{package.name}: {error}")
            print(broken[-1], flush=True)
            continue
        text = json.dumps(asdict(result), indent=1)
        (place.work / package.name / "result.json").write_text(text, encoding="utf-8")
        print("  ".join(row(result)), ratio(result.plain_seconds / result.built_seconds), flush=True)
        for line in (*result.differences, *(f"warning: {each}" for each in result.warnings)):
            print("   ", line, flush=True)
    results = [found for package in packages if (found := kept(place, package)) is not None]
    PAGE.write_text(page(results), encoding="utf-8")
    return 1 if broken or any(result.differences for result in results) else 0


if __name__ == "__main__":
    sys.exit(main())
