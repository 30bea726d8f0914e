"""How good the choice of a variant is: the sample's functions over sizes, on one thread, on all, and as the model chooses.

Each function runs in turns with its threads forced to one, forced to all, and left to the model (the constants of ``polyopt calibrate`` if
there are any, else the defaults). Printed is how much longer the model's choice takes than the better of the two; the target is at most
20 %, or a microsecond.  ``python benchmarks/choices.py`` builds the sample first.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks import loading  # noqa: E402
from benchmarks.bench import build  # noqa: E402
from benchmarks.cases import CASES, PACKAGE_MODULES, Case  # noqa: E402
from benchmarks.loading import Modules  # noqa: E402
from benchmarks.table import seconds, table  # noqa: E402
from benchmarks.timing import Subject, alternate  # noqa: E402
from setuptools_polyopt.runtime import machine  # noqa: E402

SHARES = (0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
"""Sizes as shares of the size at which plain Python takes a second."""
SLACK, LEAST = 1.2, 1e-6
NEVER = 1e300
NATIVE = "radarlab._polyopt._native"


@dataclass(frozen=True)
class Choice:
    """Medians in seconds of one function at one size."""

    name: str
    size: int
    one: float
    all: float
    chosen: float

    @property
    def excess(self) -> float:
        """The model's choice over the better of the others."""
        return self.chosen / min(self.one, self.all)

    @property
    def good(self) -> bool:
        return self.chosen <= max(SLACK * min(self.one, self.all), min(self.one, self.all) + LEAST)


def measure(modules: Modules, tune: Callable[[float, float], None]) -> Iterator[Choice]:
    """All cases that are not applications, at all sizes."""
    model = machine.thread_work(machine.load(os.environ) or machine.Machine())
    ways = {"one": (NEVER, NEVER), "all": (1.0, 1.0), "chosen": model}
    for each in CASES:
        if each.kind == "application":
            continue
        for size in sorted({max(2, round(share * each.size)) for share in SHARES}):
            subjects = {way: _tuned(each, modules, size, tune, values) for way, values in ways.items()}
            times = alternate(subjects, rounds=9, sample_seconds=0.004)
            yield Choice(each.name, size, *(times[way].median for way in ways))


def _tuned(
    each: Case, modules: Modules, size: int, tune: Callable[[float, float], None], values: tuple[float, float]
) -> Subject:
    """The case under its own thresholds, set before each sample's arguments are made."""
    subject = each.subject(modules, size)

    def prepare() -> tuple[object, ...]:
        tune(*values)
        return subject.prepare()

    return Subject(subject.call, prepare, subject.fresh)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "--work", type=Path, default=ROOT / "build" / "choices", help="where to build (default: build/choices)"
    )
    options = parser.parse_args()
    build(ROOT / "sample_project", options.work)
    modules = loading.load(options.work / "built", (*PACKAGE_MODULES, NATIVE))
    choices = list(measure(modules, modules[NATIVE].tune))
    rows = [
        [c.name.removeprefix("radarlab."), str(c.size), *map(seconds, (c.one, c.all, c.chosen)), f"{c.excess:.2f}", "" if c.good else "NO"]
        for c in choices
    ]
    print(table(["function", "size", "one thread", "all", "chosen", "over the best", "good"], rows))
    print(f"\n{sum(c.good for c in choices)} of {len(choices)} choices within 20 % (or a microsecond) of the best")
    return 0


if __name__ == "__main__":
    sys.exit(main())
