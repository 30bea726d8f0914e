"""How good the choice of a variant is: the sample's functions over sizes, on one thread, on all, and as the model chooses.

Each function runs in turns with its threads forced to one, forced to all, and left to the model (the constants of ``polyopt calibrate`` if
there are any, else the defaults). Printed is how much longer the model's choice takes than the better of the two; the target is at most
20 %, or a microsecond.  ``python benchmarks/choices.py`` builds the sample first.

``--ray`` adds a local Ray cluster of two raylets of one processor each, whose constants are measured first, and larger sizes; with
``POLYOPT_NUM_THREADS=1`` in the environment the process has one thread, so that the cluster can win.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks import loading  # noqa: E402
from benchmarks.bench import build  # noqa: E402
from benchmarks.cases import CASES, PACKAGE_MODULES, Case  # noqa: E402
from benchmarks.loading import Modules  # noqa: E402
from benchmarks.table import seconds, table  # noqa: E402
from benchmarks.timing import Subject, Timing, alternate  # noqa: E402
from setuptools_polyopt.runtime import machine  # noqa: E402

SHARES = (0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
"""Sizes as shares of the size at which plain Python takes a second."""
SLACK, LEAST = 1.2, 1e-6
NEVER = 1e300
NATIVE = "radarlab._polyopt._native"


@dataclass(frozen=True)
class Choice:
    """Medians in seconds of one function at one size: of each way that was forced, and of the model's choice."""

    name: str
    size: int
    forced: Mapping[str, float]
    chosen: float

    @property
    def best(self) -> float:
        return min(self.forced.values())

    @property
    def excess(self) -> float:
        """The model's choice over the best of the others."""
        return self.chosen / self.best

    @property
    def good(self) -> bool:
        return self.chosen <= max(SLACK * self.best, self.best + LEAST)


def measure(modules: Modules, tune: Callable[[float, float], None], only: str = "") -> Iterator[Choice]:
    """All cases that are not applications, at all sizes."""
    model = machine.thread_work(machine.load(os.environ) or machine.Machine())
    ways = {"one": (NEVER, NEVER), "all": (1.0, 1.0), "chosen": model}
    for each in CASES:
        if each.kind == "application" or only not in each.name:
            continue
        for size in sorted({max(2, round(share * each.size)) for share in SHARES}):
            subjects = {way: _tuned(each, modules, size, tune, values) for way, values in ways.items()}
            yield chosen(each.name, size, alternate(subjects, rounds=9, sample_seconds=0.004))


def chosen(name: str, size: int, times: Mapping[str, Timing]) -> Choice:
    """What the timings of ways say, of which one is called `chosen`."""
    medians = {way: timing.median for way, timing in times.items()}
    return Choice(name, size, {way: median for way, median in medians.items() if way != "chosen"}, medians["chosen"])


def _tuned(
    each: Case, modules: Modules, size: int, tune: Callable[[float, float], None], values: tuple[float, float]
) -> Subject:
    """The case under its own thresholds, set before each sample's arguments are made."""
    subject = each.subject(modules, size)

    def prepare() -> tuple[object, ...]:
        tune(*values)
        return subject.prepare()

    return Subject(subject.call, prepare, subject.fresh)


def printed(choices: Iterable[Choice]) -> int:
    """Prints the choices, row by row; how many are not good."""
    found = list(choices)
    ways = list(found[0].forced)
    rows = [
        [
            each.name.removeprefix("radarlab."),
            str(each.size),
            *(seconds(each.forced[way]) if way in each.forced else "" for way in ways),
            seconds(each.chosen),
            f"{each.excess:.2f}",
            "" if each.good else "NO",
        ]
        for each in found
    ]
    print(table(["function", "size", *ways, "chosen", "over the best", "good"], rows))
    print(f"\n{sum(each.good for each in found)} of {len(found)} choices within 20 % (or a microsecond) of the best")
    return sum(not each.good for each in found)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "--work", type=Path, default=ROOT / "build" / "choices", help="where to build (default: build/choices)"
    )
    parser.add_argument("--ray", action="store_true", help="with a Ray cluster of two raylets")
    parser.add_argument("--only", default="", help="only functions whose names contain this")
    options = parser.parse_args()
    if options.ray:
        from benchmarks import cluster_choices

        printed(cluster_choices.measure(options.work, options.only))
        return 0
    build(ROOT / "sample_project", options.work)
    modules = loading.load(options.work / "built", (*PACKAGE_MODULES, NATIVE))
    printed(measure(modules, modules[NATIVE].tune, options.only))
    return 0


if __name__ == "__main__":
    sys.exit(main())
