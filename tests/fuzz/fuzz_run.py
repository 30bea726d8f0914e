"""Run random programs plain and built, and report every difference.

`python tests/fuzz/fuzz_run.py --programs 2000 --inputs 10 --seed 0` (make fuzz). Programs are numbered by their seed, so a difference can
be run again alone: `--seed 1234 --programs 1 --show`. Many programs go into one module, so one compiler run serves them all.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

sys.path[:0] = [str(Path(__file__).resolve().parents[k]) for k in (1, 2)] + [str(Path(__file__).resolve().parents[2] / "profiler")]

from built import Built, build, profile_of
from fuzz_oracle import difference, observe
from fuzz_programs import Program, inputs, program

from setuptools_polyopt.pipeline import DEFECT

HEADER = "import math\nimport numpy as np\n\n\n"


@dataclass(frozen=True)
class Difference:
    """A program and an input for which plain and built differ."""

    seed: int
    call: int
    source: str
    text: str


@dataclass
class Tally:
    """What a run covered: programs, those with a region, calls, and how each call of a region ended."""

    programs: int = 0
    optimised: int = 0
    calls: int = 0
    ran: int = 0
    refusals: Counter[str] = None  # type: ignore[assignment]

    def __post_init__(self) -> None:
        self.refusals = self.refusals or Counter()


def text_of(made: Sequence[Program]) -> str:
    """The module that holds the programs."""
    return HEADER + "\n\n".join(item.source for item in made)


def build_programs(made: Sequence[Program], folder: Path, package: str) -> Built:
    """One module with all programs, profiled on one plain input each."""
    text = text_of(made)
    calls = {item.name: [inputs(Random(item.source), item, plain=True)] for item in made}
    return build(folder, package, text, profile_of(text, f"{package}.mod", calls))


def compare(item: Program, seed: int, built: Built, count: int, tally: Tally) -> Iterator[Difference]:
    """Call both forms on `count` inputs; the first two are plain ones."""
    tally.programs += 1
    regions = [r for m in built.compiled.report.modules for r in m.regions if r.function == item.name]
    tally.optimised += bool(regions)
    states = [getattr(built.built._polyopt, region.name).__self__ for region in regions] if regions else []
    for call in range(count):
        plain_arguments, built_arguments = (inputs(Random(f"{seed}-{call}"), item, plain=call < 2) for _ in range(2))
        expected = observe(getattr(built.plain, item.name), plain_arguments)
        actual = observe(getattr(built.built, item.name), built_arguments)
        tally.calls += 1
        for state in states:
            tally.refusals[state.refusal or "ran"] += 1
        found = difference(expected, actual)
        if found is not None:
            yield Difference(seed, call, item.source, found)


def run_seeds(seeds: Sequence[int], count: int, folder: Path, package: str, tally: Tally) -> list[Difference]:
    """All differences of one batch of programs."""
    made = [program(Random(seed), f"f{seed}") for seed in seeds]
    built = build_programs(made, folder, package)
    defects = [
        Difference(int(name[1:]), -1, next(item.source for item in made if item.name == name), diagnostic.developer)
        for diagnostic in built.compiled.diagnostics
        if diagnostic.kind == DEFECT
        for name in [function_at(text_of(made), diagnostic.span.line)]
    ]
    return defects + [found for item, seed in zip(made, seeds, strict=True) for found in compare(item, seed, built, count, tally)]


def function_at(text: str, line: int) -> str:
    """The name of the function that holds a line of a module of top-level functions."""
    rows = [row for row in text.splitlines()[:line] if row.startswith("def ")]
    return rows[-1][4:].split("(")[0]


def main() -> int:
    """Command line; exit status 1 when a difference was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--programs", type=int, default=2000)
    parser.add_argument("--inputs", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--batch", type=int, default=50)
    parser.add_argument("--show", action="store_true", help="print each program and what became of it")
    options = parser.parse_args()
    tally, found, start = Tally(), 0, time.monotonic()
    for first in range(options.seed, options.seed + options.programs, options.batch):
        seeds = range(first, min(first + options.batch, options.seed + options.programs))
        with tempfile.TemporaryDirectory() as folder:
            if options.show:
                print("\n".join(program(Random(seed), f"f{seed}").source for seed in seeds))
            for item in run_seeds(seeds, options.inputs, Path(folder), f"fuzz{first}", tally):
                found += 1
                print(f"--- seed {item.seed}, call {item.call}\n{item.source}{item.text[:2000]}\n", flush=True)
        print(f"{tally.programs} programs, {tally.optimised} with a region, {tally.calls} calls, {found} differences, "
              f"{time.monotonic() - start:.0f} s", flush=True)  # fmt: skip
    for reason, times in tally.refusals.most_common(25):
        print(f"{times:8} {reason}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
