"""Accumulations whose order does not matter run in parallel, with partial results; those whose order shows stay as they are."""

from __future__ import annotations

import pytest
from polyhedral_kernels import (
    F64,
    I64,
    array,
    assert_same,
    at,
    floats,
    index,
    ints,
    kernel,
    loop,
    minus,
    number,
    plus,
    put,
)

from setuptools_polyopt.ir.dtypes import DType
from setuptools_polyopt.ir.expressions import TRUE, Binary, Compare, Const, Expr, Load, Select, integer
from setuptools_polyopt.ir.kernel import Array, Kernel, Role
from setuptools_polyopt.ir.statements import For, If, Stmt, walk
from setuptools_polyopt.operators.values import SYMBOL_BOUND
from setuptools_polyopt.polyhedral import optimise
from setuptools_polyopt.polyhedral.accumulators import Extreme, Mark, Total, accumulators
from setuptools_polyopt.polyhedral.blocks import BLOCK

K, FLAG = at("k", dtype=I64), at("flag", dtype=DType.BOOL)
BEST, WHERE = at("best"), at("where", dtype=I64)
ITEM = at("a", "i", "j")


def result(load: Load) -> Array:
    return array(load.array, role=Role.RESULT, dtype=load.dtype)


def add(term: Expr, checked: bool = True) -> Stmt:
    return put(K, Binary("add", K, term, I64, checked))


COUNT = If(Compare("gt", ITEM, number(0)), (add(integer(1)),))
MARK = If(Compare("lt", ITEM, number(-1)), (put(FLAG, TRUE),))
PEAK = If(Compare("gt", ITEM, BEST), (put(BEST, ITEM), put(WHERE, plus(ints("mul", "i", 100), "j"))))
SIGNED = add(minus("i", "j"))
LOWEST = put(BEST, Select(Compare("lt", ITEM, BEST), ITEM, BEST, F64))
DOWN = put(K, Binary("sub", K, index("j"), I64, True))
NEWEST = put(BEST, Select(Compare("lt", BEST, ITEM), BEST, ITEM, F64))


def nest(*body: Stmt) -> Kernel:
    first = (put(K, integer(5)), put(FLAG, Const(False, DType.BOOL)), put(BEST, number(0.5)), put(WHERE, integer(-1)))
    arrays = [array("a", "n", "m"), array("out", "n"), *map(result, (K, FLAG, BEST, WHERE))]
    return kernel("k", "n m", arrays, *first, loop("i", 0, "n", loop("j", 0, "m", *body)))


def kinds(case: Kernel) -> set[str]:
    return {s.kind for s in walk(optimise(case).kernel.body) if isinstance(s, For)}


@pytest.mark.parametrize("body", [(COUNT,), (MARK,), (PEAK,), (SIGNED,), (LOWEST,), (COUNT, DOWN, MARK, PEAK)])
def test_nests_of_accumulations_are_parallel(body: tuple[Stmt, ...]) -> None:
    case = nest(*body)
    assert "parallel" in kinds(case)
    for n, m in ((0, 3), (1, 1), (5, 4), (7, 0)):
        assert_same(case, optimise(case).kernel, {"n": n, "m": m})


@pytest.mark.parametrize(
    "body",
    [
        (put(BEST, floats("add", BEST, ITEM)),),  # its bits depend on the order
        (NEWEST,),  # takes a NaN
        (COUNT, put(at("out", "i"), Select(Compare("gt", K, integer(3)), ITEM, number(0), F64))),  # the sum on its way is seen
        (COUNT, put(K, Binary("mul", K, integer(2), I64))),
        (PEAK, put(WHERE, integer(0))),
        (If(Compare("ge", ITEM, BEST), (put(BEST, ITEM), put(WHERE, index("j")))),),
        (If(Compare("gt", ITEM, BEST), (put(BEST, ITEM), add(integer(1)))),),  # how often it grew
        (If(Compare("gt", ITEM, BEST), (put(BEST, ITEM),), (put(FLAG, TRUE),)),),
    ],
)
def test_what_depends_on_the_order_stays(body: tuple[Stmt, ...]) -> None:
    case = nest(*body)
    assert not accumulators(case.body[-1]) or kinds(case) == {"serial"}  # type: ignore[arg-type]
    assert kinds(case) == {"serial"}
    assert_same(case, optimise(case).kernel, {"n": 5, "m": 4})


def test_what_is_recognised() -> None:
    found = accumulators(loop("i", 0, "n", loop("j", 0, "m", COUNT, DOWN, MARK, PEAK)))
    assert found == (Extreme(BEST, "gt", (WHERE,)), Total(K, "add", True, 0, SYMBOL_BOUND), Mark(FLAG, TRUE))


def test_rows_of_a_sum_need_no_partial_results() -> None:
    update = put(at("s", "i", dtype=I64), Binary("add", at("s", "i", dtype=I64), index("j"), I64, True))
    case = kernel("k", "n m", [array("s", "n", dtype=I64)], loop("i", 0, "n", loop("j", 0, "m", update)))
    assert [a.name for a in optimise(case).kernel.arrays] == ["s"]


def test_a_loop_inside_time_steps() -> None:
    """The time loop carries the field; the loop inside is parallel but for the count."""
    step = put(at("x", "i"), floats("mul", number(0.5), at("x", "i")))
    smooth = put(at("x", "i"), floats("add", at("x", "i"), at("y", "i")))
    back = loop("i", 0, "n", put(at("y", "i"), floats("add", at("x", minus(minus("n", 1), "i")), number(1))))
    count = loop("i", 0, "n", loop("j", 0, "m", If(Compare("gt", at("x", "i"), at("x", "j")), (add(integer(1)),))))
    case = kernel(
        "k", "t n m", [array("x", plus("n", "m")), array("y", "n"), result(K)],
        put(K, integer(0)), loop("t0", 0, "t", loop("i", 0, "n", step, smooth), back, count),
    )  # fmt: skip
    after = optimise(case).kernel
    assert any(a.name == "k_parts" for a in after.arrays)
    for n in (0, 1, 4):
        assert_same(case, after, {"t": 3, "n": n, "m": 2})


def test_lone_loops_run_in_blocks() -> None:
    count = If(Compare("gt", at("x", "i"), number(0)), (add(integer(1)),))
    case = kernel("k", "n", [array("x", "n"), result(K)], put(K, integer(0)), loop("i", 2, "n", count))
    after = optimise(case).kernel
    assert [s.kind for s in after.body if isinstance(s, For)] == ["parallel", "serial"]
    sums = [s.value for s in walk(after.body) if getattr(s, "target", None) == at("k_part", dtype=I64)]
    assert [getattr(value, "checked", False) for value in sums] == [False, False]  # a block's count cannot overflow
    for n in (0, 2, 3, 40, BLOCK + 2, BLOCK + 3):
        assert_same(case, after, {"n": n})


def test_unsigned_terms_are_not_taken_from_zero() -> None:
    total = at("u", dtype=DType.UINT8)
    down = put(total, Binary("sub", total, at("b", "i", dtype=DType.UINT8), DType.UINT8, True))
    case = loop("i", 0, "n", down)
    assert accumulators(case) == ()
