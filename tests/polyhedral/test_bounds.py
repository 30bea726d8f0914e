"""`bounds` holds only where running the kernel stays inside all arrays, and always there if every statement runs."""

from __future__ import annotations

import itertools

import islpy as isl
import numpy as np
import pytest
from polyhedral_kernels import (
    F64,
    I64,
    array,
    at,
    floats,
    index,
    inputs,
    ints,
    kernel,
    loop,
    minus,
    number,
    plus,
    put,
)  # fmt: skip

from setuptools_polyopt.diagnostics import Unsupported
from setuptools_polyopt.ir.dtypes import DType
from setuptools_polyopt.ir.expressions import TRUE, Cast, Compare, Range, Reduce, Select, Sym, integer
from setuptools_polyopt.ir.interpreter import evaluate, run
from setuptools_polyopt.ir.kernel import Kernel, Role
from setuptools_polyopt.ir.statements import If, Stmt
from setuptools_polyopt.polyhedral import bounds
from setuptools_polyopt.polyhedral.scop import extract


def zero(*indices: object) -> Stmt:
    return put(at("A", *indices), number(0))  # type: ignore[arg-type]


def wrapped(expr: object, extent: str) -> Select:
    """How the lowering writes an index that may be negative."""
    value = index(expr)  # type: ignore[arg-type]
    return Select(Compare("lt", value, integer(0)), plus(value, extent), value, I64)


CASES: dict[str, Kernel] = {
    "whole": kernel("k", "n", [array("A", "n")], loop("i", 0, "n", zero("i"))),
    "shifted": kernel("k", "n m", [array("A", "n")], loop("i", 0, "m", zero(plus("i", 2)))),
    "other extent": kernel("k", "n m", [array("A", "n")], loop("i", 1, minus("m", 1), zero("i"))),
    "reversed": kernel("k", "n m", [array("A", "n")], loop("i", 0, "m", zero(minus(minus("n", 1), "i")))),
    "counting down": kernel("k", "n m", [array("A", "n")], loop("i", minus("m", 1), 0, zero(minus("i", 1)), step=-1)),
    "step": kernel("k", "n m", [array("A", "n")], loop("i", 1, "m", zero("i"), step=3)),
    "triangle": kernel("k", "n m", [array("A", "n")], loop("i", 0, "m", loop("j", "i", "m", zero(plus("i", "j"))))),
    "half": kernel("k", "n m", [array("A", "n")], loop("i", 0, "m", zero(ints("floordiv", "i", 2)))),
    "remainder": kernel("k", "n m", [array("A", "n")], loop("i", 0, "m", zero(ints("mod", "i", 3)))),
    "clipped": kernel("k", "n m", [array("A", "n")], loop("i", 0, "m", zero(ints("min", "i", 3)))),
    "negative wraps": kernel("k", "n m", [array("A", "n")], loop("i", 0, "m", zero(wrapped(minus("i", 2), "n")))),
    "guarded": kernel(
        "k", "n m", [array("A", "n")], loop("i", 0, "m", If(Compare("lt", Sym("i"), Sym("n")), (zero("i"),), (zero(0),)))
    ),
    "product extent": kernel("k", "n m", [array("A", ints("mul", "n", "m"))], loop("i", 0, ints("mul", "n", "m"), zero("i"))),
    "two axes": kernel("k", "n m", [array("A", "n", "m")], loop("i", 0, "m", zero("i", minus("i", 1)))),
    "chosen read": kernel(
        "k", "n m", [array("A", "n"), array("B", "n")],
        loop("i", 0, "n", put(at("A", "i"), Select(Compare("ge", Sym("i"), Sym("m")), at("B", minus("i", "m")), number(0), F64))),
    ),
    "reduction": kernel(
        "k", "n m", [array("A", "n"), array("B", "n", "n")],
        loop("i", 0, "n", put(at("A", "i"), Reduce("numpy.add", number(0), (Range("r", integer(0), Sym("m")),), at("B", "i", "r"), F64))),
    ),
    "constant": kernel("k", "n", [array("A", "n")], zero(2)),
}  # fmt: skip


def stays_inside(case: Kernel, params: dict[str, int]) -> bool:
    try:
        run(case, inputs(case, params), params)
    except IndexError:
        return False
    return True


def every_statement_runs(case: Kernel, params: dict[str, int]) -> bool:
    scop = extract(case)
    point = " and ".join(f"{name} = {value}" for name, value in params.items())
    values = isl.Set.read_from_str(scop.context.get_ctx(), f"[{', '.join(params)}] -> {{ : {point} }}")
    return not any(s.domain.intersect_params(values).is_empty() for s in scop.statements)


@pytest.mark.parametrize("name", CASES)
def test_holds_exactly_where_no_access_is_out_of_bounds(name: str) -> None:
    case = CASES[name]
    condition = bounds(case)
    seen = set()
    for values in itertools.product(range(7), repeat=len(case.params)):
        params = dict(zip((p.name for p in case.params), values, strict=True))
        inside, holds = stays_inside(case, params), bool(evaluate(condition, params))
        assert inside or not holds, params
        assert holds or not inside or not every_statement_runs(case, params), params
        seen.add(holds)
    assert True in seen


def test_nothing_to_check_is_true() -> None:
    assert bounds(CASES["whole"]) == TRUE


def test_scalar_input_as_index_becomes_part_of_the_condition() -> None:
    item = at("p", dtype=I64)
    case = kernel("k", "n", [array("A", "n"), array("p", role=Role.INPUT, dtype=I64)], zero(item))
    condition = bounds(case)
    assert [bool(evaluate(condition, {"n": 3, "p": np.int64(p)})) for p in (-1, 0, 2, 3)] == [False, True, True, False]


def test_index_from_data_is_named() -> None:
    where = Cast(at("B", "i"), DType.INT64)
    case = kernel("k", "n", [array("A", "n"), array("B", "n")], loop("i", 0, "n", zero(where)))
    with pytest.raises(Unsupported, match=r"A\[.*B\[i\]"):
        bounds(case)


def test_loop_bound_that_is_not_affine_is_named() -> None:
    limit = Cast(floats("mul", at("x"), number(2)), I64)
    case = kernel("k", "n", [array("A", "n"), array("x", role=Role.INPUT)], loop("i", 0, limit, zero("i")))
    with pytest.raises(Unsupported, match="range of the loop over `i`"):
        bounds(case)
