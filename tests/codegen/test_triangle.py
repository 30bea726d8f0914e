"""Rows of substitutions side by side: the bits of row by row, in the interpreter and in C, and only where each row has its own element."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import pytest
from codegen_harness import Library, same
from kernel_builders import argument, array, at, kernel, loop, op, plus, put

from setuptools_polyopt.codegen.triangle import substitutions
from setuptools_polyopt.ir.expressions import Compare, Expr, Sym
from setuptools_polyopt.ir.interpreter import run
from setuptools_polyopt.ir.kernel import Kernel, Role
from setuptools_polyopt.ir.statements import Alloc, If, Stmt
from setuptools_polyopt.ir.verifier import verify

ARRAYS = (argument("A", "n", "n"), argument("x", "n"), argument("y", "n"))


def nest(body: Stmt, name: str, *temporaries: str) -> Kernel:
    arrays = [*ARRAYS, *(array(item, Role.TEMPORARY) for item in temporaries)]
    return kernel(name, "n", arrays, (body,), "A-x A-y x-y")


def less(into: Expr, read: Expr) -> Expr:
    return op("sub", into, op("mul", at("A", "i", "k"), read))


def kernels() -> dict[str, Kernel]:
    own = loop("k", 0, "i", put(at("x", "i"), less(at("x", "i"), at("x", "k"))))
    scaled = put(at("x", "i"), op("mul", at("x", "i"), at("A", "i", "i")))
    first = put(at("x", "i"), at("y", "i"))
    scalar = loop("k", 0, "i", put(at("w"), less(at("w"), at("x", "k"))))
    later = loop("k", 2, "i", put(at("y", "i"), less(at("y", "i"), at("x", "k"))))
    return {
        "in_place": nest(loop("i", 0, "n", own), "in_place"),
        "whole_rows": nest(loop("i", 1, "n", first, own, scaled), "whole_rows"),
        "scalar": nest(loop("i", 0, "n", Alloc("w"), put(at("w"), at("y", "i")), scalar, put(at("x", "i"), at("w"))), "scalar", "w"),
        "two_arrays": nest(loop("i", 0, "n", later, put(at("x", "i"), at("y", "i"))), "two_arrays"),
        "inside": nest(loop("t", 0, 3, loop("i", 0, "n", own)), "inside"),
    }


@functools.cache
def library() -> Library:
    """All of them, compiled as they are printed."""
    return Library(list(kernels().values()))


@pytest.mark.parametrize("name", kernels())
@pytest.mark.parametrize("size", [0, 1, 2, 7, 8, 9, 10, 16, 17, 33])
def test_same_bits(name: str, size: int) -> None:
    before = kernels()[name]
    after = substitutions(before)
    assert after != before
    verify(after)
    rng = np.random.default_rng(size)
    data: dict[str, Any] = {"A": rng.normal(size=(size, size)), "x": rng.normal(size=size), "y": rng.normal(size=size)}
    memories = [{key: value.copy() for key, value in data.items()} for _ in range(3)]
    run(before, memories[0], {"n": size})
    run(after, memories[1], {"n": size})
    library().call(name, memories[2], {"n": size})
    for key in data:
        assert same(memories[0][key], memories[1][key])
        assert same(memories[0][key], memories[2][key])


def summed(read: Expr, upper: Expr | str = "i", target: Expr | str = "i") -> Stmt:
    return loop("k", 0, upper, put(at("x", target), less(at("x", target), read)))


@pytest.mark.parametrize(
    "body",
    [
        pytest.param((summed(at("x", plus("k", 1))),), id="reads the row itself"),
        pytest.param((summed(at("x", "k"), plus("i", -1)),), id="ends before the nearest row"),
        pytest.param((summed(at("x", "k"), "n"),), id="reads rows behind"),
        pytest.param((summed(at("x", "k"), target=0),), id="one element for all rows"),
        pytest.param((summed(at("y", "k")),), id="no row needs another"),
        pytest.param((summed(at("x", "k")), put(at("x", plus("i", -1)), at("y", "i"))), id="writes another row"),
        pytest.param((summed(at("x", "k")), put(at("y", "i"), at("x", 0))), id="reads a fixed row"),
        pytest.param((If(Compare("lt", at("y", "i"), at("y", 0)), (summed(at("x", "k")),)),), id="under a condition"),
    ],
)
def test_left_alone(body: tuple[Stmt, ...]) -> None:
    before = nest(loop("i", 1, op("sub", Sym("n"), plus(1, 0), dtype=Sym("n").dtype), *body), "left")
    assert substitutions(before) is before
