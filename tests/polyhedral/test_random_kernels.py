"""The program's own order is the oracle: a scheduled kernel leaves the same bits on random inputs."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from polyhedral_kernels import CORPUS, assert_same
from random_loop_nests import kernels

from setuptools_polyopt.ir.kernel import Kernel
from setuptools_polyopt.ir.printer import print_kernel
from setuptools_polyopt.ir.verifier import verify
from setuptools_polyopt.polyhedral import Options, optimise

SMALL = settings(
    max_examples=40, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True, phases=[Phase.explicit, Phase.generate]
)


@pytest.mark.parametrize("name", CORPUS)
@pytest.mark.parametrize("size", [2, 5, 9])
def test_corpus_keeps_its_meaning(name: str, size: int) -> None:
    before = CORPUS[name]()
    after = optimise(before).kernel
    params = {param.name: 3 if param.name == "t" else size + position for position, param in enumerate(before.params)}
    assert_same(before, after, params)


def check(before: Kernel, options: Options, n: int, m: int) -> None:
    verify(before)
    try:
        result = optimise(before, options)
    except Exception as error:
        raise AssertionError(f"{error}\n{print_kernel(before)}") from error
    try:
        assert_same(before, result.kernel, {"n": n, "m": m})
    except (AssertionError, IndexError) as error:
        raise AssertionError(f"{error}\n{print_kernel(before)}\n{result.dumps['schedule']}\n{print_kernel(result.kernel)}") from error


@SMALL
@given(kernels(), st.integers(0, 4), st.integers(0, 4))
def test_random_kernels_keep_their_meaning(before: Kernel, n: int, m: int) -> None:
    check(before, Options(), n, m)


@SMALL
@given(kernels(), st.integers(0, 4), st.integers(0, 4))
def test_program_order_with_marks_keeps_the_meaning(before: Kernel, n: int, m: int) -> None:
    check(before, Options(reorder=False), n, m)


@pytest.mark.slow
@settings(max_examples=2000, deadline=None, suppress_health_check=list(HealthCheck))
@given(kernels(), st.integers(0, 7), st.integers(0, 7))
def test_many_random_kernels(before: Kernel, n: int, m: int) -> None:
    check(before, Options(), n, m)
