"""Forward substitution of scalars: what is substituted, and what must not be."""

from __future__ import annotations

import numpy as np
import pytest

from setuptools_polyopt.ir.dtypes import DType
from setuptools_polyopt.ir.expressions import Binary, Call, Compare, Const, Expr, Load, Sym, integer
from setuptools_polyopt.ir.interpreter import run
from setuptools_polyopt.ir.kernel import Array, Kernel, Param, Role
from setuptools_polyopt.ir.statements import Assign, Block, For, If
from setuptools_polyopt.ir.verifier import verify
from setuptools_polyopt.ir.visitors import assigns
from setuptools_polyopt.polyhedral.forward import forward

F, N, AT = DType.FLOAT64, Sym("n"), Sym("i")
T, A_I, B_I = Load("t", (), F), Load("A", (AT,), F), Load("B", (AT,), F)
TWO = Const(2.0, F)


def times(left: Expr, right: Expr) -> Expr:
    return Binary("mul", left, right, F)


def kernel(*body: Assign | If | For) -> Kernel:
    loop = For("i", integer(0), N, 1, body)
    arrays = [Array("A", F, (N,), Role.ARGUMENT), Array("B", F, (N,), Role.ARGUMENT), Array("t", F, (), Role.TEMPORARY)]
    return Kernel("k", (Param("n"),), tuple(arrays), (loop,))


def check_same(before: Kernel, after: Kernel) -> None:
    verify(after)
    results = []
    for item in (before, after):
        arrays = {"A": np.arange(7.0) - 3, "B": np.arange(7.0)}
        run(item, arrays, {"n": 7})
        results.append((arrays["A"], arrays["B"]))
    for a, b in zip(*results, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(
    "uses",
    [
        (Assign(B_I, times(T, T), label="S1"),),
        (If(Compare("lt", T, B_I), (Assign(B_I, T, label="S1"),)),),
        (Assign(A_I, T, label="S1"),),  # the value is read before its operand changes
    ],
)
def test_substituted(uses: Block) -> None:
    before = kernel(Assign(T, times(A_I, TWO), label="S0"), *uses)  # type: ignore[arg-type]
    after = forward(before)
    assert len(assigns(after.body)) == 1
    assert [array.name for array in after.arrays] == ["A", "B"]
    check_same(before, after)


@pytest.mark.parametrize(
    "uses",
    [
        (Assign(A_I, TWO, label="S1"), Assign(B_I, T, label="S2")),  # the operand changes first
        (If(Compare("lt", B_I, TWO), (Assign(B_I, T, label="S1"),)),),  # perhaps never evaluated: its flags would be lost
        (If(Compare("lt", T, B_I), (Assign(A_I, TWO, label="S1"), Assign(B_I, T, label="S2"))),),
        (For("j", integer(0), N, 1, (Assign(B_I, T, label="S1"),)),),
        (Assign(T, B_I, label="S1"), Assign(B_I, T, label="S2")),  # written twice
    ],
)
def test_kept(uses: Block) -> None:
    before = kernel(Assign(T, times(A_I, TWO), label="S0"), *uses)  # type: ignore[arg-type]
    assert forward(before) is before


def test_calls_are_made_once() -> None:
    before = kernel(Assign(T, Call("libm.sin", (A_I,), F), label="S0"), Assign(B_I, times(T, T), label="S1"))
    assert forward(before) is before
