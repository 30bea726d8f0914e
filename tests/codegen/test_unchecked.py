"""Loops whose variable is a checked subscript run without the checks where their ends say that these hold."""

from __future__ import annotations

import numpy as np
from codegen_harness import Library
from kernel_builders import F64, I64, argument, array, at, kernel, loop, op, put

from setuptools_polyopt.codegen.unchecked import without_checks
from setuptools_polyopt.ir.expressions import Binary, Call, Load, Sym
from setuptools_polyopt.ir.kernel import Kernel, Role
from setuptools_polyopt.ir.statements import For, If, Serial, walk


def picked(name: str) -> Load:
    return Load(name, (Binary("index", Sym("i"), Sym("n"), I64, checked=True),), F64)


def roots() -> Kernel:
    """`y[i] = exp(x[i])` up to an end that is data."""
    body = put(picked("y"), Call("numpy.exp", (picked("x"),), F64))
    rows = Serial((For("i", at("first", dtype=I64), at("end", dtype=I64), 1, (body,)),))
    scalars = [array(name, Role.INPUT, dtype=I64) for name in ("first", "end")]
    return kernel("roots", "n", [argument("x", "n"), argument("y", "n"), *scalars], (rows,))


def test_two_versions() -> None:
    done = without_checks(roots())
    (choice,) = (item for item in walk(done.body) if isinstance(item, If))
    assert len(choice.body) == len(choice.orelse) == 1
    plain = kernel("plain", "n", [argument("x", "n")], (loop("i", 0, "n", put(at("x", "i"), op("mul", at("x", "i"), 2.0))),))
    assert without_checks(plain) is plain


def test_results_and_failures() -> None:
    library = Library([roots()])
    x = np.linspace(0.0, 1.0, 9)
    for first, end, fails in ((0, 9, False), (2, 5, False), (5, 2, False), (-3, 4, False), (0, 10, True), (-10, 2, True)):
        memory = {"x": x, "y": np.zeros(9), "first": np.int64(first), "end": np.int64(end)}
        result = library.call("roots", memory, {"n": 9})
        assert bool(result.failed) is fails
        if not fails:
            places = [i % 9 for i in range(first, end)]
            assert memory["y"][places].tobytes() == np.exp(x[places]).tobytes()
