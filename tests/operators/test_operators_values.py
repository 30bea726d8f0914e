"""Mixed boxes, index arithmetic without checks, conversions, kinds of functions: what the frontend builds on."""

from __future__ import annotations

import itertools
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from operands import ARRAY_KINDS, KINDS, NUMPY_KINDS, PYTHON_KINDS, SPAN, Kind, same_bits

from setuptools_polyopt.diagnostics import Unsupported
from setuptools_polyopt.ir.dtypes import DType
from setuptools_polyopt.ir.expressions import Binary, Call, Const, Expr, Load, Sym
from setuptools_polyopt.ir.interpreter import KernelFailed, evaluate
from setuptools_polyopt.ir.visitors import walk_expr
from setuptools_polyopt.operators import elementwise, functions
from setuptools_polyopt.operators.facts import FACTS
from setuptools_polyopt.operators.intervals import bounds
from setuptools_polyopt.operators.values import Operand, ScalarType, element, join, literal, python, scalar


def load(name: str, dtype: DType) -> Load:
    return Load(name, (), dtype)


def mixed(name: str, dtype: DType) -> Operand:
    return Operand(load(name, dtype), ScalarType("mixed", dtype))


def checked(expr: Expr) -> bool:
    return any(getattr(node, "checked", False) for node in walk_expr(expr))


def test_an_accumulator_that_starts_as_a_python_float() -> None:
    total = elementwise.binary("Add", mixed("s", DType.FLOAT64), scalar(load("x", DType.FLOAT64)), "strict", SPAN)
    assert total.type == ScalarType("numpy", DType.FLOAT64)
    assert not checked(total.expr)


def test_a_mixed_value_keeps_its_box_open_with_python_numbers() -> None:
    half = elementwise.binary("Mult", mixed("s", DType.FLOAT64), literal(0.5, SPAN), "strict", SPAN)
    assert half.type.box == "mixed"


def test_a_mixed_division_fails_where_either_meaning_would_differ() -> None:
    ratio = elementwise.binary("Div", mixed("s", DType.FLOAT64), mixed("t", DType.FLOAT64), "strict", SPAN)
    with pytest.raises(KernelFailed):
        evaluate(ratio.expr, {"s": 1.0, "t": 0.0})


@pytest.mark.skipif(not FACTS.weak_scalars, reason="types depend on values before NumPy 2")
@pytest.mark.parametrize("other", [element(load("x", DType.FLOAT32)), scalar(load("x", DType.INT32))])
def test_mixed_values_whose_meanings_differ_are_refused(other: Operand) -> None:
    dtype = DType.FLOAT64 if other.dtype.is_float else DType.INT64
    with pytest.raises(Unsupported, match="Python or a NumPy scalar"):
        elementwise.binary("Add", mixed("s", dtype), other, "strict", SPAN)


def test_joined_types() -> None:
    a, b = ScalarType("python", DType.FLOAT64), ScalarType("numpy", DType.FLOAT64)
    assert join(a, a) == a
    assert join(a, b) == ScalarType("mixed", DType.FLOAT64)
    assert join(a, ScalarType("python", DType.INT64)) is None


def test_index_arithmetic_is_unchecked() -> None:
    i, n = python(Sym("i")), python(Sym("n"))
    one = literal(1, SPAN)
    index = elementwise.binary("Sub", elementwise.binary("Sub", n, one, "strict", SPAN), i, "strict", SPAN)
    assert not checked(index.expr)
    half = elementwise.binary("FloorDiv", n, literal(2, SPAN), "strict", SPAN)
    assert not checked(half.expr)
    assert not checked(elementwise.binary("Div", i, literal(7, SPAN), "strict", SPAN).expr)
    assert checked(elementwise.binary("Mult", elementwise.binary("Mult", n, n, "strict", SPAN), n, "strict", SPAN).expr)


_LEAVES = st.one_of(
    st.integers(-(2**62), 2**62).map(lambda v: Const(v, DType.INT64)),
    st.sampled_from([Sym("i"), Load("a", (), DType.INT64), Const(3, DType.INT64), Const(-5, DType.INT64)]),
)
_TREES = st.recursive(
    _LEAVES,
    lambda inner: st.builds(
        lambda op, x, y: elementwise.binary(op, python(x), python(y), "strict", SPAN).expr,
        st.sampled_from(["Add", "Sub", "Mult", "FloorDiv", "Mod"]), inner, inner,
    ),
    max_leaves=6,
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(_TREES, st.integers(-(2**40), 2**40), st.integers(-(2**63), 2**63 - 1))
def test_bounds_hold_and_unchecked_arithmetic_never_wraps(tree: Expr, i: int, a: int) -> None:
    def exact(expr: Expr) -> int:
        match expr:
            case Const(value=value):
                return int(value.real)
            case Sym():
                return i
            case Load():
                return a
            case Binary(op=op, left=left, right=right):
                x, y = exact(left), exact(right)
                return {"add": x + y, "sub": x - y, "mul": x * y}.get(op) or (x // y if op == "floordiv" else x % y if op == "mod" else 0)
            case _:
                raise TypeError(expr)

    try:
        ours = evaluate(tree, {"i": i, "a": np.int64(a)})
    except KernelFailed:
        return
    assert int(ours) == exact(tree)
    low, high = bounds(tree)
    assert low <= int(ours) <= high


def _setitem(value: object, dtype: DType) -> np.ndarray | None:
    target = np.zeros(1, dtype.value)
    with warnings.catch_warnings(), np.errstate(all="ignore", invalid="raise"):
        warnings.simplefilter("error")
        try:
            target[:] = value
        except (TypeError, ValueError, OverflowError, FloatingPointError, RuntimeWarning, np.exceptions.ComplexWarning):
            return None
    return target


@pytest.mark.skipif(not FACTS.weak_scalars, reason="types depend on values before NumPy 2")
@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_assignment_into_arrays(kind: Kind) -> None:
    for target in (kind.dtype for kind in NUMPY_KINDS):
        try:
            expr = elementwise.convert(kind.operand("x"), target, SPAN)
        except Unsupported:
            assert kind.dtype.is_complex
            continue
        assert expr.dtype is target
        for value in kind.values():
            theirs = _setitem(kind.hold(value), target)
            memory = {"x": np.array([value]) if kind.box == "array" else np.dtype(kind.dtype.value).type(value)}
            try:
                with np.errstate(all="ignore"):
                    ours = evaluate(expr, memory)
            except KernelFailed:
                wide = target.is_integer and kind.box == "numpy"  # NumPy may store something of what does not fit; we fail
                wide = wide or (target.is_integer and kind.dtype.is_float)
                assert theirs is None or wide, f"{value!r} into {target}: fails, NumPy stores {theirs!r}"
                continue
            assert theirs is not None, f"{value!r} into {target}: {ours!r}, NumPy refuses"
            assert same_bits(ours, theirs[0]), f"{value!r} into {target}: {ours!r} is not {theirs[0]!r}"


@pytest.mark.parametrize(("source", "target"), list(itertools.product([k.dtype for k in NUMPY_KINDS], repeat=2)))
def test_in_place_casting_rule(source: DType, target: DType) -> None:
    operand = element(Load("x", (Const(0, DType.INT64),), source))
    array = np.ones(1, target.value)
    try:
        np.add(np.zeros(1, target.value), np.ones(1, source.value), out=array)
        allowed = np.result_type(source.value, target.value) == np.dtype(source.value) or source is target
    except TypeError:
        allowed = False
    if np.can_cast(source.value, target.value, "same_kind"):
        assert elementwise.convert_in_place(operand, target, SPAN).dtype is target
    else:
        assert not allowed
        with pytest.raises(Unsupported):
            elementwise.convert_in_place(operand, target, SPAN)


@pytest.mark.skipif(not FACTS.weak_scalars, reason="types depend on values before NumPy 2")
def test_fast_powers_of_arrays_are_numpys() -> None:
    x = Kind("array", DType.FLOAT64).operand("x")
    square = elementwise.binary("Pow", x, literal(2, SPAN), "strict", SPAN)
    assert square.expr == Binary("mul", x.expr, x.expr, DType.FLOAT64)
    cube = elementwise.binary("Pow", x, literal(3, SPAN), "strict", SPAN)
    assert isinstance(cube.expr, Call)
    assert cube.expr.function == "numpy.power"
    with pytest.raises(Unsupported, match="exponents"):
        elementwise.binary("Pow", x, x, "strict", SPAN)
    rng = np.random.default_rng(4)
    values = np.exp(rng.normal(size=3000) * 3)
    for exponent in (2, 2.0, 0.5, -1, 1, 0, np.float32(2), np.int64(2)):
        kind = literal(exponent, SPAN) if type(exponent) in (int, float) else scalar(load("e", DType(exponent.dtype.name)))
        power = elementwise.binary("Pow", x, kind, "strict", SPAN).expr
        whole = values**exponent
        odd = np.flatnonzero(values * values != np.power(values, np.full(len(values), 2.0)))[:20]
        for index in (*range(50), *odd):
            assert same_bits(evaluate(power, {"x": values[index : index + 1], "e": exponent}), whole[index])


def test_complex_products_name_the_operands_that_need_unit_stride() -> None:
    z, x = Kind("array", DType.COMPLEX128).operand("z"), Kind("array", DType.FLOAT64).operand("x")
    product = elementwise.binary("Mult", z, z, "strict", SPAN)
    assert elementwise.unit_stride_arguments(product.expr) == (z.expr, z.expr)
    assert elementwise.unit_stride_arguments(elementwise.binary("Mult", x, x, "strict", SPAN).expr) == ()


def test_literals_that_do_not_fit() -> None:
    with pytest.raises(Unsupported, match="64 bits"):
        literal(2**63, SPAN)
    small = ARRAY_KINDS[1].operand("x")
    with pytest.raises(Unsupported):
        elementwise.binary("Add", small, literal(2**40, SPAN), "strict", SPAN)


def test_python_literals_stay_exact() -> None:
    minus = elementwise.unary("USub", literal(0.0, SPAN), SPAN).expr
    assert isinstance(minus, Const)
    assert np.signbit(minus.value)
    assert elementwise.unary("USub", PYTHON_KINDS[0].operand("x"), SPAN).dtype is DType.INT64


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("numpy.sum", "reduction"), ("numpy.exp", "elementwise"), ("numpy.where", "elementwise"), ("math.sin", "elementwise"),
        ("math.gamma", None), ("builtins.len", "query"), ("builtins.abs", "elementwise"), ("numpy.zeros", "creation"),
        ("numpy.dot", "contraction"), ("numpy.transpose", "view"), ("numpy.fft.fft", "library"), ("os.getcwd", None),
        ("numpy.no_such_function", None),
    ],
)  # fmt: skip
def test_kinds(path: str, expected: str | None) -> None:
    assert functions.kind(path) == expected


def test_methods_and_purity() -> None:
    assert functions.method("sum") == "numpy.sum"
    assert functions.method("sort") is None
    assert functions.attribute("T") == "numpy.transpose"
    assert functions.pure("numpy.sum")
    assert not functions.pure("numpy.random.normal")
    assert not functions.pure("os.getcwd")
