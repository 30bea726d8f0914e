"""Values of earlier iterations in registers: the same bits in the interpreter and in C, and only where that is certain."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import pytest
from codegen_harness import Library, same
from kernel_builders import argument, at, kernel, loop, op, plus, put

from setuptools_polyopt.codegen.interleave import interleave
from setuptools_polyopt.codegen.rotate import rotate
from setuptools_polyopt.ir.expressions import Compare, Select
from setuptools_polyopt.ir.interpreter import run
from setuptools_polyopt.ir.kernel import Kernel
from setuptools_polyopt.ir.statements import If, Stmt
from setuptools_polyopt.ir.verifier import verify

ARRAYS = (argument("A", "n", "m"), argument("x", "n"), argument("y", "m"))
LEFT = at("A", "i", plus("j", -1))


def nest(name: str, *body: Stmt, kind: str = "serial", guards: str = "A-x A-y x-y") -> Kernel:
    inner = loop("j", 2, "m", *body)
    return kernel(name, "n m", [*ARRAYS], (loop("i", 1, "n", inner, kind=kind),), guards)  # type: ignore[arg-type]


def kernels() -> dict[str, Kernel]:
    recurrence = put(at("A", "i", "j"), op("sub", at("A", "i", "j"), op("mul", LEFT, at("y", "j"))))
    two_back = put(at("A", "i", "j"), op("sub", op("mul", at("y", "j"), LEFT), at("A", "i", plus("j", -2))))
    above = put(at("A", plus("i", -1), "j"), op("add", at("A", plus("i", -1), plus("j", -1)), LEFT))
    seen = put(at("y", "j"), op("mul", LEFT, LEFT))
    return {
        "recurrence": nest("recurrence", recurrence),
        "rows": interleave(nest("rows", recurrence, kind="parallel")),
        "two_back": nest("two_back", two_back),
        "two_rows": nest("two_rows", above, recurrence),
        "read_before": nest("read_before", seen, recurrence),
    }


@functools.cache
def library() -> Library:
    """All of them, compiled as they are printed."""
    return Library(list(kernels().values()))


@pytest.mark.parametrize("name", sorted(kernels()))
@pytest.mark.parametrize("sizes", [(2, 1), (9, 2), (17, 3), (5, 8)])
def test_same_bits(name: str, sizes: tuple[int, int]) -> None:
    before = kernels()[name]
    after = rotate(before)
    assert after != before
    verify(after, scheduled=True)
    n, m = sizes
    rng = np.random.default_rng(n)
    data: dict[str, Any] = {"A": rng.normal(size=(n, m)), "x": rng.normal(size=n), "y": rng.normal(size=m)}
    memories = [{key: value.copy() for key, value in data.items()} for _ in range(3)]
    run(before, memories[0], {"n": n, "m": m}, seed=1)
    run(after, memories[1], {"n": n, "m": m}, seed=1)
    library().call(before.name, memories[2], {"n": n, "m": m})
    for key in data:
        assert same(memories[0][key], memories[1][key])
        assert same(memories[0][key], memories[2][key])


STEP = put(at("A", "i", "j"), op("add", at("A", "i", "j"), LEFT))


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(nest("k", If(Compare("gt", at("y", "j"), at("y", 0)), (STEP,))), id="not stored each time"),
        pytest.param(nest("k", STEP, put(at("y", "j"), LEFT)), id="read after the next store"),
        pytest.param(nest("k", STEP, put(at("A", "i", plus("j", -2)), at("y", "j"))), id="another store along the loop"),
        pytest.param(nest("k", STEP, put(at("A", 3, "j"), at("y", "j"))), id="another row, perhaps the same"),
        pytest.param(nest("k", STEP, put(at("x", "i"), at("y", "j")), guards="A-y x-y"), id="an array that may overlap"),
        pytest.param(
            nest("k", put(at("A", "i", "j"), Select(Compare("gt", at("y", "j"), at("y", 0)), LEFT, at("y", 0), LEFT.dtype))),
            id="a read that may not happen",
        ),
        pytest.param(nest("k", put(at("A", "i", 0), LEFT)), id="the element stays"),
    ],
)
def test_left_alone(case: Kernel) -> None:
    assert rotate(case) is case
