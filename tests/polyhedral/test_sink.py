"""Loops that run along columns go innermost, in blocks."""

from __future__ import annotations

from polyhedral_kernels import array, assert_same, at, floats, kernel, loop, number, put

from setuptools_polyopt.ir.kernel import Kernel
from setuptools_polyopt.ir.statements import Assign, For
from setuptools_polyopt.polyhedral import optimise


def column_mean() -> Kernel:
    body = (
        put(at("s", "j"), number(0)),
        loop("i", 0, "n", put(at("s", "j"), floats("add", at("s", "j"), at("A", "i", "j")))),
        put(at("s", "j"), floats("div", at("s", "j"), number(3))),
    )
    return kernel("column_mean", "n m", [array("A", "n", "m"), array("s", "m")], loop("j", 0, "m", *body))


def row_mean() -> Kernel:
    body = (put(at("s", "i"), number(0)), loop("j", 0, "m", put(at("s", "i"), floats("add", at("s", "i"), at("A", "i", "j")))))
    return kernel("row_mean", "n m", [array("A", "n", "m"), array("s", "n")], loop("i", 0, "n", *body))


def innermost(case: Kernel, label: str) -> list[For]:
    """The loops around a statement."""

    def search(body: tuple[object, ...], around: list[For]) -> list[For] | None:
        for item in body:
            if isinstance(item, For):
                found = search(item.body, [*around, item])
                if found is not None:
                    return found
            elif isinstance(item, Assign) and item.label == label:
                return around
        return None

    return search(case.body, []) or []


def test_column_sums_run_along_rows() -> None:
    case = column_mean()
    result = optimise(case).kernel
    around = innermost(result, "S1")
    assert [s.kind for s in around] == ["parallel", "serial", "vector"]
    assert [s.var for s in around][1:] == ["i", "j"]
    assert_same(case, result, {"n": 4, "m": 5})
    assert_same(case, result, {"n": 2, "m": 600})


def test_row_sums_stay() -> None:
    case = row_mean()
    result = optimise(case).kernel
    assert_same(case, result, {"n": 40, "m": 3})
    assert innermost(result, "S1")[0].kind == "parallel"
