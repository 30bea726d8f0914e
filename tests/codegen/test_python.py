"""Expressions over parameters as Python: what the text evaluates to is what the interpreter says."""

from __future__ import annotations

import random

import pytest

from setuptools_polyopt.codegen.python import python_expression, python_name
from setuptools_polyopt.ir.dtypes import DType
from setuptools_polyopt.ir.expressions import Binary, Cast, Compare, Const, Expr, Load, Select, Sym, Unary, integer
from setuptools_polyopt.ir.interpreter import evaluate

NAMES = ("n", "min", "lambda")


def random_integer(rng: random.Random, depth: int) -> Expr:
    if depth == 0:
        return rng.choice([integer(rng.randint(-5, 5)), Sym(rng.choice(NAMES))])
    kind = rng.randrange(8)
    if kind == 0:
        return Unary("neg", random_integer(rng, depth - 1), DType.INT64)
    if kind == 1:
        branches = random_integer(rng, depth - 1), random_integer(rng, depth - 1)
        return Select(random_condition(rng, depth - 1), *branches, DType.INT64)
    if kind == 2:
        return Binary(rng.choice(["floordiv", "mod"]), random_integer(rng, depth - 1), integer(rng.randint(1, 7)), DType.INT64)
    if kind == 3:
        return Cast(random_condition(rng, depth - 1), DType.INT64)
    left, right = random_integer(rng, depth - 1), random_integer(rng, depth - 1)
    return Binary(rng.choice(["add", "sub", "mul", "min", "max"]), left, right, DType.INT64)


def random_condition(rng: random.Random, depth: int) -> Expr:
    left, right = random_integer(rng, max(0, depth - 1)), random_integer(rng, max(0, depth - 1))
    test = Compare(rng.choice(["lt", "le", "gt", "ge", "eq", "ne"]), left, right)
    if depth <= 1:
        return test
    if rng.randrange(3) == 0:
        return Unary("not", random_condition(rng, depth - 1), DType.BOOL)
    return Binary(rng.choice(["and", "or"]), test, random_condition(rng, depth - 1), DType.BOOL)


@pytest.mark.parametrize("seed", range(200))
def test_text_means_what_the_expression_means(seed: int) -> None:
    rng = random.Random(seed)
    expr = rng.choice([random_integer, random_condition])(rng, rng.randint(1, 4))
    values = {name: rng.randint(-9, 9) for name in NAMES}
    names = {python_name(name): value for name, value in values.items()}
    text = python_expression(expr)
    assert eval(text, {}, names) == evaluate(expr, values), text


def test_readable() -> None:
    bound = Binary("min", Binary("sub", Sym("n"), integer(1), DType.INT64), integer(7), DType.INT64)
    assert python_expression(Binary("add", bound, integer(1), DType.INT64)) == "min(n - 1, 7) + 1"
    work = Binary("mul", Const(0.5, DType.FLOAT64), Cast(Sym("n"), DType.FLOAT64), DType.FLOAT64)
    assert python_expression(work) == "0.5 * float(n)"


def test_elements_are_refused() -> None:
    with pytest.raises(TypeError):
        python_expression(Load("a", (integer(0),), DType.FLOAT64))
