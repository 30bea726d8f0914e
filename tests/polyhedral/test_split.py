"""Index-set splitting: a loop is cut at the iteration that the others depend on, and only there."""

from __future__ import annotations

from polyhedral_kernels import CORPUS, array, assert_same, at, floats, kernel, loop, minus, number, plus, put

from setuptools_polyopt.ir.expressions import Sym
from setuptools_polyopt.ir.kernel import Kernel
from setuptools_polyopt.ir.statements import Assign, For, walk
from setuptools_polyopt.ir.verifier import verify
from setuptools_polyopt.polyhedral import optimise
from setuptools_polyopt.polyhedral.dependences import dependences
from setuptools_polyopt.polyhedral.scop import extract
from setuptools_polyopt.polyhedral.split import joined_labels, split


def pieces(case: Kernel) -> Kernel:
    scop = extract(case)
    return split(scop, dependences(scop).all)


def loops(case: Kernel) -> list[For]:
    return [s for s in walk(case.body) if isinstance(s, For)]


def test_floyd_warshall_falls_into_nine_pieces() -> None:
    after = pieces(CORPUS["floyd_warshall"]())
    verify(after)
    labels = [s.label for s in walk(after.body) if isinstance(s, Assign)]
    assert len(set(labels)) == 9
    assert {s.label for s in walk(joined_labels(after).body) if isinstance(s, Assign)} == {"S0"}
    for size in (0, 1, 4):
        assert_same(CORPUS["floyd_warshall"](), after, {"n": size})


def test_floyd_warshall_becomes_parallel() -> None:
    result = optimise(CORPUS["floyd_warshall"]()).kernel
    outer = result.body[0]
    assert isinstance(outer, For)
    assert outer.kind == "serial"
    rows = [s for s in outer.body if isinstance(s, For)]
    assert [s.kind for s in rows if any(isinstance(inner, For) for inner in s.body)] == ["parallel", "parallel"]
    assert all(s.kind == "vector" for s in loops(result) if not any(isinstance(inner, For) for inner in walk(s.body)))


def test_pivot_row_outside_the_loop_is_left_alone() -> None:
    case = CORPUS["lu"]()
    assert [s.var for s in loops(pieces(case))] == ["k", "i", "j"]


def test_a_recurrence_is_left_alone() -> None:
    update = put(at("A", "i"), floats("add", at("A", "i"), at("A", minus("i", 1))))
    case = kernel("k", "n", [array("A", "n")], loop("i", 1, "n", update))
    assert len(loops(pieces(case))) == 1


def test_shifted_subscripts_give_the_right_iteration() -> None:
    """A[i + 1] meets A[k] at i = k - 1."""
    update = put(at("A", plus("i", 1)), floats("add", at("A", plus("i", 1)), floats("mul", number(0.5), at("A", "k"))))
    case = kernel("k", "n", [array("A", plus("n", 1))], loop("k", 0, "n", loop("i", 0, "n", update)))
    after = pieces(case)
    assert len([s for s in loops(after) if s.var.startswith("i")]) == 3
    for size in (0, 1, 2, 5):
        assert_same(case, after, {"n": size})
        assert_same(case, optimise(case).kernel, {"n": size})
    assert Sym("k") not in (s.upper for s in loops(after))
