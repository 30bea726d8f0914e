"""Extraction: domains, dates, predicates, opaque parameters."""

from __future__ import annotations

import islpy as isl
import pytest
from polyhedral_kernels import CORPUS, array, at, ints, kernel, loop, number, plus, put

from setuptools_polyopt.diagnostics import Unsupported
from setuptools_polyopt.ir.expressions import Compare, Sym
from setuptools_polyopt.ir.statements import Assign, For, If, Stmt, walk
from setuptools_polyopt.polyhedral.normalise import normalise
from setuptools_polyopt.polyhedral.scop import extract


def test_domains_and_dates_of_lu() -> None:
    scop = extract(CORPUS["lu"]())
    assert [s.name for s in scop.statements] == ["S0", "S1"]
    assert scop.statement("S1").positions == (0, 0, 1, 0)
    assert scop.statement("S1").iterators == ("k", "i", "j")
    assert scop.domain.is_equal(
        type(scop.domain).read_from_str(
            scop.context.get_ctx(), "[n] -> { S0[k, i] : 0 <= k < i < n; S1[k, i, j] : 0 <= k < i < n and k < j < n }"
        )
    )


def test_affine_condition_splits_the_domain() -> None:
    first, second = put(at("A", "i"), number(1), "P"), put(at("A", "i"), number(2), "Q")
    test = If(Compare("lt", Sym("i"), ints("floordiv", "n", 2)), (first,), (second,))
    scop = extract(kernel("k", "n", [array("A", "n")], loop("i", 0, "n", test)))
    p, q = scop.statement("P").domain, scop.statement("Q").domain.set_tuple_name("P")
    assert p.intersect(q).is_empty()
    assert all(a.must for s in scop.statements for a in s.accesses if a.write)


def test_data_condition_is_one_statement_with_may_writes() -> None:
    test = If(Compare("gt", at("B", "i"), number(0)), (put(at("A", "i"), number(1), "P"), put(at("B", "i"), number(1), "Q")))
    scop = extract(kernel("k", "n", [array("A", "n"), array("B", "n")], loop("i", 0, "n", test)))
    (statement,) = scop.statements
    assert {a.load.array for a in statement.accesses if a.write} == {"A", "B"}
    assert not any(a.must for a in statement.accesses if a.write)


def test_data_condition_around_a_loop_is_evaluated_once() -> None:
    """The loop changes what the condition reads."""
    inner = loop("j", 0, "n", put(at("B", "j"), number(0), "P"))
    test = If(Compare("gt", at("B", "i"), number(0)), (inner,), (put(at("B", 0), number(5), "Q"),))
    case = kernel("k", "n", [array("B", "n")], loop("i", 0, "n", test))
    after = normalise(case)
    outer = after.body[0]
    assert isinstance(outer, For)
    assert isinstance(outer.body[0], Assign)
    assert isinstance(outer.body[1], For)
    assert len({s.label for s in walk(after.body) if isinstance(s, Assign)}) == 3


def test_product_of_parameters_is_opaque() -> None:
    product = ints("mul", "n", "m")
    scop = extract(kernel("k", "n m", [array("A", product)], loop("i", 0, product, put(at("A", "i"), number(0)))))
    assert list(scop.names) == ["n * m"]


@pytest.mark.parametrize("step", [2, -1, -3])
def test_strided_and_descending_loops(step: int) -> None:
    lower, upper = (1, "n") if step > 0 else ("n", 1)
    case = kernel("k", "n", [array("A", plus("n", 1))], loop("i", lower, upper, put(at("A", "i"), number(0), "S"), step=step))
    points: list[int] = []
    found = extract(case).statement("S").domain
    ctx = found.get_ctx()
    fixed = found.intersect_params(type(found).read_from_str(ctx, "[n] -> { : n = 9 }"))
    fixed.foreach_point(lambda point: points.append(int(point.get_coordinate_val(isl.dim_type.set, 0).to_python())))
    assert sorted(points) == sorted(range(1, 9, step) if step > 0 else range(9, 1, step))


@pytest.mark.parametrize(("steps", "refused"), [((9973, 7919), True), ((64, 64, 32), False), ((3, 5, 2), False), ((1_000_003, 1), False)])
def test_steps_that_hardly_ever_meet_are_refused(steps: tuple[int, ...], refused: bool) -> None:
    """isl would take minutes, whatever its count of operations says."""
    body: Stmt = put(at("A", f"i{len(steps) - 1}"), number(0))
    for number_, step in reversed(list(enumerate(steps))):
        body = loop(f"i{number_}", f"i{number_ - 1}" if number_ else 0, "n", body, step=step)
    case = kernel("k", "n", [array("A", "n")], body)
    if refused:
        with pytest.raises(Unsupported, match="too intricate together"):
            extract(case)
    else:
        extract(case)
