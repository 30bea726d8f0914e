"""Dependences against their definition, by enumerating every access of a run."""

from __future__ import annotations

import itertools

import islpy as isl
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from polyhedral_kernels import CORPUS, array, at, floats, kernel, loop, number, plus, put, temporary
from random_loop_nests import kernels

from setuptools_polyopt.ir.expressions import Compare
from setuptools_polyopt.ir.kernel import Kernel
from setuptools_polyopt.ir.statements import If
from setuptools_polyopt.polyhedral.dependences import dependences
from setuptools_polyopt.polyhedral.scop import Scop, extract

Instance = tuple[str, tuple[int, ...]]
Pair = tuple[Instance, Instance]


def fixed(union: isl.UnionMap, params: dict[str, int]) -> isl.UnionMap:
    point = " and ".join(f"{name} = {value}" for name, value in params.items())
    values = isl.Set.read_from_str(union.get_ctx(), f"[{', '.join(params)}] -> {{ : {point} }}")
    return union.intersect_params(values)


def points(union: isl.UnionMap, params: dict[str, int]) -> set[tuple[Instance, tuple[str, tuple[int, ...]]]]:
    """All pairs of a union map for given parameters."""
    found = []
    for relation in maps_of(fixed(union, params)):
        source, target = relation.get_tuple_name(isl.dim_type.in_) or "", relation.get_tuple_name(isl.dim_type.out) or ""
        size = relation.dim(isl.dim_type.in_)
        flat = relation.wrap().flatten()
        total = flat.dim(isl.dim_type.set)

        def record(point: isl.Point, source: str = source, target: str = target, size: int = size, total: int = total) -> None:
            values = tuple(int(point.get_coordinate_val(isl.dim_type.set, k).to_python()) for k in range(total))
            found.append(((source, values[:size]), (target, values[size:])))

        flat.foreach_point(record)
    return set(found)


def maps_of(union: isl.UnionMap) -> list[isl.Map]:
    maps = union.get_map_list()
    return [maps.get_at(k) for k in range(maps.n_map())]


def expected(scop: Scop, params: dict[str, int]) -> tuple[set[Pair], set[Pair], set[Pair]]:
    """Flow, anti and output dependences by definition."""
    dates = {instance: date for instance, (_, date) in points(scop.schedule, params)}
    reads, must, may = (points(u, params) for u in (scop.reads, scop.must_writes, scop.may_writes))
    writes = must | may
    flow = set()
    for reader, cell in reads:
        before = [(dates[w], w) for w, c in writes if c == cell and dates[w] < dates[reader]]
        last = max((date for date, w in before if (w, cell) in must), default=())
        flow |= {(w, reader) for date, w in before if date >= last}
    anti = {(r, w) for (r, a), (w, b) in itertools.product(reads, writes) if a == b and dates[r] < dates[w]}
    output = {(v, w) for (v, a), (w, b) in itertools.product(writes, writes) if a == b and dates[v] < dates[w]}
    return flow, anti, output


def compare(case: Kernel, params: dict[str, int]) -> None:
    scop = extract(case)
    found = dependences(scop)
    flow, anti, output = expected(scop, params)
    assert points(found.flow, params) == flow
    assert points(found.anti, params) == anti
    assert points(found.output, params) == output


@pytest.mark.parametrize("name", ["matmul_with_accumulator", "lu", "jacobi2d", "seidel2d", "chain", "softmax"])
def test_corpus(name: str) -> None:
    case = CORPUS[name]()
    compare(case, {p.name: 2 if p.name == "t" else 4 for p in case.params})


@settings(
    max_examples=25, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True, phases=[Phase.explicit, Phase.generate]
)
@given(kernels())
def test_random(case: Kernel) -> None:
    compare(case, {"n": 3, "m": 2})


def test_a_conditional_write_hides_nothing() -> None:
    test = If(Compare("gt", at("B", "i"), number(0)), (put(at("A", 0), number(1), "maybe"),))
    read = put(at("C", "i"), at("A", 0), "read")
    body = (put(at("A", 0), number(0), "sure"), loop("i", 0, "n", test), loop("i", 0, "n", read))
    case = kernel("k", "n", [array("A", "n"), array("B", "n"), array("C", "n")], *body)
    pairs = points(dependences(extract(case)).flow, {"n": 2})
    sources = {source for source, target in pairs if target == ("read", (0,))}
    assert sources == {("sure", ()), ("maybe", (0,)), ("maybe", (1,))}


def test_a_read_after_a_certain_write_of_its_own_statement_sees_that_one() -> None:
    inner = (put(at("t"), at("B", "i"), "S"), put(at("C", "i"), floats("add", at("t"), at("t")), "T"))
    case = kernel(
        "k", "n", [array("B", "n"), array("C", "n"), temporary("t")], loop("i", 0, "n", If(Compare("gt", at("B", "i"), number(0)), inner))
    )
    assert points(dependences(extract(case)).flow, {"n": 3}) == set()


def test_shifted_slices_are_different_elements() -> None:
    case = kernel("k", "n", [array("A", plus("n", 1))], loop("i", 0, "n", put(at("A", "i"), at("A", plus("i", 1)), "S")))
    found = dependences(extract(case))
    assert points(found.flow, {"n": 4}) == set()
    assert points(found.anti, {"n": 4}) == {(("S", (i,)), ("S", (i + 1,))) for i in range(3)}
