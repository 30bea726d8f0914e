"""Parts of an innermost loop: blocks where they touch the same elements, whole rows where they share nothing."""

from __future__ import annotations

from polyhedral_kernels import array, assert_same, at, floats, kernel, loop, number, put

from setuptools_polyopt.ir.dtypes import DType
from setuptools_polyopt.ir.expressions import Binary, Sym, integer
from setuptools_polyopt.ir.kernel import Kernel
from setuptools_polyopt.ir.statements import For, walk
from setuptools_polyopt.polyhedral import optimise


def two_sweeps(second: str, shift: int) -> Kernel:
    """Two loops over a row, the second one shorter: it updates `second`, `shift` rows further down."""
    row = Binary("mul", Sym("i"), integer(2), DType.INT64)
    other = Binary("add", row, integer(shift), DType.INT64)
    first = put(at("A", row, "j"), floats("mul", at("A", row, "j"), number(2)))
    then = put(at(second, other, "j"), floats("mul", at("A", other, "j"), number(3)))
    shorter = Binary("sub", Sym("m"), integer(1), DType.INT64)
    body = loop("i", 0, "n", loop("j", 0, "m", first), loop("j", 0, shorter, then))
    rows = Binary("add", Binary("mul", Sym("n"), integer(2), DType.INT64), integer(2), DType.INT64)
    return kernel("two_sweeps", "n m", [array("A", rows, "m"), array("B", rows, "m")], body)


def has_blocks(case: Kernel) -> bool:
    return any(isinstance(item, For) and item.step > 1 for item in walk(case.body))


def test_parts_that_share_nothing_run_along_whole_rows() -> None:
    case = two_sweeps("A", 1)
    scheduled = optimise(case).kernel
    assert not has_blocks(scheduled)
    assert_same(case, scheduled, {"n": 5, "m": 7})


def test_parts_that_touch_the_same_elements_run_in_blocks() -> None:
    case = two_sweeps("B", 0)
    scheduled = optimise(case).kernel
    assert has_blocks(scheduled)
    assert_same(case, scheduled, {"n": 5, "m": 7})
