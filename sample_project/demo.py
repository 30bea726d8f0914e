"""``make demo``: the whole path on the sample project, from plain source to a compared wheel.

Run it with the interpreter of an environment that has setuptools-polyopt and its test extra; it needs no network.  It works on a copy in
``build/demo`` and leaves the checkout alone:

1. profile the project's tests with ``polyopt-profile run -- -m pytest``;
2. build the wheel with pip, and a plain one of the same source;
3. install both side by side, run the project's tests on both;
4. compare results bit for bit, time both, print a table;
5. run one region on a local Ray cluster of two nodes, if Ray is there;
6. say where the report lies.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
import textwrap
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks import loading  # noqa: E402
from benchmarks.cases import CASES, PACKAGE_MODULES, Case  # noqa: E402
from benchmarks.equality import difference  # noqa: E402
from benchmarks.loading import Modules, Pair  # noqa: E402
from benchmarks.table import ratio, seconds, table  # noqa: E402
from benchmarks.timing import alternate  # noqa: E402

CHECK_SIZE = 40
LONG_CALL = 0.5  # seconds
TRACED = re.compile(r"polyopt: [\w.]+:\w+: (?P<ran>.*?), [\d.]+ us(?:, [\d.]+ us of it in the kernel)?(?: \(.*\))?")


@contextmanager
def step(title: str) -> Iterator[None]:
    """Print what is done and how long it took."""
    print(f"{title} ...", end=" ", flush=True)
    start = time.perf_counter()
    yield
    print(f"{time.perf_counter() - start:.1f} s", flush=True)


def prepare(work: Path) -> Pair:
    """Steps 1 to 3; returns where the two copies are installed."""
    project = loading.copy_project(ROOT / "sample_project", work / "sample_project")
    with step("polyopt-profile run -- -m pytest"):
        loading.profile(project, ["-m", "pytest", "-q"])
    with step("pip wheel (optimised and plain), pip install --target"):
        pair = loading.build_pair(project, work)
    for name, target in (("plain", pair.plain), ("built", pair.built)):
        with step(f"the sample's tests on the {name} wheel"):
            loading.run_python(
                ["-m", "pytest", "-q", "-p", "no:cacheprovider", "-o", f"pythonpath={target}"], cwd=project
            )
    return pair


def compared(each: Case, plain: Modules, built: Modules, size: int) -> tuple[str | None, float]:
    """The first difference between the copies, in results or arguments, and the seconds of the plain call."""
    left, right = each.preparer(plain, size)(), each.preparer(built, size)()
    start = time.perf_counter()
    expected = each.function(plain)(*left)
    taken = time.perf_counter() - start
    result = each.function(built)(*right)
    return difference(expected, result) or difference(left, right, "arguments"), taken


def measured(each: Case, plain: Modules, built: Modules, first: float) -> tuple[float, float]:
    """Seconds per call of the plain and the built copy at the table's size.

    A plain call that takes long is not repeated: ``first``, the seconds of the one that was compared, will do.
    """
    subjects = {"plain": each.subject(plain, each.size), "built": each.subject(built, each.size)}
    if first > LONG_CALL:
        return first, alternate({"built": subjects["built"]}, rounds=5, sample_seconds=0.05)["built"].median
    times = alternate(subjects, rounds=9, sample_seconds=0.02)
    return times["plain"].median, times["built"].median


def variants(pair: Pair) -> dict[str, str]:
    """Which variant each case ran, as the wheel itself says it under POLYOPT_TRACE.

    The calls happen in a process of their own, which writes a marker line before each.
    """
    command: list[str | Path] = [Path(__file__), "--trace", pair.built]
    printed = loading.run_python(command, cwd=pair.built, env={"POLYOPT_TRACE": "1"})
    found: dict[str, list[str]] = {}
    current: list[str] = []
    for line in printed.splitlines():
        traced = TRACED.fullmatch(line)
        if line.startswith("case "):
            current = found.setdefault(line.removeprefix("case "), [])
        elif traced:
            current.append(traced["ran"])
    return {name: _summary(words) for name, words in found.items()}


def _summary(ran: Sequence[str]) -> str:
    """What the traced calls of one case ran, each thing once; how many of them ran the original statements."""
    native = [word for word in ran if not word.startswith("original")]
    refused = [word for word in ran if word.startswith("original")]
    words = ", ".join(dict.fromkeys(native or refused)) or "no region"
    whole = f"{words}; {len(refused)} of {len(ran)} calls original" if native and refused else words
    return textwrap.shorten(whole, 60, placeholder=" ...")


def trace_calls(target: Path) -> None:
    """The traced process: one call of each case, each announced on the stream that the trace uses."""
    modules = loading.load(target, PACKAGE_MODULES)
    for each in CASES:
        arguments = each.preparer(modules, each.size)()
        os.write(2, f"case {each.name}\n".encode())
        each.function(modules)(*arguments)


def compare(pair: Pair) -> int:
    """Step 4: prints the table and returns the number of differences."""
    plain, built = (loading.load(target, PACKAGE_MODULES) for target in (pair.plain, pair.built))
    ran = variants(pair)
    rows, wrong = [], []
    for each in CASES:
        found, _ = compared(each, plain, built, CHECK_SIZE)
        found_too, first = compared(each, plain, built, each.size)
        wrong += [f"{each.name}: {text}" for text in (found, found_too) if text is not None]
        slow, fast = measured(each, plain, built, first)
        rows.append(
            [each.name.removeprefix("radarlab."), seconds(slow), seconds(fast), ratio(slow / fast), ran[each.name]]
        )
    print("\n" + table(["function", "plain", "built", "speed-up", "variant"], rows) + "\n")
    print(
        f"{len(CASES)} functions, small and large arguments: {len(wrong)} differences in the bits of results or arguments."
    )
    for text in wrong:
        print(f"DIFFERENT {text}")
    return len(wrong)


def on_a_cluster(pair: Pair) -> None:
    """Step 5: a region on one raylet, then on two, each with one processor of this machine."""
    if find_spec("ray") is None:
        print("Ray is not installed, so no region runs on a cluster here (pip install ray).")
        return
    print("On a local Ray cluster, of one node and then of two with one processor each:")
    command: list[str | Path] = [ROOT / "benchmarks" / "ray_cluster.py", "--built", pair.built, "--brief", "--rounds", "1"]
    printed = loading.run_python(command, cwd=ROOT, env={"POLYOPT_TRACE": "1"})
    for line in printed.splitlines():
        if "one raylet" in line or ("covariance" in line and line.startswith("polyopt: ")):
            print(f"  {line}")


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "--work", type=Path, default=ROOT / "build" / "demo", help="where to build (default: build/demo)"
    )
    parser.add_argument("--trace", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.trace is not None:
        trace_calls(options.trace)
        return 0
    try:
        pair = prepare(options.work.resolve())
        wrong = compare(pair)
        on_a_cluster(pair)
        report = options.work / "report.txt"
        report.write_text(loading.run_tool("polyopt", ["explain", pair.wheel], cwd=ROOT), encoding="utf-8")
    except loading.StepFailed as problem:
        print(f"\n{problem}", file=sys.stderr)
        return 1
    print(f"The report, what was done to each loop and why not: {report}")
    print(f"The wheel: {pair.wheel}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
