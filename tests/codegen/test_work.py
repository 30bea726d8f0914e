"""Estimates of work: what statements count, and that slow operations and functions have costs of their own."""

from __future__ import annotations

import re

import pytest
from codegen_harness import SUPPORT
from kernel_builders import F64, argument, array, at, kernel, least, loop, op, plus, put

from setuptools_polyopt.codegen.c import kernel_source
from setuptools_polyopt.codegen.expr import guard_expression
from setuptools_polyopt.codegen.python import python_expression
from setuptools_polyopt.codegen.work import block_work, call_cost, certain_work, kernel_work, named, usual
from setuptools_polyopt.ir.dtypes import DType
from setuptools_polyopt.ir.expressions import Call, Compare, Expr, Unary
from setuptools_polyopt.ir.kernel import Role
from setuptools_polyopt.ir.statements import Break, If, Serial, While
from setuptools_polyopt.operators import mathematics, ufuncs
from setuptools_polyopt.runtime import costs

UNITS = {**dict.fromkeys(costs.NAMES, 1000.0), "scalar": 4.0}


def units(work: Expr, **values: int) -> float:
    """The estimate as a wheel's plans would compute it."""
    return float(eval(python_expression(work), {"cost": UNITS, **values}))


def test_statements_are_counted() -> None:
    s = put(at("s"), at("s"))
    triangle = loop("i", 0, "n", loop("j", 0, "i", s))
    tiles = loop("ii", 0, "n", loop("i", "ii", least(plus("ii", 8), "n"), s), step=8)
    for body, count in ((triangle, lambda n: n * (n - 1) / 2), (tiles, lambda n: n)):
        source = kernel_source(kernel("count", "n", [array("s", Role.RESULT)], (body,)))
        for n in (1, 4, 64, 1000):
            assert units(source.work, n=n) == pytest.approx(UNITS["scalar"] * 0.5 * count(n))


def test_a_loop_that_data_may_end_is_certain_to_run_once() -> None:
    s = put(at("s"), at("s"))
    search = loop("i", 0, "n", s, If(Compare("lt", at("s"), at("s")), (Break(),)))
    turns = While(Compare("lt", at("s"), at("s")), (loop("i", 0, "n", s),))
    for body, least_, most in ((search, 1.0, 500.0), (turns, 1000.0, 4000.0)):
        found = [units(count((Serial((body,)),), (Serial((body,)),)), n=1000) for count in (certain_work, kernel_work)]
        assert found[0] <= UNITS["scalar"] * 3.0 * least_ < UNITS["scalar"] * most <= found[1]


def test_only_what_runs_in_vectors_is_a_unit() -> None:
    alone = put(at("a", "i"), op("mul", at("a", "i"), at("a", "i")))
    serial, vector = (loop("i", 0, "n", alone, kind=kind) for kind in ("serial", "vector"))
    assert units(block_work((vector,)), n=10) == 40.0
    assert units(kernel_work((vector,), (vector,)), n=10) == 40.0
    assert units(kernel_work((vector,), (serial,)), n=10) == 160.0, "counted in program order, weighed as it is scheduled"


def test_slow_operations_have_costs_of_their_own() -> None:
    a = at("a", "i")
    for value, cost in (
        (Call("libm.sin", (a,), F64), 1002.0),
        (Call("numpy.exp", (a,), F64), 1002.0),
        (Call("numpy.some_new_ufunc", (a,), F64), 1002.0),
        (op("div", a, a), 1003.0),
        (Unary("sqrt", a, F64), 1002.0),
    ):
        assert units(block_work((loop("i", 0, "n", put(a, value), kind="vector"),)), n=10) == 10.0 * cost
    alone = loop("i", 0, "n", put(a, Call("libm.sin", (a,), F64)))
    assert units(kernel_work((alone,), (alone,)), n=1) == 1008.0, "a call takes as long alone"


def test_equal_operations_are_one_term() -> None:
    """A complex quotient has dozens of divisions; sums of all of them were too deep to print."""
    value: Expr = at("a", "i")
    for _ in range(400):
        value = op("div", value, at("a", "i"))
    work = block_work((put(at("a", "i"), value),))
    assert len(python_expression(work)) < 100
    assert units(work) == 400 * 1000.0 + 402


def test_a_cost_is_looked_up_where_the_estimate_is_made() -> None:
    number = costs.NAMES.index("libm.sin")
    assert guard_expression(named("libm.sin")) == f"polyopt_cost[{number}] /* libm.sin */"
    assert python_expression(named("libm.sin")) == 'cost["libm.sin"]'
    body = loop("i", 0, "n", put(at("a", "i"), usual("div")), kind="parallel")
    source = kernel_source(kernel("constants", "n", [argument("a", "n")], (body,)))
    assert "polyopt_cost" not in source.text, "how a loop is cut may be a little off"


def test_all_functions_have_costs() -> None:
    known = mathematics._LIBM_UNARY | mathematics._LIBM_BINARY
    assert known <= set(costs.LIBM)
    assert set(costs.UFUNCS) >= ufuncs.NUMPY_LOOPS
    for function in (*(f"libm.{name}" for name in known), *(f"numpy.{name}" for name in ufuncs.NUMPY_LOOPS)):
        assert call_cost(Call(function, (at("a", "i"),), DType.FLOAT64)) in costs.SECONDS
    text = (SUPPORT / "polyopt_entry.h").read_text(encoding="utf-8")
    room = re.search(r"#define POLYOPT_COSTS (\d+)", text)
    assert room is not None
    assert len(costs.NAMES) <= int(room.group(1))
