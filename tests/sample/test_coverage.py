"""The programs of `make coverage` run, PolyBench's forms agree, and the rest of a run time is told from kernels and library calls."""

from __future__ import annotations

import ast
from pathlib import Path

import numpy as np
import pytest

from benchmarks import measured
from benchmarks.coverage import ENTRIES, HERE, Outcome, Program, arguments, load_file, programs, summary

SOURCE = """\
import numpy as np


def solve(a, rng):
    a = a + np.eye(2) * 9.0
    x = np.linalg.solve(a, rng.random(2))
    x.sort()
    return np.linalg.norm(x), sorted([3, 1])
"""


def called(program: Program, index: int = 0) -> object:
    module = load_file(program.module, HERE / program.folder / f"{program.module}.py")
    return getattr(module, program.entry)(**arguments(module, program, index))


def test_there_are_as_many_as_promised() -> None:
    assert len(programs(["polybench"])) == 30 * len(ENTRIES["polybench"])
    assert len(programs(["corpus"])) >= 60


@pytest.mark.parametrize("program", programs(["corpus"]), ids=lambda program: program.name)
def test_each_program_runs(program: Program) -> None:
    for index in (0, 1):
        called(program, index)


@pytest.mark.parametrize("name", sorted({program.module for program in programs(["polybench"])}))
def test_the_forms_of_a_kernel_agree(name: str) -> None:
    results = [called(Program("polybench", name, form)) for form in ENTRIES["polybench"]]
    for result in results[1:]:
        for ours, lists in zip(*(r if isinstance(r, tuple) else (r,) for r in (result, results[0])), strict=True):
            np.testing.assert_allclose(ours, lists, rtol=1e-9)


def test_library_calls_are_timed_and_reductions_are_not(tmp_path: Path) -> None:
    (tmp_path / "m.py").write_text(SOURCE)
    library = measured.with_stopwatch(load_file("m", tmp_path / "m.py"))
    assert library.lines == {6, 7}
    plain = load_file("m", tmp_path / "m.py").solve(np.ones((2, 2)), np.random.default_rng(1))
    assert library.module.solve(np.ones((2, 2)), np.random.default_rng(1)) == plain
    assert library.watch.seconds > 0
    calls = [node for node in ast.walk(ast.parse(SOURCE)) if isinstance(node, ast.Call)]
    assert sum(map(measured.may_be_library, calls)) == 3


def test_lines_of_a_rewritten_module_are_found_again() -> None:
    text = '"""Doc."""\n\n\ndef f(x):\n    y = x\n    return y\n'
    region = ["    if (_polyopt_r := _polyopt.f_0(x)) is not None:  # polyopt: 5-6", "        return _polyopt_r[0]", "    else:"]
    binding = ["from m._polyopt import bind as _polyopt_bind", "_polyopt = _polyopt_bind(__name__, globals())"]
    lines = text.splitlines()
    built = "\n".join([*lines[:1], *binding, *lines[1:4], *region, "        y = x", "        return y"])
    found = measured.original_lines(built)
    assert [found[number] for number in range(1, 12)] == [1, 0, 0, 2, 3, 4, 0, 0, 0, 5, 6]


def test_the_share_counts_kernels_and_own_library_calls_alone() -> None:
    fast = Outcome("fast", "corpus", plain=1.0, built=0.05, kernels=0.01, library=0.02)
    assert fast.share == pytest.approx(0.98)
    slow = Outcome("slow", "corpus", plain=1.0, built=0.9)
    wrong = Outcome("wrong", "corpus", "result: 1 against 2", plain=1.0, built=0.1, kernels=0.1)
    assert (slow.share, wrong.share) == (0.0, 0.0)
    assert summary("corpus", [fast, slow, wrong]).startswith("corpus: 32.7% of the run time in kernels; 1 of 3 programs at 95 %")


def test_samples_name_the_lines_of_one_file(tmp_path: Path) -> None:
    """A jump back at the end of a loop has no line of its own in CPython's tables."""
    (tmp_path / "spin.py").write_text(
        "def spin(n):\n    t = 0\n    for i in range(n):\n        if i % 2:\n            t += 1\n    return t\n"
    )
    module = load_file("spin", tmp_path / "spin.py")
    with measured.sampled(str(module.__file__)) as samples:
        while sum(samples[line] for line in (3, 4, 5)) < 20:
            module.spin(100_000)
    assert set(samples) <= {0, *range(1, 7)}
