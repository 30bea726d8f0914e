"""Every operator on every pair of operand types against CPython and NumPy: bits, types and failures."""

from __future__ import annotations

import itertools
import operator
from collections.abc import Callable
from typing import Any

import pytest
from operands import ARRAY_KINDS, KINDS, NUMPY_KINDS, PYTHON_KINDS, SPAN, check

from setuptools_polyopt.operators import elementwise
from setuptools_polyopt.operators.facts import FACTS
from setuptools_polyopt.operators.promotion import OPERATORS

COMPARISONS: dict[str, Callable[[Any, Any], Any]] = {
    "Lt": operator.lt, "LtE": operator.le, "Gt": operator.gt, "GtE": operator.ge, "Eq": operator.eq, "NotEq": operator.ne,
}  # fmt: skip
# Pairs of real types that must be supported, so that "unsupported" cannot hide a defect.
REQUIRED = {"Add", "Sub", "Mult", "Div", "FloorDiv", "Mod", "Pow"}


def power(base: Any, exponent: Any) -> Any:
    """`base ** exponent`, without computing integers of millions of digits (which a kernel has to refuse as well)."""
    if type(base) is type(exponent) is int and abs(base) > 1 and exponent > 1000:
        raise OverflowError("does not fit 64 bits")
    return base**exponent


FUNCTIONS = {**OPERATORS, "Pow": power}


def sweep(op: str, limit: int) -> None:
    for left, right in itertools.product(KINDS, KINDS):
        outcome = check(lambda x, y: elementwise.binary(op, x, y, "strict", SPAN), FUNCTIONS[op], (left, right), limit)
        real = all(kind.dtype.is_float or kind.dtype.is_integer for kind in (left, right))
        arrays = left.box == right.box == "array" or (op == "Pow" and right.box == "array")
        expected = FACTS.weak_scalars and (FACTS.power_loop or op != "Pow")
        if op in REQUIRED and real and not arrays and expected:
            assert outcome is not None, f"{op} of {left} and {right} is unsupported"
            if limit > 20 and (op, left.box, right.box) != ("Div", "python", "python"):
                assert outcome.spurious <= outcome.computed + outcome.refused, f"{op} of {left} and {right}: {outcome}"


@pytest.mark.parametrize("op", OPERATORS)
def test_binary(op: str) -> None:
    sweep(op, 3)


@pytest.mark.slow
@pytest.mark.parametrize("op", OPERATORS)
def test_binary_all_values(op: str) -> None:
    sweep(op, 60)


@pytest.mark.parametrize("op", COMPARISONS)
def test_compare(op: str) -> None:
    for kinds in itertools.product(KINDS, KINDS):
        outcome = check(lambda x, y: elementwise.compare(op, x, y, SPAN), COMPARISONS[op], kinds, 3)
        if FACTS.weak_scalars and not any(kind.dtype.is_complex for kind in kinds):
            assert outcome is not None, f"{op} of {kinds[0]} and {kinds[1]} is unsupported"


@pytest.mark.parametrize(
    ("op", "function"),
    [("USub", operator.neg), ("UAdd", operator.pos), ("Invert", operator.invert), ("Not", operator.not_)],
)
def test_unary(op: str, function: Callable[[Any], Any]) -> None:
    for kind in KINDS:
        outcome = check(lambda x: elementwise.unary(op, x, SPAN), function, (kind,))
        if op in ("USub", "UAdd") and kind.dtype.kind in "ifc":
            assert outcome is not None
            assert outcome.spurious <= 1  # -(-2**63) does not fit


@pytest.mark.parametrize("op", ["And", "Or"])
def test_boolean(op: str) -> None:
    function = {"And": lambda a, b: a and b, "Or": lambda a, b: a or b}[op]
    scalars = PYTHON_KINDS + NUMPY_KINDS
    for left, right in itertools.product(scalars, scalars):
        outcome = check(lambda x, y: elementwise.boolean(op, x, y, SPAN), function, (left, right), 6)
        assert (outcome is None) == (left.dtype is not right.dtype)


def test_conditional_keeps_the_type_of_both_branches() -> None:
    test = PYTHON_KINDS[0]
    for kind in PYTHON_KINDS + NUMPY_KINDS:
        build = lambda t, x, y: elementwise.conditional(t, x, y, SPAN)  # noqa: E731
        outcome = check(build, lambda t, x, y: x if t else y, (test, kind, kind), 20)
        assert outcome is not None
        assert outcome.computed == 20 or kind.dtype.kind == "b"


def test_arrays_have_no_truth() -> None:
    for kind in ARRAY_KINDS:
        assert check(lambda x: elementwise.unary("Not", x, SPAN), operator.not_, (kind,)) is None
