"""Loops whose variable is a checked subscript run without the checks where their ends say that these hold."""

from __future__ import annotations

import numpy as np
from codegen_harness import Library
from kernel_builders import F64, I64, argument, array, at, kernel, loop, op, put

from setuptools_polyopt.codegen.unchecked import without_checks
from setuptools_polyopt.ir.dtypes import DType
from setuptools_polyopt.ir.expressions import Binary, Call, Cast, Load, Sym
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


def test_elements_that_a_mask_picks() -> None:
    counter = at("count", 0, dtype=I64)
    store = put(Load("t", (Binary("index", counter, Sym("n"), I64, checked=True),), F64), at("x", "i"))
    count = put(counter, op("add", counter, Cast(at("mask", "i", dtype=DType.BOOL), I64), dtype=I64))
    rows = Serial((loop("i", 0, "n", store, count),))
    arrays = [argument("x", "n"), argument("t", "n"), argument("count", 1, dtype=I64), argument("mask", "n", dtype=DType.BOOL)]
    library = Library([kernel("picked", "n", arrays, (rows,))])
    (text,) = (source.text for source in library.sources.values())
    assert "polyopt_none_of_8" in text
    rng = np.random.default_rng(0)
    for n in (0, 1, 7, 8, 9, 64, 100, 1000):
        for share in (0.0, 0.02, 0.5, 1.0):
            x, mask = rng.normal(size=n), rng.random(n) < share
            memory = {"x": x, "t": np.zeros(n), "count": np.zeros(1, np.int64), "mask": mask}
            assert not library.call("picked", memory, {"n": n}).failed
            assert memory["t"][: memory["count"][0]].tobytes() == x[mask].tobytes()
