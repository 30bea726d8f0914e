"""Rows side by side and elements in registers: the same bits as before, in the interpreter and in C, and only where that is certain."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import pytest
from codegen_harness import Library, same
from kernel_builders import argument, array, at, kernel, loop, op, plus, put

from setuptools_polyopt.codegen.interleave import interleave
from setuptools_polyopt.codegen.registers import keep_in_registers
from setuptools_polyopt.ir.expressions import Compare, Expr, Load, Sym
from setuptools_polyopt.ir.interpreter import run
from setuptools_polyopt.ir.kernel import Kernel, Role
from setuptools_polyopt.ir.statements import Alloc, Break, If, Serial, Stmt
from setuptools_polyopt.ir.verifier import verify

ARRAYS = (argument("A", "n", "m"), argument("x", "n"), argument("y", "m"))


def nest(body: Stmt, name: str, *temporaries: str) -> Kernel:
    arrays = [*ARRAYS, *(array(item, Role.TEMPORARY) for item in temporaries)]
    return kernel(name, "n m", arrays, (body,), "A-x A-y x-y")


def dot(row: str = "i") -> Stmt:
    return loop("j", 0, "m", put(at("x", row), op("add", at("x", row), op("mul", at("A", row, "j"), at("y", "j")))))


def rows() -> dict[str, Kernel]:
    recurrence = put(at("A", "i", "j"), op("sub", at("A", "i", "j"), op("mul", at("A", "i", plus("j", -1)), at("y", "j"))))
    largest = If(Compare("gt", at("A", "i", "j"), at("best")), (put(at("best"), at("A", "i", "j")),))
    peak = (Alloc("best"), put(at("best"), 0.25), loop("j", 0, "m", largest), put(at("x", "i"), at("best")))
    return {
        "dot": nest(loop("i", 0, "n", dot(), kind="parallel"), "dot"),
        "recurrence": nest(loop("i", 1, "n", loop("j", 1, "m", recurrence), kind="parallel"), "recurrence"),
        "peak": nest(loop("i", 0, "n", *peak, kind="parallel"), "peak", "best"),
        "deep": nest(loop("i", 0, "n", loop("t", 0, 3, dot()), kind="parallel"), "deep"),
        "serial": nest(loop("i", 0, "n", dot()), "serial"),
        "inside": nest(loop("t", 0, "m", loop("i", 0, "n", loop("j", 0, "t", dot().body[0]))), "inside"),  # type: ignore[union-attr]
        "serial_peak": nest(loop("i", 0, "n", *peak), "serial_peak", "best"),
    }


def chains() -> dict[str, Kernel]:
    def step(read: str) -> Stmt:
        return put(at("x", "i"), op("sub", at("x", "i"), op("mul", at("A", "i", "k"), at("x", read))))

    down = op("sub", Sym("n"), plus("i", 1), dtype=Sym("n").dtype)
    back = put(at("x", down), op("sub", at("x", down), op("mul", at("A", down, "k"), at("x", "k"))))
    row = op("sub", at("A", "k", "j"), op("mul", at("A", "k", "i"), at("A", "i", "j")))
    update = loop("j", plus("i", 1), "m", put(at("A", "k", "j"), row), kind="vector")
    through = op("add", at("A", "k", "i"), at("A", "i", "j"))
    shorter = If(Compare("lt", through, at("A", "k", "j")), (put(at("A", "k", "j"), through),))
    return {
        "elimination": nest(loop("i", 0, "m", loop("k", plus("i", 1), "n", update)), "elimination"),
        "shortest": nest(loop("i", 0, "m", loop("k", plus("i", 1), "n", loop("j", 0, "i", shorter, kind="vector"))), "shortest"),
        "forward": nest(loop("i", 0, "n", loop("k", 0, "i", step("k"))), "forward"),
        "backward": nest(loop("i", 0, "n", loop("k", plus(down, 1), "n", back)), "backward"),
    }


@functools.cache
def library() -> Library:
    """All of them, compiled as they are printed."""
    return Library([*rows().values(), *chains().values()])


def check(before: Kernel, after: Kernel, n: int, m: int) -> None:
    verify(after)
    rng = np.random.default_rng(n)
    data: dict[str, Any] = {"A": rng.normal(size=(n, m)), "x": rng.normal(size=n), "y": rng.normal(size=m)}
    memories = []
    for which in (before, after):
        memories.append({key: value.copy() for key, value in data.items()})
        run(which, memories[-1], {"n": n, "m": m}, seed=1)
    memories.append({key: value.copy() for key, value in data.items()})
    library().call(before.name, memories[-1], {"n": n, "m": m})
    for key in data:
        assert same(memories[0][key], memories[1][key])
        assert same(memories[0][key], memories[2][key])


@pytest.mark.parametrize("name", sorted(rows()))
@pytest.mark.parametrize("sizes", [(1, 1), (8, 3), (7, 5), (9, 4), (21, 2), (16, 0)])
def test_rows(name: str, sizes: tuple[int, int]) -> None:
    before = rows()[name]
    after = interleave(before)
    assert after != before
    check(before, after, *sizes)


@pytest.mark.parametrize("name", sorted(chains()))
@pytest.mark.parametrize("size", [1, 2, 9])
def test_chains(name: str, size: int) -> None:
    before = chains()[name]
    after = keep_in_registers(before)
    assert after != before
    check(before, after, size, size)


def test_a_vector_loop_is_left_alone() -> None:
    row = loop("j", 0, "m", put(at("A", "i", "j"), op("add", at("A", "i", "j"), at("y", "j"))), kind="vector")
    before = nest(loop("i", 0, "n", row, kind="parallel"), "busy")
    assert interleave(before) is before


def _added(target: Load) -> Stmt:
    return put(target, op("add", target, at("A", "i", "j")))


def _chained(array: str, row: Expr | str | int) -> Stmt:
    """Sums up, from an element of another row."""
    return loop("j", 0, "m", put(at(array, "i"), op("add", at(array, "i"), at(array, row))))


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(loop("i", 0, "n", _chained("x", plus("i", -1))), id="reads the row before"),
        pytest.param(loop("i", 0, "n", _chained("x", 0)), id="reads one row"),
        pytest.param(loop("i", 0, "n", loop("j", 0, "m", _added(at("x", 0)))), id="one element for all rows"),
        pytest.param(Serial((loop("i", 0, "n", dot(), If(Compare("gt", at("x", "i"), at("y", 0)), (Break(),))),)), id="may be left"),
        pytest.param(loop("i", 0, "n", loop("j", 0, "m", _added(at("x", plus("i", "j"))))), id="elements of other rows"),
        pytest.param(loop("i", 0, "n", loop("j", 0, "i", dot().body[0]), kind="parallel"), id="bounds depend on the row"),  # type: ignore[union-attr]
        pytest.param(
            loop("i", 0, "n", loop("j", 0, "m", put(at("A", "i", "j"), at("y", "j"))), kind="parallel"), id="nothing is carried"
        ),
    ],
)
def test_rows_left_alone(body: Stmt) -> None:
    before = nest(body, "left")
    assert interleave(before) is before


@pytest.mark.parametrize("read", ["i", "m", "0"])
def test_an_element_that_may_be_read_stays_in_memory(read: str) -> None:
    """`x[k]` with `k` from 0 to `i` inclusive, up to `m`, or a fixed element: one of them may be `x[i]`."""
    upper = {"i": plus("i", 1), "m": Sym("n"), "0": Sym("n")}[read]
    other = at("x", 0) if read == "0" else at("x", "k")
    body = put(at("x", "i"), op("sub", at("x", "i"), op("mul", at("A", "i", 0), other)))
    before = nest(loop("i", 0, "n", loop("k", 0, upper, body)), "near")
    assert keep_in_registers(before) is before


@pytest.mark.parametrize(
    ("lower", "body"),
    [
        pytest.param("i", put(at("A", 0, "j"), at("A", 0, "i")), id="may be written"),
        pytest.param(
            plus("i", 1),
            If(Compare("gt", at("y", "j"), at("y", 0)), (put(at("A", 0, "j"), at("A", 0, "i")),)),
            id="may not be read",
        ),
    ],
)
def test_what_a_vector_loop_reads_stays_in_memory(lower: Expr | str, body: Stmt) -> None:
    before = nest(loop("i", 0, "m", loop("j", lower, "m", body, kind="vector")), "read")
    assert keep_in_registers(before) is before


def test_a_conditional_update_stays_in_memory() -> None:
    """The loop may run without reaching the element, which may then lie outside of the array."""
    update = put(at("x", "i"), op("sub", at("x", "i"), at("x", "k")))
    guarded = If(Compare("gt", at("y", 0), at("y", "k")), (update,))
    before = nest(loop("i", 0, "n", loop("k", 0, "i", guarded)), "guarded")
    assert keep_in_registers(before) is before
