"""Register tiles: the same bits as the kernel before, in the interpreter and in C, and only where that is certain."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import pytest
from codegen_harness import Library, same
from kernel_builders import argument, array, at, kernel, least, loop, op, plus, put

from setuptools_polyopt.codegen.c import kernel_source
from setuptools_polyopt.codegen.jam import jam
from setuptools_polyopt.codegen.source import Options
from setuptools_polyopt.ir.expressions import Expr
from setuptools_polyopt.ir.interpreter import run
from setuptools_polyopt.ir.kernel import Kernel, Role
from setuptools_polyopt.ir.statements import Stmt
from setuptools_polyopt.ir.verifier import verify


def product(body: Stmt, name: str = "product") -> Kernel:
    arrays = [argument("A", "n", "p"), argument("B", "p", "m"), argument("C", "n", "m")]
    return kernel(name, "n m p", arrays, (body,), "A-C B-C")


def update(value: Expr | None = None) -> Stmt:
    return put(at("C", "i", "j"), op("add", at("C", "i", "j"), value or op("mul", at("A", "i", "k"), at("B", "k", "j"))), 5)


def nests() -> dict[str, Stmt]:
    row = loop("j", 0, "m", update(), kind="vector")
    quotient = loop("j", 0, "m", update(op("div", at("B", "k", "j"), at("A", "i", "k"))), kind="vector")
    return {
        "both": loop("i", 0, "n", loop("k", 0, "p", row)),
        "tiles": loop("kk", 0, "p", loop("i", 0, "n", loop("k", "kk", least(plus("kk", 5), "p"), row)), step=5),
        "triangle": loop("i", 0, "n", loop("k", 0, least(plus("i", 1), "p"), row)),
        "inner": loop("i", 0, "n", loop("k", 0, "p", row), kind="parallel"),
        "minus": loop("i", 0, "n", loop("k", 0, "p", quotient)),
    }


@functools.cache
def library() -> Library:
    """All nests, compiled with their register tiles."""
    return Library([product(body, name) for name, body in nests().items()])


@pytest.mark.parametrize("name", sorted(nests()))
@pytest.mark.parametrize("sizes", [(1, 1, 1), (2, 3, 4), (5, 9, 13), (6, 2, 7), (3, 5, 0)])
def test_same_bits(name: str, sizes: tuple[int, int, int]) -> None:
    before = product(nests()[name], name)
    after = jam(before)
    assert after != before
    verify(after)
    n, m, p = sizes
    rng = np.random.default_rng(3)
    data: dict[str, Any] = {"A": rng.normal(size=(n, p)), "B": rng.normal(size=(p, m)), "C": rng.normal(size=(n, m))}
    params = {"n": n, "m": m, "p": p}
    results = []
    for which in (before, after):
        memory = {key: value.copy() for key, value in data.items()}
        run(which, memory, params, seed=1)
        results.append(memory["C"])
    memory = {key: value.copy() for key, value in data.items()}
    library().call(name, memory, params)
    assert same(results[0], results[1])
    assert same(results[0], memory["C"])


def refused() -> dict[str, Kernel]:
    row = loop("j", 0, "m", update(), kind="vector")
    elsewhere = put(at("C", "i", "j"), op("add", at("C", "i", "j"), at("C", "k", "j")))
    skewed = put(at("C", "i", plus("j", "k")), op("add", at("C", "i", plus("j", "k")), at("B", "k", "j")))
    fresh = put(at("C", "k", "j"), at("B", "k", "j"))
    arrays = [argument("A", "n", "p"), argument("B", "p", "m"), argument("C", "n", "m")]
    return {
        "reads another element": product(
                                         loop("i", 0, "n", loop("k", 0, "p", loop("j", 0, "m", elsewhere, kind="vector")))),
        "skewed": product(loop("i", 0, "n", loop("k", 0, "p", loop("j", 0, "m", skewed, kind="vector")))),
        "nothing is summed up": product(loop("k", 0, "p", loop("j", 0, "m", fresh, kind="vector"))),
        "bounds depend": product(loop("i", 0, "n", loop("k", 0, "p", loop("j", "k", "m", update(), kind="vector")))),
        "serial inside": product(loop("i", 0, "n", loop("k", 0, "p", loop("j", 0, "m", update())))),
        "may overlap": kernel("overlap", "n m p", arrays, (loop("i", 0, "n", loop("k", 0, "p", row)),)),
    }  # fmt: skip


@pytest.mark.parametrize("why", sorted(refused()))
def test_left_alone(why: str) -> None:
    before = refused()[why]
    assert jam(before) is before


def test_results_and_inputs_count_as_separate() -> None:
    arrays = [argument("A", "n", "p"), array("B", Role.RESULT, "n", "m"), array("c", Role.INPUT)]
    body = put(at("B", "i", "j"), op("add", at("B", "i", "j"), op("mul", at("c"), at("A", "i", "k"))))
    before = kernel("sums", "n m p", arrays, (loop("i", 0, "n", loop("k", 0, "p", loop("j", 0, "m", body, kind="vector"))),))
    assert jam(before) is not before
    assert "at once" in kernel_source(before).text
    assert "at once" not in kernel_source(before, Options(jam=False)).text
