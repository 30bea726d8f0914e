"""Run random programs plain and built, and report every difference.

`python tests/fuzz/fuzz_run.py --programs 2000 --inputs 10 --seed 0` (make fuzz). Programs are numbered by their seed, so a difference can
be run again alone: `--seed 1234 --programs 1 --show`. Many programs go into one module, so one compiler run serves them all.
"""

from __future__ import annotations

import argparse
import itertools
import os
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from types import ModuleType, SimpleNamespace
from typing import Any

TESTS = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(folder) for folder in (TESTS, TESTS.parent, TESTS.parent / "profiler", TESTS / "gpu")]

import standin
from built import Built, build, profile_of
from fuzz_features import features
from fuzz_inputs import inputs
from fuzz_lists import any_program, list_program
from fuzz_oracle import MODES, difference, observe
from fuzz_programs import Program
from ray_standin import StandIn

from setuptools_polyopt.config import Settings
from setuptools_polyopt.diagnostics import DEFECT, TOO_DEEP

HEADER = "import math\nimport numpy as np\nfrom numpy.typing import NDArray\n\n\n"
SECONDS = 5.0
"""The longest time to wait for an original."""
LEVELS = ("x86-64-v2", "x86-64-v3", "x86-64-v4")


@dataclass(frozen=True)
class Difference:
    """A program and an input for which plain and built differ; call -1: the build itself went wrong."""

    seed: int
    call: int
    mode: str
    source: str
    text: str


@dataclass
class Tally:
    """What a run covered: programs, those with a region, calls, calls of originals
    that took too long, how each call of a region ended, and what was in the regions."""

    programs: int = 0
    optimised: int = 0
    calls: int = 0
    long: int = 0
    refusals: Counter[str] = field(default_factory=Counter)
    there: Counter[str] = field(default_factory=Counter)
    reached: Counter[str] = field(default_factory=Counter)


def build_programs(
    made: Sequence[Program], folder: Path, package: str, levels: Sequence[str] = (), settings: Settings | None = None
) -> Built:
    """One module with all programs, profiled on a plain input of each kind, unless they are annotated."""
    text = HEADER + "\n\n".join(item.source for item in made)
    calls = {item.qualified: profiled(item) for item in made if not item.annotated}
    return build(folder, package, text, profile_of(text, f"{package}.mod", calls), settings, levels)


def profiled(item: Program) -> list[list[Any]]:
    """The arguments that the profile is taken from; an object for `self`."""
    found = [inputs(Random(item.source), item, plain=True, other=other) for other in ((False, True) if item.twice else (False,))]
    return [[SimpleNamespace(**attributes), *arrays] for arrays, attributes in map(item.split, found)] if item.owner else found


def callable_of(module: ModuleType, item: Program) -> Callable[..., object]:
    """The program as a function of its arrays, scalars, `n` and `m`."""
    if not item.owner:
        function: Callable[..., object] = getattr(module, item.name)
        return function

    def method(*arguments: Any) -> object:
        owner = getattr(module, item.owner)()
        values, attributes = item.split(arguments)
        vars(owner).update(attributes)
        return getattr(owner, item.name)(*values)

    return method


class TooLong(BaseException):
    """The original has run for too long to wait for it."""


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Ends what runs inside with TooLong, where there are such signals."""

    def ring(*_: object) -> None:
        raise TooLong

    if not hasattr(signal, "setitimer"):
        yield
        return
    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def compare(item: Program, seed: int, built: Built, count: int, tally: Tally) -> Iterator[Difference]:
    """Call both forms on `count` inputs; the first two are plain ones under the usual filters, the third is a big one."""
    regions = [r for m in built.compiled.report.modules for r in m.regions if r.function == item.qualified]
    states = [getattr(built.built._polyopt, region.name).__self__ for region in regions] if regions else []
    for call in range(count):
        random = Random(f"{seed}-{call}-mode")
        mode = "usual" if call < 3 or random.random() < 0.6 else random.choice(list(MODES))
        plain_arguments, built_arguments = (inputs(Random(f"{seed}-{call}"), item, call < 2, call == 2) for _ in range(2))
        try:
            with within(SECONDS):
                expected = observe(callable_of(built.plain, item), plain_arguments, mode)
        except TooLong:  # an integer that doubles its digits at every step, most likely
            tally.long += 1
            return
        actual = observe(callable_of(built.built, item), built_arguments, mode)
        tally.calls += 1
        for text in standin.WRONG:
            yield Difference(seed, call, mode, item.source, text)
        standin.WRONG.clear()
        for state in states:
            tally.refusals[state.refusal or "ran"] += 1
        found = difference(expected, actual)
        if found is not None:
            yield Difference(seed, call, mode, item.source, found)


def note(item: Program, built: Built, tally: Tally) -> None:
    """Count the program, and what it has inside and outside of regions."""
    regions = [r for m in built.compiled.report.modules for r in m.regions if r.function == item.qualified]
    tally.programs += 1
    tally.optimised += bool(regions)
    first = _first_line(built, item)
    spans = [tuple(int(part) - first + 1 for part in (region.lines.split("-") * 2)[:2]) for region in regions]
    dtypes = {f"dtype {array.dtype}" for array in item.arrays}
    inside = {name for span in spans for name in features(item.source, span[0], span[1])}
    tally.there.update(features(item.source, 1, item.source.count("\n")) | dtypes)
    tally.reached.update(inside | (dtypes if regions else set()))


def _first_line(built: Built, item: Program) -> int:
    rows = Path(str(built.plain.__file__)).read_text().splitlines()
    return rows.index(item.source.splitlines()[0]) + 1


def run_seeds(
    seeds: Sequence[int],
    count: int,
    folder: Path,
    package: str,
    tally: Tally,
    levels: Sequence[str] = (),
    settings: Settings | None = None,
    make: Callable[[Random, str], Program] = any_program,
) -> list[Difference]:
    """All differences of one batch of programs; where the build fails, each program is tried alone."""
    made = [make(Random(seed), f"f{seed}") for seed in seeds]
    try:
        built = build_programs(made, folder, package, levels, settings)
    except Exception:  # noqa: BLE001 -- a build that fails is a find
        if len(made) == 1:
            return [Difference(seeds[0], -1, "", made[0].source, traceback.format_exc())]
        alone = (run_seeds([seed], count, folder, f"{package}_{seed}", tally, levels, settings, make) for seed in seeds)
        return [difference for found in alone for difference in found]
    found = []
    for seed, item in zip(seeds, made, strict=True):
        note(item, built, tally)
        first = _first_line(built, item)
        last = first + item.source.count("\n")
        found += [
            Difference(seed, -1, "", item.source, diagnostic.developer)
            for diagnostic in built.compiled.diagnostics
            if diagnostic.kind in (DEFECT, TOO_DEEP) and first <= diagnostic.span.line < last
        ]
        found += compare(item, seed, built, count, tally)
    return found


MEMORY = 6 * 2**30
"""Bytes that a process may take: a list of 2**40 numbers is a MemoryError in both forms then, and not the end of the machine."""


def limit_memory() -> None:
    """On systems that know such limits."""
    with suppress(ImportError):
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))


def main() -> int:
    """Command line; exit status 1 when a difference was found."""
    limit_memory()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--programs", type=int, default=2000)
    parser.add_argument("--inputs", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--batch", type=int, default=40)
    parser.add_argument("--levels", nargs="+", default=LEVELS, help="instruction-set levels, taken in turn by the batches")
    parser.add_argument("--cluster", type=int, default=0, help="send all runs to a stand-in of a Ray cluster of so many processors")
    parser.add_argument("--gpu", action="store_true", help="run all regions that can on a stand-in of a GPU, or those of a cluster")
    parser.add_argument("--lists", action="store_true", help="programs on lists only")
    parser.add_argument("--show", action="store_true", help="print each program and what became of it")
    options = parser.parse_args()
    tally, found, start = Tally(), 0, time.monotonic()
    make = list_program if options.lists else any_program
    levels = itertools.cycle(options.levels)
    ray = StandIn(options.cluster, gpus=2 * options.gpu)
    settings = Settings(targets=("cpu", *["ray"] * bool(options.cluster), *["gpu"] * options.gpu))
    if options.cluster:
        os.environ["POLYOPT_RAY"] = "auto"
        sys.modules["ray"] = ray  # type: ignore[assignment]
    if options.gpu:
        os.environ["POLYOPT_DEVICE"] = "gpu"
        sys.modules["cupy"] = standin.module()
    sys.unraisablehook = lambda what: standin.WRONG.append("".join(traceback.format_exception(what.exc_value)))
    for first in range(options.seed, options.seed + options.programs, options.batch):
        seeds = range(first, min(first + options.batch, options.seed + options.programs))
        with tempfile.TemporaryDirectory() as folder:
            if options.show:
                print("\n".join(make(Random(seed), f"f{seed}").source for seed in seeds))
            for item in run_seeds(seeds, options.inputs, Path(folder), f"fuzz{first}", tally, (next(levels),), settings, make):
                found += 1
                print(f"--- seed {item.seed}, call {item.call} ({item.mode})\n{item.source}{item.text[-1500:]}\n", flush=True)
        ray.objects.clear()
        print(f"{tally.programs} programs, {tally.optimised} with a region, {tally.calls} calls, {found} differences, "
              f"{time.monotonic() - start:.0f} s", flush=True)  # fmt: skip
    if options.cluster:
        print(f"{ray.tasks} tasks, {ray.on_gpus} of them on a GPU")
    if options.gpu:
        print(f"{standin.COUNTS['launches']} launches of GPU kernels")
    for reason, times in tally.refusals.most_common(25):
        print(f"{times:8} {reason}")
    print("\n".join(f"{tally.reached[name]:6} of {times:6} optimised: {name}" for name, times in tally.there.most_common()))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
