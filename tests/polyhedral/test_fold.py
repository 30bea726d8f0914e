"""Folding of temporaries: what is folded, and what must not be."""

from __future__ import annotations

import numpy as np
import pytest

from setuptools_polyopt.ir.dtypes import DType
from setuptools_polyopt.ir.expressions import Binary, Call, Const, Expr, Load, Sym, integer
from setuptools_polyopt.ir.interpreter import run
from setuptools_polyopt.ir.kernel import Array, Kernel, Param, Role
from setuptools_polyopt.ir.statements import Assign, For, Stmt
from setuptools_polyopt.ir.verifier import verify
from setuptools_polyopt.ir.visitors import assigns
from setuptools_polyopt.polyhedral.fold import fold

F, N = DType.FLOAT64, Sym("n")


def at(name: str, index: Expr) -> Load:
    return Load(name, (index,), F)


def plus(expr: Expr, offset: int) -> Expr:
    return Binary("add", expr, integer(offset), DType.INT64)


def add(left: Expr, right: Expr) -> Expr:
    return Binary("add", left, right, F)


def loop(var: str, target: Load, value: Expr, label: str, upper: Expr = N) -> Stmt:
    return For(var, integer(0), upper, 1, (Assign(target, value, label=label),))


def kernel(*body: Stmt) -> Kernel:
    arrays = [Array("A", F, (plus(N, 2),), Role.ARGUMENT), Array("B", F, (plus(N, 2),), Role.ARGUMENT)]
    return Kernel("k", (Param("n"),), (*arrays, Array("t", F, (N,), Role.TEMPORARY), Array("u", F, (N,), Role.TEMPORARY)), body)


I, J = Sym("i"), Sym("j")  # noqa: E741
MAKE = loop("i", at("t", I), add(at("A", I), at("A", plus(I, 1))), "S0")


def count(k: Kernel) -> int:
    return len(assigns(k.body))


def check_same(before: Kernel, after: Kernel) -> None:
    verify(after)
    results = []
    for item in (before, after):
        arrays = {"A": np.arange(7.0) ** 2, "B": np.arange(7.0)}
        run(item, arrays, {"n": 5})
        results.append((arrays["A"], arrays["B"]))
    for a, b in zip(*results, strict=True):
        np.testing.assert_array_equal(a, b)


def test_chain_becomes_one_statement() -> None:
    before = kernel(
        MAKE,
        loop("i", at("u", I), add(at("t", I), at("t", I)), "S1"),
        loop("j", at("B", plus(J, 1)), add(at("u", J), Const(1.0, F)), "S2"),
    )
    after = fold(before)
    assert count(after) == 1
    assert [array.name for array in after.arrays] == ["A", "B"]
    check_same(before, after)


@pytest.mark.parametrize(
    "user",
    [
        loop("j", at("A", plus(J, 1)), at("t", J), "S1"),  # writes what the expression reads
        loop("j", at("B", J), at("t", J), "S1", plus(N, -1)),  # another range
        loop("j", at("B", J), Call("numpy.exp", (at("t", J),), F), "S1"),  # an inner loop's operand
        loop("j", at("B", J), at("t", Binary("sub", plus(N, -1), J, DType.INT64)), "S1"),  # another element
    ],
)
def test_kept(user: Stmt) -> None:
    before = kernel(MAKE, user)
    after = fold(before)
    assert after is before


def test_update_in_place_is_folded() -> None:
    """`A[1:] += B[:-1]`: each element is read just before it is written."""
    make = loop("i", at("t", I), add(at("A", plus(I, 1)), at("B", I)), "S0")
    before = kernel(make, loop("j", at("A", plus(J, 1)), at("t", J), "S1"))
    after = fold(before)
    assert count(after) == 1
    check_same(before, after)


def test_update_of_one_element_is_kept() -> None:
    """`A[3] = t[i]` for all i, where each t[i] was computed from the first A[3]."""
    make = loop("i", at("t", I), add(at("A", integer(3)), at("B", I)), "S0")
    before = kernel(make, loop("j", at("A", integer(3)), at("t", J), "S1"))
    assert fold(before) is before


def test_kept_when_the_operand_changes_in_between() -> None:
    before = kernel(MAKE, loop("i", at("A", I), Const(0.0, F), "S1"), loop("i", at("B", I), at("t", I), "S2"))
    assert fold(before) is before


def test_kept_when_two_statements_use_it() -> None:
    before = kernel(MAKE, loop("i", at("B", I), at("t", I), "S1"), loop("i", at("B", plus(I, 1)), at("t", I), "S2"))
    assert fold(before) is before


def test_folds_inside_an_outer_loop() -> None:
    outer = For("s", integer(0), integer(3), 1, (MAKE, loop("j", at("B", J), at("t", J), "S1")))
    before = kernel(outer)
    after = fold(before)
    assert count(after) == 1
    check_same(before, after)
