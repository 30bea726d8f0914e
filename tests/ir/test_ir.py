"""The Loop IR's own tools: printer, verifier, visitors, interpreter."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from setuptools_polyopt.ir.dtypes import DType
from setuptools_polyopt.ir.expressions import TRUE, Binary, Call, Compare, Const, Load, Range, Reduce, Sym, integer
from setuptools_polyopt.ir.interpreter import KernelFailed, evaluate, run
from setuptools_polyopt.ir.kernel import Array, Contiguous, Holds, Kernel, Layout, NoOverlap, Param, Role
from setuptools_polyopt.ir.printer import print_expr, print_kernel
from setuptools_polyopt.ir.statements import Alloc, Assign, For, If
from setuptools_polyopt.ir.verifier import IRError, verify
from setuptools_polyopt.ir.visitors import map_expr, substitute, symbols

F64 = DType.FLOAT64
I = Sym("i")  # noqa: E741
N = Sym("n")


def at(name: str, *indices: Sym | Const | Binary) -> Load:
    return Load(name, indices, F64)


UPDATE = Binary("add", at("y", I), Binary("mul", at("a"), at("x", I), F64), F64)
AXPY = Kernel(
    "axpy",
    (Param("n"),),
    (Array("x", F64, (N,), Role.ARGUMENT), Array("y", F64, (N,), Role.ARGUMENT), Array("a", F64, (), Role.INPUT)),
    (For("i", integer(0), N, 1, (Assign(at("y", I), UPDATE, label="S0"),)),),
    (Holds(Compare("ge", N, integer(1)), "at least one element"), NoOverlap("x", "y")),
)


def test_printer_shows_everything() -> None:
    assert print_kernel(AXPY) == (
        "kernel axpy(n) {\n"
        "  argument x: float64[n] C\n"
        "  argument y: float64[n] C\n"
        "  input a: float64\n"
        "  guard n >= 1\n"
        "  guard no-overlap(x, y)\n"
        "  for i in 0..n:\n"
        "    S0: y[i] = y[i] + a * x[i]\n"
        "}\n"
    )


def test_printer_parenthesises_by_precedence() -> None:
    a, b, c = (Load(name, (), F64) for name in "abc")
    assert print_expr(Binary("mul", Binary("add", a, b, F64), c, F64)) == "(a + b) * c"
    assert print_expr(Binary("sub", a, Binary("sub", b, c, F64), F64)) == "a - (b - c)"


def test_interpreter_computes_in_place() -> None:
    arrays = {"x": np.arange(4.0), "y": np.ones(4), "a": 2.0}
    run(AXPY, arrays, {"n": 4})
    assert np.array_equal(arrays["y"], [1, 3, 5, 7])


def test_interpreter_refuses_a_bad_index() -> None:
    with pytest.raises(IndexError):
        run(AXPY, {"x": np.ones(3), "y": np.ones(3), "a": 1.0}, {"n": 4})


def test_checked_overflow_fails_and_unchecked_wraps() -> None:
    big = Const(2**63 - 1, DType.INT64)
    assert evaluate(Binary("add", big, integer(1), DType.INT64), {}) == -(2**63)
    with pytest.raises(KernelFailed):
        evaluate(Binary("add", big, integer(1), DType.INT64, checked=True), {})


def test_flags_are_collected() -> None:
    arrays = (Array("r", F64, (), Role.RESULT), Array("z", F64, (), Role.INPUT))
    kernel = Kernel("k", (), arrays, (Assign(at("r"), Binary("div", Const(1.0, F64), at("z"), F64)),))
    assert run(kernel, {"z": 0.0}, {}).flags == {"divide"}
    assert run(kernel, {"z": 2.0}, {}).flags == set()


def test_reduce_has_numpys_bits() -> None:
    values = np.random.default_rng(1).normal(size=1000)
    expr = Reduce("numpy.add", Const(0.0, F64), (Range("k", integer(0), integer(1000)),), at("a", Sym("k")), F64)
    assert evaluate(expr, {"a": values}) == values.sum()


def flat_sum(function: str = "numpy.add", skip: int = 0) -> Reduce:
    ranges = (Range("p", integer(1), Sym("m")), Range("q", integer(0), N))
    return Reduce(function, Const(0.0, F64), ranges, at("a", I, Sym("p"), Sym("q")), F64, skip)


def test_reduce_over_several_ranges_is_one_flat_loop() -> None:
    values = np.random.default_rng(3).normal(size=(2, 31, 57)) * 10.0 ** np.random.default_rng(4).integers(-9, 9, (2, 31, 57))
    scope = {"a": values, "i": 1, "m": 31, "n": 57}
    assert evaluate(flat_sum(), scope) == values[1, 1:].reshape(-1).sum() != values[1, 1:].sum(axis=1).sum()
    assert evaluate(flat_sum(skip=1), scope) == values[1, 1:].reshape(-1)[1:].sum()
    assert evaluate(flat_sum("numpy.maximum"), {**scope, "m": 1}) == 0.0
    with pytest.raises(IndexError, match="one behind the other"):
        evaluate(flat_sum(), {**scope, "n": 56})


def test_reduce_over_several_ranges_in_print_and_scope() -> None:
    assert print_expr(flat_sum(skip=1)) == "reduce numpy.add(0.0; a[i, p, q] for p in 1..m, q in 0..n skip 1)"
    assert symbols(flat_sum()) == {"i", "m", "n"}
    assert print_expr(substitute(flat_sum(), {"n": integer(3), "i": N})) == "reduce numpy.add(0.0; a[n, p, q] for p in 1..m, q in 0..3)"


def flat_kernel(expr: Reduce, *assumptions: Contiguous, role: Role = Role.ARGUMENT, layout: Layout = Layout.C) -> Kernel:
    arrays = (Array("a", F64, (N, Sym("m"), N), role, layout), Array("s", F64, (N,), Role.RESULT))
    body = (For("i", integer(0), N, 1, (Assign(at("s", I), expr, label="S0"),)),)
    return Kernel("k", (Param("n"), Param("m")), arrays, body, assumptions)


def test_verifier_wants_contiguous_elements() -> None:
    verify(flat_kernel(flat_sum(), Contiguous("a", 1)))
    verify(flat_kernel(flat_sum(), Contiguous("a", 0)))
    verify(flat_kernel(flat_sum(), role=Role.TEMPORARY))
    turned = replace(flat_sum(), body=at("a", I, Sym("q"), Sym("p")))
    twice = replace(flat_sum(), body=at("a", Sym("p"), Sym("p"), Sym("q")))
    for kernel, message in [
        (flat_kernel(flat_sum()), "nothing says that a is contiguous"),
        (flat_kernel(flat_sum(), Contiguous("a", 2)), "nothing says that a is contiguous"),
        (flat_kernel(flat_sum(), role=Role.TEMPORARY, layout=Layout.FORTRAN), "does not lie in C order"),
        (flat_kernel(turned, Contiguous("a", 0)), "are not the ranges in order"),
        (flat_kernel(twice, Contiguous("a", 0)), "are not the ranges in order"),
        (flat_kernel(replace(flat_sum(), ranges=()), Contiguous("a", 0)), "has no ranges"),
        (flat_kernel(flat_sum(), Contiguous("s", 0)), "names no axis of an argument"),
        (flat_kernel(flat_sum(), Contiguous("a", 3)), "names no axis of an argument"),
    ]:
        with pytest.raises(IRError, match=message):
            verify(kernel)


def test_numpy_call_differs_from_libm_where_numpy_does() -> None:
    values = np.random.default_rng(2).normal(size=500)
    mine = [evaluate(Call("numpy.exp", (Load("v", (), F64),), F64), {"v": v}) for v in values]
    assert np.array_equal(mine, np.exp(values))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"params": ()}, "symbol n is not bound"),
        ({"arrays": AXPY.arrays[:2]}, "unknown array a"),
        ({"body": (Assign(at("a"), Const(1.0, F64)),)}, "is an input and is written"),
        ({"body": (Assign(at("y", I), Const(1.0, F64)),)}, "symbol i is not bound"),
        ({"body": (Assign(at("y", integer(0)), Const(1, DType.INT64)),)}, "is int64, wanted float64"),
        ({"body": (For("i", integer(0), N, 0, ()),)}, "has step 0"),
        ({"body": (Alloc("x"),)}, "which is no temporary"),
        ({"body": (If(Const(1.0, F64), ()),)}, "wanted bool"),
    ],
)
def test_verifier_names_the_problem(change: dict[str, object], message: str) -> None:
    with pytest.raises(IRError, match=message):
        verify(replace(AXPY, **change))  # type: ignore[arg-type]


def test_verifier_accepts_and_scheduled_form_is_stricter() -> None:
    verify(AXPY)
    down = replace(AXPY, body=(For("i", N, integer(0), -1, ()),))
    verify(down)
    with pytest.raises(IRError, match="step -1"):
        verify(down, scheduled=True)


def test_rewriting_keeps_identity_where_nothing_changes() -> None:
    expr = Binary("add", at("x", I), at("y", I), F64)
    assert map_expr(expr, lambda node: node) is expr
    assert symbols(substitute(expr, {"i": N})) == {"n"}


def test_parallel_iterations_are_shuffled() -> None:
    body = (Assign(at("y", integer(0)), Binary("add", Binary("mul", at("y", integer(0)), Const(3.0, F64), F64), at("x", I), F64)),)
    loop = For("i", integer(0), N, 1, body, kind="parallel")
    kernel = replace(AXPY, body=(loop,))
    results = set()
    for seed in range(5):
        arrays = {"x": np.arange(6.0), "y": np.zeros(6), "a": 0.0}
        run(kernel, arrays, {"n": 6}, seed=seed)
        results.add(arrays["y"][0])
    assert len(results) > 1
    assert TRUE.value is True
