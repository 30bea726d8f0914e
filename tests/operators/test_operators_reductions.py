"""Reductions and contractions, run as the plan says, against NumPy."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from operands import NUMPY_TYPES, SPAN, same_bits

from setuptools_polyopt.diagnostics import Unsupported
from setuptools_polyopt.ir.dtypes import DType
from setuptools_polyopt.ir.expressions import Const, Expr, Load, Range, Reduce, Sym
from setuptools_polyopt.ir.interpreter import evaluate
from setuptools_polyopt.operators.contractions import contraction
from setuptools_polyopt.operators.facts import FACTS
from setuptools_polyopt.operators.reductions import Reduction, plan, reduction
from setuptools_polyopt.operators.values import Operand, ScalarType, element

NAMES = ("sum", "prod", "mean", "min", "max", "any", "all")
FLOATS = (DType.FLOAT32, DType.FLOAT64, DType.COMPLEX64, DType.COMPLEX128)


def array_of(dtype: DType) -> Operand:
    return element(Load("x", (Const(0, DType.INT64),), dtype))


def values(shape: tuple[int, ...], dtype: DType, seed: int) -> np.ndarray[Any, Any]:
    rng = np.random.default_rng(seed)
    if dtype.kind in "biu":
        return rng.integers(0, 2 if dtype is DType.BOOL else 50, shape).astype(dtype.value)
    x = rng.normal(size=shape) * np.exp(rng.normal(size=shape))
    x[rng.random(shape) < 0.1] = 0.0
    x[rng.random(shape) < 0.1] = -0.0
    return (x + 1j * rng.normal(size=shape) if dtype.is_complex else x).astype(dtype.value)


def prepared(rule: Reduction, row: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    expr = rule.prepare(Load("x", (), rule.source))
    return np.array([evaluate(expr, {"x": item}) for item in row.ravel()], rule.accumulator.value).reshape(row.shape)


def one_result(rule: Reduction, block: np.ndarray[Any, Any], kept: bool) -> Any:
    """block: sequential steps x inner elements (inner 1 wide and not looped where the plan has no inner axes)."""
    steps = prepared(rule, block)
    dtype = rule.accumulator
    acc: Any = None if rule.init is None else evaluate(rule.init, {})
    for row in steps:
        if acc is None:
            acc, row = row[0], row[1:]
        if rule.function is not None and steps.shape[1] > 1:
            init: Expr = Load("acc", (), dtype)
            body = Load("row", (Sym("k"),), dtype)
            zero = Const(0, DType.INT64)
            whole = Reduce(rule.function, init, (Range("k", zero, Const(len(row), DType.INT64)),), body, dtype)
            acc = evaluate(whole, {"acc": acc, "row": row})
        else:
            for item in row:
                acc = evaluate(rule.combine(Load("acc", (), dtype), Load("item", (), dtype)), {"acc": acc, "item": item})
    done = rule.finish(Load("acc", (), dtype), Load("n", (), DType.INT64), kept, SPAN)
    return evaluate(done.expr, {"acc": acc, "n": np.int64(block.size)}), done


def compare(name: str, x: np.ndarray[Any, Any], axes: tuple[int, ...] | None) -> None:
    rule = reduction(f"numpy.{name}", array_of(DType(x.dtype.name)), "strict", SPAN)
    order = plan(x.ndim, axes)
    inner = order.inner if rule.function else ()
    sequential = tuple(a for a in range(x.ndim) if a not in order.kept and a not in inner)
    theirs = getattr(np, name)(x, axis=axes)
    moved = np.transpose(x, (*order.kept, *sequential, *inner))
    width = int(np.prod([x.shape[a] for a in inner], dtype=int)) if inner else 1
    moved = moved.reshape(*(x.shape[a] for a in order.kept), -1, width)
    for index in np.ndindex(*(x.shape[a] for a in order.kept)):
        ours, done = one_result(rule, moved[index], bool(order.kept))
        assert done.dtype.value == theirs.dtype.name
        assert done.array == isinstance(theirs, np.ndarray)
        assert same_bits(ours, theirs[index]), f"{name} {x.dtype} {x.shape} {axes} at {index}: {ours!r} {theirs[index]!r}"


def supported(name: str, dtype: DType) -> bool:
    if name == "mean" and dtype is DType.COMPLEX64 and not FACTS.weak_scalars:
        return False
    return not (dtype.is_complex and name in ("min", "max", "prod"))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("dtype", NUMPY_TYPES)
def test_along_one_axis(name: str, dtype: DType) -> None:
    if not supported(name, dtype):
        with pytest.raises(Unsupported):
            reduction(f"numpy.{name}", array_of(dtype), "strict", SPAN)
        return
    for seed, n in enumerate((1, 2, 7, 8, 9, 130, 300)):
        compare(name, values((n,), dtype, seed), None)
        compare(name, values((3, n), dtype, seed), (1,))
        compare(name, values((n, 3), dtype, seed), (0,))


@pytest.mark.parametrize("name", ["sum", "mean", "max", "prod"])
@pytest.mark.parametrize("dtype", FLOATS)
def test_orders_of_floats(name: str, dtype: DType) -> None:
    if not supported(name, dtype):
        return
    for shape in ((2, 3, 5), (3, 9, 2), (9, 2, 17), (4, 1, 6)):
        for count in (1, 2, 3):
            for axes in itertools.combinations(range(3), count):
                separators = plan(3, axes).separators
                if separators and all(shape[axis] == 1 for axis in separators):
                    continue  # NumPy merges the axes: the guard's condition
                compare(name, values(shape, dtype, sum(shape)), axes)


def test_the_separator_condition_is_needed() -> None:
    x = values((300, 1), DType.FLOAT64, 3)
    assert plan(2, (0,)).separators == (1,)
    sequential = np.float64(0)
    for item in x[:, 0]:
        sequential = sequential + item
    assert x.sum(0)[0] != sequential


@pytest.mark.parametrize("dtype", [DType.FLOAT32, DType.FLOAT64])
def test_padded_rows_keep_the_order(dtype: DType) -> None:
    x = values((4, 140), dtype, 1)[:, :131]
    compare("sum", x, (1,))
    compare("sum", x, (0,))
    compare("max", x, (1,))


@pytest.mark.parametrize("rank", [1, 2, 3, 4])
def test_plans_cover_every_axis_once(rank: int) -> None:
    for count in range(1, rank + 1):
        for axes in itertools.combinations(range(rank), count):
            order = plan(rank, axes)
            assert sorted(order.kept + order.sequential + order.inner) == list(range(rank))
            assert set(order.sequential + order.inner) == set(axes)
    assert plan(rank, None).inner == tuple(range(rank))
    with pytest.raises(ValueError):
        plan(rank, (rank,))


def test_integer_means_are_guarded() -> None:
    rule = reduction("numpy.mean", array_of(DType.INT64), "strict", SPAN)
    assert rule.free
    assert rule.max_count == 2**22
    wide = rule.prepare(Load("x", (), DType.INT64))
    with pytest.raises(Exception, match="overflow"):
        evaluate(wide, {"x": np.int64(2**40)})


def test_empty_arrays() -> None:
    assert reduction("numpy.sum", array_of(DType.FLOAT64), "strict", SPAN).min_count == 0
    assert reduction("numpy.max", array_of(DType.FLOAT64), "strict", SPAN).min_count == 1
    assert reduction("numpy.mean", array_of(DType.FLOAT64), "strict", SPAN).min_count == 1


def test_scalars_and_unknown_functions_are_refused() -> None:
    number = Operand(Load("x", (), DType.FLOAT64), ScalarType("numpy", DType.FLOAT64))
    with pytest.raises(Unsupported):
        reduction("numpy.sum", number, "strict", SPAN)
    with pytest.raises(Unsupported):
        reduction("numpy.median", array_of(DType.FLOAT64), "strict", SPAN)


@pytest.mark.parametrize(("left", "right"), list(itertools.product((DType.BOOL, DType.INT32, DType.INT64), repeat=2)))
def test_integer_products_are_plain_loops(left: DType, right: DType) -> None:
    a, b = values((6,), left, 1), values((6,), right, 2)
    rule = contraction("operator.matmul", (array_of(left), array_of(right)), True, "strict", SPAN)
    acc = evaluate(rule.init, {})
    step = rule.combine(Load("acc", (), rule.dtype), (Load("a", (), left), Load("b", (), right)))
    for x, y in zip(a, b, strict=True):
        acc = evaluate(step, {"acc": acc, "a": x, "b": y})
    assert rule.free
    assert same_bits(acc, a @ b)


def test_float_products_are_the_librarys() -> None:
    with pytest.raises(Unsupported, match="BLAS"):
        contraction("numpy.dot", [array_of(DType.FLOAT64)] * 2, True, "strict", SPAN)
    assert not contraction("numpy.dot", [array_of(DType.FLOAT64)] * 2, True, "bounded", SPAN).free
