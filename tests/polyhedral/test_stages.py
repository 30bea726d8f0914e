"""A scheduled kernel and its stages, one after the other, leave the same bits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polyhedral_kernels import CORPUS, array, at, floats, inputs, kernel, loop, number, put, temporary
from random_loop_nests import kernels
from test_random_kernels import SMALL

from setuptools_polyopt.ir.dtypes import DType
from setuptools_polyopt.ir.expressions import Compare, Sym, integer
from setuptools_polyopt.ir.interpreter import evaluate, run
from setuptools_polyopt.ir.kernel import Kernel, Role
from setuptools_polyopt.ir.printer import print_kernel
from setuptools_polyopt.ir.statements import If
from setuptools_polyopt.ir.verifier import verify
from setuptools_polyopt.polyhedral import optimise
from setuptools_polyopt.polyhedral.stages import Repeat, Stage, Stages, Step, stages


def run_stages(kernel: Kernel, staged: Stages, arrays: dict[str, Any], params: dict[str, int]) -> None:
    """Run the stages as a target does: temporaries once, scalar results as arrays of one element."""
    boxed = {item.name for item in staged.scalars}
    for item in (*staged.temporaries, *staged.scalars, *(a for a in kernel.arrays if a.role is Role.RESULT and a.name not in boxed)):
        shape = [int(evaluate(extent, params)) for extent in item.extents]
        arrays[item.name] = np.full([max(0, extent) for extent in shape], 77, item.dtype.value)
    _steps(staged.steps, arrays, params)
    for name in boxed:
        arrays[name] = arrays[name][0]


def _steps(steps: Sequence[Step], arrays: dict[str, Any], params: dict[str, int]) -> None:
    for step in steps:
        if isinstance(step, Stage):
            verify(step.kernel, scheduled=True)
            held = tuple(replace(a, role=Role.ARGUMENT) if a.role is Role.RESULT else a for a in step.kernel.arrays)
            run(replace(step.kernel, arrays=held), arrays, params, seed=1)
        else:
            assert isinstance(step, Repeat)
            known = {**params, **{name: value for name, value in arrays.items() if np.ndim(value) == 0}}
            for value in range(*(int(evaluate(bound, known)) for bound in (step.loop.lower, step.loop.upper)), step.loop.step):
                _steps(step.steps, arrays, {**params, step.loop.var: value})


def check(before: Kernel, params: dict[str, int], repeats: bool = True) -> Stages:
    after = optimise(before).kernel
    staged = stages(after, repeats)
    whole, parts = inputs(before, params, 0), inputs(before, params, 0)
    run(after, whole, params)
    run_stages(after, staged, parts, params)
    for name, value in whole.items():
        np.testing.assert_array_equal(parts[name], value, err_msg=f"{name}\n{print_kernel(after)}")
    return staged


@pytest.mark.parametrize("name", ["jacobi2d", "floyd_warshall", "softmax", "diffusion"])
def test_corpus(name: str) -> None:
    before = CORPUS[name]()
    check(before, {param.name: 3 if param.name == "t" else 7 for param in before.params})


@settings(SMALL, max_examples=15)
@given(kernels(), st.integers(0, 4), st.integers(0, 4), st.booleans())
def test_random_kernels(before: Kernel, n: int, m: int, repeats: bool) -> None:
    check(before, {"n": n, "m": m}, repeats)


def test_one_parallel_loop_is_the_kernel_itself() -> None:
    staged = check(CORPUS["matmul"](), {"n": 3, "m": 4, "p": 5})
    (stage,) = staged.each()
    assert stage.whole
    assert stage.loop is not None


def test_a_loop_over_time_repeats_its_stages() -> None:
    staged = check(CORPUS["lu"](), {"n": 9})
    (repeat,) = staged.steps
    assert isinstance(repeat, Repeat)
    assert all(stage.loop is not None for stage in staged.each())
    (stage,) = check(CORPUS["lu"](), {"n": 9}, repeats=False).each()
    assert stage.loop is None


def test_scalars_between_stages() -> None:
    """What inputs determine is computed again; what elements determine is an array of one element, and so is a scalar result."""
    rows = [loop("i", 0, "n", put(at(name, "i"), floats("mul", at(name, "i"), floats("add", at("s"), at("h"))))) for name in ("a", "b")]
    before = kernel(
        "scalars",
        "n",
        [array("a", "n"), array("b", "n"), array("x", role=Role.INPUT), temporary("s"), temporary("h"), array("r", role=Role.RESULT)],
        put(at("s"), floats("mul", at("x"), number(2))),
        put(at("h"), at("a", 0)),
        put(at("r"), at("h")),
        *rows,
    )
    staged = check(before, {"n": 5})
    assert {item.name for item in staged.temporaries} == {"h"}
    assert [item.name for item in staged.scalars] == ["r"]


def test_a_condition_goes_around_each_stage() -> None:
    inside = [loop("i", 0, "n", put(at(name, "i"), number(value))) for name, value in (("a", 1), ("b", 2))]
    test = If(Compare("gt", Sym("n"), integer(3)), tuple(inside))
    before = kernel("condition", "n", [array("a", "n"), array("b", "n")], test)
    for n in (2, 5):
        check(before, {"n": n})


def test_results_keep_their_types() -> None:
    before = kernel("count", "n", [array("k", role=Role.RESULT, dtype=DType.INT64)], put(at("k", dtype=DType.INT64), integer(4)))
    check(before, {"n": 1})
