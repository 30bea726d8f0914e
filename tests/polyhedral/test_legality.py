"""The legality check accepts what is legal and refuses, with a witness, what is not."""

from __future__ import annotations

from dataclasses import replace

import pytest
from polyhedral_kernels import CORPUS, array, at, floats, kernel, loop, minus, plus, put

from setuptools_polyopt.ir.kernel import Kernel
from setuptools_polyopt.polyhedral.dependences import dependences
from setuptools_polyopt.polyhedral.legality import Violation, check
from setuptools_polyopt.polyhedral.scop import Scop, extract
from setuptools_polyopt.polyhedral.spaces import variable
from setuptools_polyopt.polyhedral.tree import Band, Leaf, Member, Sequence, Tree, program_order


def verdict(scop: Scop, tree: Tree) -> Violation | None:
    return check(tree, scop, dependences(scop).all)


def loops(scop: Scop, *names: str, kind: str = "serial") -> tuple[Member, ...]:
    dates = [{s.name: variable(s.space, name) for s in scop.statements} for name in names]
    return tuple(Member(date, False, kind if k == 0 else "serial") for k, date in enumerate(dates))  # type: ignore[arg-type]



def producer_consumer(shift: int) -> Kernel:
    """B[i] = A[i]; C[i] = B[i + shift]"""
    return kernel(
        "k", "n", [array("A", plus("n", 2)), array("B", plus("n", 2)), array("C", plus("n", 2))],
        loop("i", 0, "n", put(at("B", "i"), at("A", "i"), "S")),
        loop("i", 0, minus("n", shift), put(at("C", "i"), at("B", plus("i", shift)), "T")),
    )  # fmt: skip


@pytest.mark.parametrize("name", CORPUS)
def test_program_order_is_legal(name: str) -> None:
    scop = extract(CORPUS[name]())
    assert verdict(scop, program_order(scop)) is None


def test_statement_order_reversed() -> None:
    scop = extract(producer_consumer(0))
    tree = program_order(scop)
    assert isinstance(tree, Sequence)
    found = verdict(scop, Sequence(tree.children[::-1]))
    assert found is not None
    assert "S[" in found.witness
    assert "T[" in found.witness


def test_fusion_of_equal_dates_is_legal_and_of_shifted_ones_is_not() -> None:
    for shift, legal in ((0, True), (1, False)):
        scop = extract(producer_consumer(shift))
        tree = Band(loops(scop, "i"), True, Leaf(("S", "T")))
        assert (verdict(scop, tree) is None) == legal


def test_order_within_a_leaf() -> None:
    scop = extract(producer_consumer(0))
    assert verdict(scop, Band(loops(scop, "i"), True, Leaf(("T", "S")))) is not None


def test_parallel_loop_that_carries_a_dependence() -> None:
    update = put(at("A", "i"), floats("add", at("A", "i"), at("A", minus("i", 1))), "S")
    scop = extract(kernel("k", "n", [array("A", "n")], loop("i", 1, "n", update)))
    assert verdict(scop, Band(loops(scop, "i"), True, Leaf(("S",)))) is None
    for kind in ("parallel", "vector"):
        found = verdict(scop, Band(loops(scop, "i", kind=kind), True, Leaf(("S",))))
        assert found is not None
        assert kind in found.reason


def test_interchange_against_a_dependence() -> None:
    update = put(at("A", "i", "j"), at("A", minus("i", 1), plus("j", 1)), "S")
    scop = extract(kernel("k", "n", [array("A", "n", "n")], loop("i", 1, "n", loop("j", 0, minus("n", 1), update))))
    assert verdict(scop, Band(loops(scop, "i", "j"), False, Leaf(("S",)))) is None
    found = verdict(scop, Band(loops(scop, "j", "i"), False, Leaf(("S",))))
    assert found is not None
    assert "backwards" in found.reason


def test_reversal_of_a_recurrence() -> None:
    update = put(at("A", "i"), at("A", minus("i", 1)), "S")
    scop = extract(kernel("k", "n", [array("A", "n")], loop("i", 1, "n", update)))
    (member,) = loops(scop, "i")
    backwards = replace(member, dates={"S": member.dates["S"].neg()})
    assert verdict(scop, Band((backwards,), True, Leaf(("S",)))) is not None


def test_two_dependent_instances_at_one_date() -> None:
    scop = extract(kernel("k", "n", [array("A", "n")], loop("i", 1, "n", put(at("A", "i"), at("A", minus("i", 1)), "S"))))
    found = verdict(scop, Leaf(("S",)))
    assert found is not None
    assert "share a date" in found.reason


def test_lost_and_doubled_statements() -> None:
    scop = extract(producer_consumer(0))
    assert verdict(scop, Band(loops(scop, "i"), True, Leaf(("S",)))) is not None
    assert verdict(scop, Band(loops(scop, "i"), True, Leaf(("S", "T", "T")))) is not None
