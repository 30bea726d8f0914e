"""Converted operands of NumPy's loops in temporaries: the same bits in the interpreter, and a loop that is one call."""

from __future__ import annotations

import numpy as np

from setuptools_polyopt.ir.dtypes import DType
from setuptools_polyopt.ir.expressions import Call, Cast, Const, Load, Sym, integer
from setuptools_polyopt.ir.interpreter import run
from setuptools_polyopt.ir.kernel import Array, Kernel, Param, Role
from setuptools_polyopt.ir.statements import Assign, For
from setuptools_polyopt.ir.verifier import verify
from setuptools_polyopt.polyhedral.operands import separate_operands

C, F, N, AT = DType.COMPLEX128, DType.FLOAT64, Sym("n"), Sym("i")


def kernel(operand: Load | Cast) -> Kernel:
    """z[i] = numpy.multiply(1j, operand)"""
    arrays = (Array("x", F, (N,), Role.ARGUMENT), Array("y", C, (N,), Role.ARGUMENT), Array("z", C, (N,), Role.RESULT))
    body = For("i", integer(0), N, 1, (Assign(Load("z", (AT,), C), Call("numpy.multiply", (Const(1j, C), operand), C)),))
    made = Kernel("product", (Param("n"),), arrays, (body,))
    verify(made)
    return made


def test_a_conversion_gets_a_statement_of_its_own() -> None:
    before = kernel(Cast(Load("x", (AT,), F), C))
    after = separate_operands(before)
    verify(after)
    (loop,) = after.body
    assert isinstance(loop, For)
    first, second = loop.body
    assert isinstance(first, Assign)
    assert isinstance(second, Assign)
    assert second.value == Call("numpy.multiply", (Const(1j, C), first.target), C)
    results = []
    for which in (before, after):
        memory = {"x": np.array([1.0, -0.0, np.inf]), "y": np.zeros(3, complex), "z": np.zeros(3, complex)}
        with np.errstate(all="ignore"):
            run(which, memory, {"n": 3}, seed=1)
        results.append(memory["z"].tobytes())
    assert results[0] == results[1]


def test_elements_stay_operands() -> None:
    before = kernel(Load("y", (AT,), C))
    assert separate_operands(before) is before
