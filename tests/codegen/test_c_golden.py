"""The printed C of typical kernels, to be read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from kernel_builders import F64, I64, argument, array, at, kernel, least, loop, op, plus, put

from setuptools_polyopt.codegen.c import kernel_source, translation_unit
from setuptools_polyopt.ir.dtypes import DType
from setuptools_polyopt.ir.expressions import Binary, Call, Compare, Const, Load, Range, Reduce, Select, Sym, integer
from setuptools_polyopt.ir.kernel import Kernel, Layout, Role
from setuptools_polyopt.ir.printer import print_expr, print_kernel
from setuptools_polyopt.ir.statements import Alloc, If

GOLDEN = Path(__file__).parent / "golden"


def axpy() -> Kernel:
    arrays = [argument("x", "n"), argument("y", "n"), array("a", Role.INPUT)]
    body = put(at("y", "i"), op("add", at("y", "i"), op("mul", at("a"), at("x", "i"))), 3)
    return kernel("axpy", "n", arrays, (loop("i", 0, "n", body, kind="parallel"),), "x-y")


def matmul_tiled() -> Kernel:
    arrays = [argument("A", "n", "m"), argument("B", "m", "p", layout=Layout.FORTRAN), array("C", Role.RESULT, "n", "p")]
    update = put(at("C", "i", "j"), op("add", at("C", "i", "j"), op("mul", at("A", "i", "k"), at("B", "k", "j"))), 7)
    points = loop(
        "i", "ii", least(plus("ii", 32), "n"),
        loop("k", "kk", least(plus("kk", 64), "m"), loop("j", 0, "p", update, kind="vector")),
    )  # fmt: skip
    clear = loop("i", "ii", least(plus("ii", 32), "n"), loop("j", 0, "p", put(at("C", "i", "j"), 0.0, 5), kind="vector"))
    tiles = loop("ii", 0, "n", clear, loop("kk", 0, "m", points, step=64, note="tile"), step=32, kind="parallel", note="tile")
    return kernel("matmul", "n m p", arrays, (tiles,))


def jacobi_in_time() -> Kernel:
    arrays = [argument("A", "n", "n"), argument("B", "n", "n")]

    def sweep(target: str, source: str, line: int) -> object:
        total = op("add", op("add", at(source, plus("i", -1), "j"), at(source, plus("i", 1), "j")), at(source, "i", plus("j", 1)))
        rows = loop("j", 1, plus("n", -1), put(at(target, "i", "j"), op("mul", 0.25, total), line), kind="vector")
        return loop("i", 1, plus("n", -1), rows, kind="parallel")

    body = loop("t", 0, "steps", sweep("B", "A", 4), sweep("A", "B", 5))  # type: ignore[arg-type]
    return kernel("jacobi", "n steps", arrays, (body,), "A-B")


def softmax_rows() -> Kernel:
    arrays = [argument("X", "n", "m"), array("R", Role.RESULT, "n", "m"), array("E", Role.TEMPORARY, "m"), array("s", Role.TEMPORARY)]
    total = Reduce("numpy.add", Const(0.0, F64), (Range("q", integer(0), Sym("m")),), at("E", "q"), F64)
    body = loop(
        "i", 0, "n",
        Alloc("E"),
        loop("j", 0, "m", put(at("E", "j"), Call("numpy.exp", (at("X", "i", "j"),), F64), 2), kind="vector"),
        Alloc("s"),
        put(at("s"), total, 3),
        loop("j", 0, "m", put(at("R", "i", "j"), op("div", at("E", "j"), at("s")), 4), kind="vector"),
        kind="parallel",
    )  # fmt: skip
    return kernel("softmax", "n m", arrays, (body,))


def counting() -> Kernel:
    """Integers, conditions, a checked operation, a scalar result, a value kept for its flags."""
    arrays = [
        argument("v", "n", layout=Layout.STRIDED), argument("w", "n", layout=Layout.STRIDED), array("count", Role.RESULT, dtype=I64),
        array("t", Role.TEMPORARY), array("limit", Role.INPUT),
    ]  # fmt: skip
    count = Load("count", (), I64)
    positive = Compare("gt", at("v", "i"), at("limit"))
    body = loop(
        "i", 0, "n",
        Alloc("t"),
        put(at("t"), op("div", at("w", "i"), at("v", "i")), 4),
        put(at("w", "i"), Select(positive, at("t"), Const(0.0, F64), F64), 5),
        If(positive, (put(count, Binary("add", count, Const(1, I64), I64, True), 6),)),
    )  # fmt: skip
    return kernel("counting", "n", arrays, (put(count, 0, 3), body), "v-w")


def complex_update() -> Kernel:
    c = DType.COMPLEX128
    arrays = [argument("z", "n", dtype=c), array("w", Role.RESULT, "n", dtype=c)]
    square = Binary("mul", at("z", "i", dtype=c), at("z", "i", dtype=c), c)
    return kernel("square", "n", arrays, (loop("i", 0, "n", put(at("w", "i", dtype=c), square, 2), kind="vector"),))


CASES = [axpy, matmul_tiled, jacobi_in_time, softmax_rows, counting, complex_update]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_printed_c(case: Callable[[], Kernel], golden: Callable[[Path, str], None]) -> None:
    printed = case()
    source = kernel_source(printed)
    facts = (
        f"failed {source.uses_failed}, flags {source.uses_flags}, chunked {source.chunked}\nwork {print_expr(source.work)}\n"
        f"args {', '.join(f'{item.kind} {item.name}' for item in source.args)}\n"
    )
    golden(GOLDEN / f"{case.__name__}.txt", f"{print_kernel(printed)}\n{facts}\n{translation_unit([source])}")


