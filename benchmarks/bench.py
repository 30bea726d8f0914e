"""``make bench``: what the optimised sample project gains, as ratios and costs per call.

Builds the sample project's modules and lets them take turns with the plain ones in one process:

1. explicit-loop kernels at sizes where plain Python takes a second or more;
2. NumPy expressions at sizes from 1 to 4000 a side;
3. a guarded call with two arrays, and what a guard that fails adds;
4. "never slower": every function at small sizes, medians within half a microsecond or 3 %;
5. the same for everyday NumPy expressions that have nothing to do with the sample, at sides from 1 to 2000.

``--check`` ends with status 1 where a figure misses its target.  ``--peers`` adds numba and pythran columns where they are installed.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import numpy as np  # noqa: E402

from benchmarks import loading, peers  # noqa: E402
from benchmarks.building import build_copy  # noqa: E402
from benchmarks.cases import CASES, PACKAGE_MODULES, Case, case  # noqa: E402
from benchmarks.generic.arguments import arguments, functions  # noqa: E402
from benchmarks.loading import Modules  # noqa: E402
from benchmarks.table import ratio, seconds, table  # noqa: E402
from benchmarks.timing import Subject, Timing, allowed_seconds, alternate, repeatedly  # noqa: E402
from setuptools_polyopt.config import Settings, read_settings  # noqa: E402

SIDES = (1, 2, 3, 4, 8, 16, 32, 64, 100, 128, 250, 500, 1000, 2000, 4000)
SMALL_SIZES = (1, 2, 4, 8, 16, 32)
GENERIC_SIDES = (1, 3, 10, 30, 100, 300, 1000, 2000)
PACKAGE = "radarlab"
LOOP_TARGET = 500.0
GENERIC_CALLS = """\
import sys

sys.path.insert(0, "src")
from generic import arguments, expressions

for function in arguments.functions(expressions).values():
    for side in (5, 7):
        function(*arguments.arguments(function, side))
"""
EXPRESSION_TARGETS = {"radarlab.fields:horizontal_diffusion": 3.0, "radarlab.fields:softmax": 1.8}
CALL_TARGET = 0.5e-6


@dataclass(frozen=True)
class Result:
    """One measured figure; ``value`` is a ratio or seconds, ``met`` tells whether it reaches ``target`` (None: no target)."""

    section: str
    name: str
    size: int
    plain: float
    built: float
    value: float
    target: str
    met: bool | None


@dataclass(frozen=True)
class Copies:
    """The two copies of the sample's modules."""

    plain: Modules
    built: Modules

    def subjects(self, each: Case, size: int) -> dict[str, Subject]:
        return {"plain": each.subject(self.plain, size), "built": each.subject(self.built, size)}


def loop_kernels(copies: Copies, with_peers: bool) -> Iterator[Result]:
    """Section 1: explicit-loop kernels, one plain call is a sample."""
    for each in (c for c in CASES if c.kind in ("loops", "mixed")):
        times = alternate(copies.subjects(each, each.size), rounds=3, sample_seconds=0.05)
        gain = times["plain"].median / times["built"].median
        target = LOOP_TARGET if each.kind == "loops" else None
        yield _gain("explicit loops", each, each.size, times, gain, target)
        if with_peers:
            yield from _peer_results(each, copies, times["plain"])


def expressions(copies: Copies, with_peers: bool) -> Iterator[Result]:
    """Section 2: NumPy expressions over the sizes; at 1000 a side the target is a ratio, elsewhere "never slower"."""
    for name in EXPRESSION_TARGETS:
        each = case(name)
        for side in SIDES:
            if side == 1000:
                times = alternate(copies.subjects(each, side), rounds=11, sample_seconds=0.02)
                gain = times["plain"].median / times["built"].median
                yield _gain("NumPy expressions", each, side, times, gain, EXPRESSION_TARGETS[name])
                if with_peers:
                    yield from _peer_results(each, copies, times["plain"])
            else:
                yield _never_slower("NumPy expressions", copies, each, side)


def small_calls(copies: Copies) -> Iterator[Result]:
    """Section 4: every function with small arguments."""
    for each in (c for c in CASES if c.kind != "application" and not c.name.startswith("radarlab.stap")):
        for size in SMALL_SIZES:
            yield _never_slower("never slower", copies, each, size)


def call_costs(copies: Copies) -> Iterator[Result]:
    """Section 3: a guarded call with two arrays over an empty function, a failed guard over the plain function."""
    each = case("radarlab.kernels:integrate")
    plain, built = each.function(copies.plain), each.function(copies.built)

    def empty(total: object, echoes: object, gain: object) -> None:
        """A call that does nothing: what Python's own call costs."""

    good = (np.ones(1), np.ones((1, 1)), 0.5)
    times = _pair(empty, built, good)
    cost = times["built"].median - times["plain"].median
    yield _cost("guarded call, two arrays", times, cost)

    unseen = (np.ones(1, dtype=np.float16), np.ones((1, 1), dtype=np.float16), 0.5)
    times = _pair(plain, built, unseen)
    yield _cost("guard that fails: dtype", times, times["built"].median - times["plain"].median)

    class Tagged(np.ndarray):
        """An array type that polyopt leaves to Python."""

    tagged = (np.ones(1).view(Tagged), np.ones((1, 1)), 0.5)
    times = _pair(plain, built, tagged)
    yield _cost("guard that fails: subclass", times, times["built"].median - times["plain"].median)


def _pair(
    plain: Callable[..., object], built: Callable[..., object], arguments: tuple[object, ...]
) -> dict[str, Timing]:
    subjects = {"plain": Subject(plain, lambda: arguments), "built": Subject(built, lambda: arguments)}
    return alternate(subjects, rounds=101, sample_seconds=0.002)


def _gain(section: str, each: Case, size: int, times: dict[str, Timing], gain: float, target: float | None) -> Result:
    met = None if target is None else gain >= target
    wanted = "" if target is None else f">= {target:g} x"
    return Result(section, each.name, size, times["plain"].median, times["built"].median, gain, wanted, met)


def generic_expressions(work: Path) -> Iterator[Result]:
    """Section 5: expressions over arrays of many kinds, built from a profile of two calls each."""
    plain, built = build_generic(work)
    for name, function in functions(plain).items():
        for side in GENERIC_SIDES:
            given = arguments(function, side)
            subjects = {"plain": Subject(function, lambda a=given: a), "built": Subject(getattr(built, name), lambda a=given: a)}
            yield _compared("generic expressions", name, side, subjects, 21 if side <= 300 else 9)


def _never_slower(section: str, copies: Copies, each: Case, size: int) -> Result:
    return _compared(section, each.name, size, copies.subjects(each, size), 101 if size <= 250 else 15)


def _compared(section: str, name: str, size: int, subjects: Mapping[str, Subject], rounds: int) -> Result:
    """Many short samples in turns; a verdict of "slower" is only given on three times as many."""
    times = repeatedly(subjects, _is_not_slower, rounds=rounds, sample_seconds=0.001)
    plain, built = times["plain"].median, times["built"].median
    return Result(section, name, size, plain, built, plain / built, "never slower", _is_not_slower(times))


def _is_not_slower(times: Mapping[str, Timing]) -> bool:
    return times["built"].median <= allowed_seconds(times["plain"].median)


def _cost(name: str, times: dict[str, Timing], cost: float) -> Result:
    plain, built = times["plain"].median, times["built"].median
    return Result("call costs", name, 1, plain, built, cost, f"< {seconds(CALL_TARGET)}", cost < CALL_TARGET)


def _peer_results(each: Case, copies: Copies, plain: Timing) -> Iterator[Result]:
    """Other compilers on the same function, where they are installed and take it."""
    for peer, function in peers.compiled(each, copies.plain):
        subject = Subject(function, each.preparer(copies.plain, each.size), each.in_place)
        taken = alternate({peer: subject}, rounds=3, sample_seconds=0.05)[peer]
        gain = plain.median / taken.median
        yield Result(f"peer: {peer}", each.name, each.size, plain.median, taken.median, gain, "", None)


def _printed(results: Iterator[Result], title: str) -> list[Result]:
    """Collect a section, then print it."""
    collected = list(results)
    rows = [
        [
            r.name.removeprefix("radarlab.") + (f" ({r.section})" if r.section.startswith("peer") else ""),
            str(r.size),
            seconds(r.plain),
            seconds(r.built),
            f"{r.value * 1e9:+.0f} ns" if r.section == "call costs" else ratio(r.value),
            r.target,
            {True: "yes", False: "NO", None: ""}[r.met],
        ]
        for r in collected
    ]
    print(f"\n{title}\n")
    last = "cost" if collected and collected[0].section == "call costs" else "speed-up"
    print(table(["function", "size", "plain", "built", last, "target", "met"], rows), flush=True)
    return collected


SECTIONS = {
    "loops": "Explicit loops, plain Python against the built module",
    "expressions": "NumPy expressions, NumPy against the built module, by side length",
    "calls": "Cost of a guarded call",
    "small": "Never slower: small arguments",
    "generic": "Never slower: everyday NumPy expressions, by side length",
}


def measure(copies: Copies, sections: Sequence[str], with_peers: bool, work: Path) -> list[Result]:
    """The sections, printed as they come."""
    makers = {
        "loops": lambda: loop_kernels(copies, with_peers),
        "expressions": lambda: expressions(copies, with_peers),
        "calls": lambda: call_costs(copies),
        "small": lambda: small_calls(copies),
        "generic": lambda: generic_expressions(work),
    }
    return [result for name in sections for result in _printed(makers[name](), SECTIONS[name])]


def build(sample: Path, work: Path) -> Copies:
    """The sample as it is, and built from its own profile in this process; `make demo` does the same with pip and wheels."""
    package = loading.copy_project(sample / "src" / PACKAGE, work / "plain" / PACKAGE)
    names = [name.partition(".")[2] for name in PACKAGE_MODULES]
    settings = read_settings(sample / "pyproject.toml", os.environ) or Settings()
    build_copy(package, names, sample / "polyopt-profile.json", work / "built", settings, settings.isa)
    return Copies(loading.load(work / "plain", PACKAGE_MODULES), loading.load(work / "built", PACKAGE_MODULES))


def build_generic(work: Path) -> tuple[ModuleType, ModuleType]:
    """The module of everyday expressions as it is, and built."""
    package = loading.copy_project(ROOT / "benchmarks" / "generic", work / "generic-plain" / "generic")
    profile = loading.profile(_generic_project(work), ["calls.py"])
    build_copy(package, ["expressions"], profile, work / "generic-built", Settings())
    name = "generic.expressions"
    plain, built = (loading.load(work / folder, [name])[name] for folder in ("generic-plain", "generic-built"))
    return plain, built


def _generic_project(work: Path) -> Path:
    """A project whose program calls every expression twice, to be profiled."""
    project = loading.empty_directory(work / "generic-project")
    loading.copy_project(ROOT / "benchmarks" / "generic", project / "src" / "generic")
    (project / "pyproject.toml").write_text('[project]\nname = "generic"\nversion = "0"\n\n[tool.polyopt]\n', encoding="utf-8")
    (project / "calls.py").write_text(GENERIC_CALLS, encoding="utf-8")
    return project


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "--work", type=Path, default=ROOT / "build" / "bench", help="where to build (default: build/bench)"
    )
    parser.add_argument("--peers", action="store_true", help="numba and pythran too, where installed")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    parser.add_argument("--check", action="store_true", help="status 1 where a target is missed")
    parser.add_argument("sections", nargs="*", default=list(SECTIONS), help=f"{', '.join(SECTIONS)} (default: all)")
    options = parser.parse_args()

    copies = build(ROOT / "sample_project", options.work)
    results = measure(copies, options.sections, options.peers, options.work)
    missed = [result for result in results if result.met is False]
    print(f"\n{sum(r.met is True for r in results)} targets met, {len(missed)} missed")
    if options.json is not None:
        options.json.write_text(json.dumps([asdict(result) for result in results], indent=1) + "\n", encoding="utf-8")
    return 1 if options.check and missed else 0


if __name__ == "__main__":
    sys.exit(main())
