"""Kernels in IR for the tests of the polyhedral stage, and how a scheduled kernel is compared with the one it comes from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from setuptools_polyopt.ir.dtypes import DType
from setuptools_polyopt.ir.expressions import (
    Binary,
    BinaryOp,
    Call,
    Compare,
    Const,
    Expr,
    Load,
    Range,
    Reduce,
    Select,
    Sym,
    integer,
)
from setuptools_polyopt.ir.interpreter import evaluate, run
from setuptools_polyopt.ir.kernel import Array, Kernel, Layout, Param, Role
from setuptools_polyopt.ir.statements import Assign, For, Stmt
from setuptools_polyopt.ir.verifier import verify

F64, I64 = DType.FLOAT64, DType.INT64


def index(value: Expr | str | int) -> Expr:
    """An index: a name, a number, or an expression as it is."""
    match value:
        case int():
            return integer(value)
        case str():
            return Sym(value)
        case _:
            return value


def ints(op: BinaryOp, left: Expr | str | int, right: Expr | str | int) -> Expr:
    return Binary(op, index(left), index(right), I64)


def plus(left: Expr | str | int, right: Expr | str | int) -> Expr:
    return ints("add", left, right)


def minus(left: Expr | str | int, right: Expr | str | int) -> Expr:
    return ints("sub", left, right)


def floats(op: BinaryOp, left: Expr, right: Expr) -> Expr:
    return Binary(op, left, right, F64)


def number(value: float) -> Const:
    return Const(float(value), F64)


def at(array: str, *indices: Expr | str | int, dtype: DType = F64) -> Load:
    return Load(array, tuple(index(value) for value in indices), dtype)


def put(target: Load, value: Expr, label: str = "") -> Assign:
    return Assign(target, value, label=label)


def loop(var: str, lower: Expr | str | int, upper: Expr | str | int, *body: Stmt, step: int = 1) -> For:
    return For(var, index(lower), index(upper), step, tuple(body))


def array(name: str, *extents: Expr | str | int, role: Role = Role.ARGUMENT, dtype: DType = F64, layout: Layout = Layout.C) -> Array:
    return Array(name, dtype, tuple(index(extent) for extent in extents), role, layout)


def temporary(name: str, *extents: Expr | str | int, dtype: DType = F64) -> Array:
    return array(name, *extents, role=Role.TEMPORARY, dtype=dtype)


def kernel(name: str, params: str, arrays: list[Array], *body: Stmt) -> Kernel:
    return Kernel(name, tuple(Param(p) for p in params.split()), tuple(arrays), tuple(body))


# the corpus


def matmul() -> Kernel:
    product = floats("mul", at("A", "i", "k"), at("B", "k", "j"))
    update = put(at("C", "i", "j"), floats("add", at("C", "i", "j"), product))
    nest = loop("i", 0, "n", loop("j", 0, "m", loop("k", 0, "p", update)))
    return kernel("matmul", "n m p", [array("A", "n", "p"), array("B", "p", "m"), array("C", "n", "m")], nest)


def matmul_with_accumulator() -> Kernel:
    product = floats("mul", at("A", "i", "k"), at("B", "k", "j"))
    inner = loop("k", 0, "p", put(at("s"), floats("add", at("s"), product)))
    nest = loop("i", 0, "n", loop("j", 0, "m", put(at("s"), number(0)), inner, put(at("C", "i", "j"), at("s"))))
    arrays = [array("A", "n", "p"), array("B", "p", "m"), array("C", "n", "m"), temporary("s")]
    return kernel("matmul_with_accumulator", "n m p", arrays, nest)


def lu() -> Kernel:
    scale = put(at("A", "i", "k"), floats("div", at("A", "i", "k"), at("A", "k", "k")))
    product = floats("mul", at("A", "i", "k"), at("A", "k", "j"))
    update = put(at("A", "i", "j"), floats("sub", at("A", "i", "j"), product))
    nest = loop("k", 0, "n", loop("i", plus("k", 1), "n", scale, loop("j", plus("k", 1), "n", update)))
    return kernel("lu", "n", [array("A", "n", "n")], nest)


def cholesky() -> Kernel:
    row = put(at("A", "i", "j"), floats("sub", at("A", "i", "j"), floats("mul", at("A", "i", "k"), at("A", "j", "k"))))
    scale = put(at("A", "i", "j"), floats("div", at("A", "i", "j"), at("A", "j", "j")))
    diagonal = put(at("A", "i", "i"), floats("sub", at("A", "i", "i"), floats("mul", at("A", "i", "k"), at("A", "i", "k"))))
    below = loop("j", 0, "i", loop("k", 0, "j", row), scale)
    nest = loop("i", 0, "n", below, loop("k", 0, "i", diagonal))
    return kernel("cholesky", "n", [array("A", "n", "n")], nest)


def _stencil(source: str, target: str) -> For:
    total: Expr = at(source, "i", "j")
    for a, b in ((0, -1), (0, 1), (1, 0), (-1, 0)):
        total = floats("add", total, at(source, plus("i", a), plus("j", b)))
    update = put(at(target, "i", "j"), floats("mul", number(0.2), total))
    return loop("i", 1, minus("n", 1), loop("j", 1, minus("n", 1), update))


def jacobi2d() -> Kernel:
    steps = loop("s", 0, "t", _stencil("A", "B"), _stencil("B", "A"))
    return kernel("jacobi2d", "t n", [array("A", "n", "n"), array("B", "n", "n")], steps)


def seidel2d() -> Kernel:
    total: Expr = at("A", "i", "j")
    for a in (-1, 0, 1):
        for b in (-1, 0, 1):
            total = floats("add", total, at("A", plus("i", a), plus("j", b)))
    update = put(at("A", "i", "j"), floats("div", total, number(10)))
    nest = loop("s", 0, "t", loop("i", 1, minus("n", 1), loop("j", 1, minus("n", 1), update)))
    return kernel("seidel2d", "t n", [array("A", "n", "n")], nest)


def floyd_warshall() -> Kernel:
    through = floats("add", at("A", "i", "k"), at("A", "k", "j"))
    shorter = Select(Compare("lt", at("A", "i", "j"), through), at("A", "i", "j"), through, F64)
    nest = loop("k", 0, "n", loop("i", 0, "n", loop("j", 0, "n", put(at("A", "i", "j"), shorter))))
    return kernel("floyd_warshall", "n", [array("A", "n", "n")], nest)


def _rows(*body: Stmt) -> For:
    return loop("i", 0, "n", loop("j", 0, "m", *body))


def softmax() -> Kernel:
    largest = Reduce("numpy.maximum", at("x", "i", 0), (Range("r", integer(0), Sym("m")),), at("x", "i", "r"), F64)
    total = Reduce("numpy.add", number(0), (Range("r", integer(0), Sym("m")),), at("e", "i", "r"), F64)
    arrays = [array("x", "n", "m"), temporary("h", "n"), temporary("d", "n", "m"), temporary("e", "n", "m"), temporary("s", "n")]
    return kernel(
        "softmax",
        "n m",
        [*arrays, array("o", "n", "m", role=Role.RESULT)],
        loop("i", 0, "n", put(at("h", "i"), largest)),
        _rows(put(at("d", "i", "j"), floats("sub", at("x", "i", "j"), at("h", "i")))),
        _rows(put(at("e", "i", "j"), Call("numpy.exp", (at("d", "i", "j"),), F64))),
        loop("i", 0, "n", put(at("s", "i"), total)),
        _rows(put(at("o", "i", "j"), floats("div", at("e", "i", "j"), at("s", "i")))),
    )


def planes() -> Kernel:
    """Sums over two axes at once, of a temporary that is needed plane by plane; one axis has a constant extent."""
    ranges = (Range("p", integer(0), integer(1)), Range("q", integer(0), Sym("m")))
    difference = put(at("d", "i", 0, "j"), floats("sub", at("x", "i", "j"), at("y", "i", "j")))
    total = Reduce("numpy.add", number(0), ranges, at("d", "i", "p", "q"), F64)
    highest = Reduce("numpy.maximum", at("d", "i", 0, 0), ranges, at("d", "i", "p", "q"), F64, 1)
    return kernel(
        "planes",
        "n m",
        [array("x", "n", "m"), array("y", "n", "m"), temporary("d", "n", integer(1), "m"), array("o", "n", "m", role=Role.RESULT)],
        _rows(difference),
        loop("i", 0, "n", loop("j", 0, "m", put(at("o", "i", "j"), floats("mul", total, highest)))),
    )


def diffusion() -> Kernel:
    """The horizontal-diffusion stencil with one temporary per operator, as the frontend lowers it."""
    arrays = [array("x", "n", "m"), array("c", "n", "m")]
    body: list[Stmt] = []

    def step(value: Expr, rows: int, columns: int) -> str:
        name = f"t{len(body)}"
        arrays.append(temporary(name, minus("n", rows), minus("m", columns)))
        body.append(loop("i", 0, minus("n", rows), loop("j", 0, minus("m", columns), put(at(name, "i", "j"), value))))
        return name

    def shifted(name: str, a: int = 0, b: int = 0) -> Load:
        return at(name, plus("i", a) if a else "i", plus("j", b) if b else "j")

    def limited(flux: str, gradient: str) -> Expr:
        positive = Compare("gt", floats("mul", at(flux, "i", "j"), at(gradient, "i", "j")), number(0))
        return Select(positive, number(0), at(flux, "i", "j"), F64)

    centre = step(floats("mul", number(4), shifted("x", 1, 1)), 2, 2)
    first = step(floats("add", shifted("x", 2, 1), shifted("x", 0, 1)), 2, 2)
    second = step(floats("add", shifted(first), shifted("x", 1, 2)), 2, 2)
    third = step(floats("add", shifted(second), shifted("x", 1, 0)), 2, 2)
    lap = step(floats("sub", shifted(centre), shifted(third)), 2, 2)
    flux_x = step(floats("sub", shifted(lap, 1, 1), shifted(lap, 0, 1)), 3, 4)
    grad_x = step(floats("sub", shifted("x", 2, 2), shifted("x", 1, 2)), 3, 4)
    limit_x = step(limited(flux_x, grad_x), 3, 4)
    flux_y = step(floats("sub", shifted(lap, 1, 1), shifted(lap, 1, 0)), 4, 3)
    grad_y = step(floats("sub", shifted("x", 2, 2), shifted("x", 2, 1)), 4, 3)
    limit_y = step(limited(flux_y, grad_y), 4, 3)
    along = step(floats("sub", shifted(limit_x, 1, 0), shifted(limit_x)), 4, 4)
    across = step(floats("add", shifted(along), shifted(limit_y, 0, 1)), 4, 4)
    total = step(floats("sub", shifted(across), shifted(limit_y)), 4, 4)
    scaled = step(floats("mul", shifted("c", 2, 2), shifted(total)), 4, 4)
    result = put(at("o", "i", "j"), floats("sub", shifted("x", 2, 2), shifted(scaled)))
    body.append(loop("i", 0, minus("n", 4), loop("j", 0, minus("m", 4), result)))
    return kernel("diffusion", "n m", [*arrays, array("o", minus("n", 4), minus("m", 4), role=Role.RESULT)], *body)


def chain() -> Kernel:
    body = [
        loop("i", 0, "n", put(at("t", "i"), floats("add", at("a", "i"), at("b", "i")))),
        loop("i", 0, "n", put(at("u", "i"), Call("numpy.exp", (at("t", "i"),), F64))),
        loop("i", 0, "n", put(at("v", "i"), floats("mul", at("u", "i"), at("a", "i")))),
        loop("i", 0, "n", put(at("o", "i"), floats("sub", at("v", "i"), at("b", "i")))),
    ]
    arrays = [array("a", "n"), array("b", "n"), temporary("t", "n"), temporary("u", "n"), temporary("v", "n")]
    return kernel("chain", "n", [*arrays, array("o", "n", role=Role.RESULT)], *body)


def gram_schmidt() -> Kernel:
    """isl fuses the first statements with one iteration of `j`, which then carries their values."""
    norm, q, r, a = at("norm"), at("Q", "i", "k"), at("R", "k", "j"), at("A", "i", "j")
    square = floats("mul", at("A", "i", "k"), at("A", "i", "k"))
    first = loop("i", 0, "n", put(norm, floats("add", norm, square)))
    scale = loop("i", 0, "n", put(q, floats("div", at("A", "i", "k"), at("R", "k", "k"))))
    product = loop("i", 0, "n", put(r, floats("add", r, floats("mul", q, a))))
    update = loop("i", 0, "n", put(a, floats("sub", a, floats("mul", q, r))))
    columns = loop("j", plus("k", 1), "m", put(r, number(0)), product, update)
    body = loop("k", 0, "m", put(norm, number(0)), first, put(at("R", "k", "k"), norm), scale, columns)
    return kernel("gram_schmidt", "n m", [array("A", "n", "m"), array("Q", "n", "m"), array("R", "m", "m"), temporary("norm")], body)


CORPUS = {
    build.__name__: build
    for build in (
        matmul, matmul_with_accumulator, lu, cholesky, jacobi2d, seidel2d, floyd_warshall, softmax, planes, diffusion, chain,
        gram_schmidt,
    )
}  # fmt: skip


# comparison


def inputs(kernel: Kernel, params: Mapping[str, int], seed: int = 0) -> dict[str, Any]:
    """Random arguments and scalar inputs of a kernel."""
    random = np.random.default_rng(seed)
    found: dict[str, Any] = {}
    for item in kernel.arrays:
        shape = tuple(max(0, int(evaluate(extent, params))) for extent in item.extents)
        if item.role not in (Role.ARGUMENT, Role.INPUT):
            continue
        values = random.random(shape) * 4 - 1 if item.dtype.is_float else random.integers(-9, 9, shape)
        found[item.name] = np.asarray(values).astype(item.dtype.value) if shape else np.dtype(item.dtype.value).type(values)
    return found


def assert_same(before: Kernel, after: Kernel, params: Mapping[str, int], seed: int = 0) -> None:
    """Both kernels leave the same bits, whatever the order of parallel iterations."""
    verify(after, scheduled=True)
    first, second = inputs(before, params, seed), inputs(before, params, seed)
    run(before, first, params)
    run(after, second, params, seed=seed + 1)
    for name, value in first.items():
        np.testing.assert_array_equal(second[name], value, err_msg=f"{name} with {dict(params)}")
