"""Schedules for a GPU: as many parallel loops as there are, the contiguous one last, and the meaning kept."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from polyhedral_kernels import CORPUS, assert_same
from random_loop_nests import kernels
from test_random_kernels import SMALL, check

from setuptools_polyopt.ir.kernel import Kernel
from setuptools_polyopt.ir.printer import print_block
from setuptools_polyopt.polyhedral import Options, optimise

GPU = Options(gpu=True)


@pytest.mark.parametrize("name", CORPUS)
def test_corpus_keeps_its_meaning(name: str) -> None:
    before = CORPUS[name]()
    params = {param.name: 3 if param.name == "t" else 5 + position for position, param in enumerate(before.params)}
    assert_same(before, optimise(before, GPU).kernel, params)


@pytest.mark.slow
@SMALL
@given(kernels(), st.integers(0, 4), st.integers(0, 4))
def test_random_kernels_keep_their_meaning(before: Kernel, n: int, m: int) -> None:
    check(before, GPU, n, m)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        # what carries nothing is outside, what carries something runs inside a thread
        ("matmul", "for i in 0..n parallel:\n  for j in 0..m parallel:\n    for k in 0..p:\n"),
        # statements that only depend on each other are taken apart
        ("lu", "for k in 0..n - 1:\n  for i in k + 1..n parallel:\n    S0: "),
        # a time loop stays around, so that what is inside it is parallel
        ("jacobi2d", "for s in 0..t:\n  for i in 1..n - 1 parallel:\n    for j in 1..n - 1 parallel:\n"),
    ],
)
def test_what_is_parallel(name: str, expected: str) -> None:
    assert print_block(optimise(CORPUS[name](), GPU).kernel.body).startswith(expected)


def test_rows_that_hold_several_nests_are_distributed() -> None:
    text = print_block(optimise(CORPUS["softmax"](), GPU).kernel.body)
    assert text.count("for j in 0..m parallel") == 2


def test_statements_are_taken_apart_only_for_more_parallel_loops() -> None:
    assert print_block(optimise(CORPUS["matmul_with_accumulator"](), GPU).kernel.body).count(" parallel:") == 2
    assert "for j in k + 1..i parallel" in print_block(optimise(CORPUS["cholesky"](), GPU).kernel.body)
