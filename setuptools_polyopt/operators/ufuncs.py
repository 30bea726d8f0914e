"""NumPy ufuncs element by element: what arrays do under operators, and what `np.f(...)` does to arrays and scalars.

A ufunc with one correct answer per element (IEEE arithmetic, comparisons, rounding, integers, bits) becomes plain operations. One whose
bits are NumPy's own (transcendental functions, complex products, the maximum of floats with its signed zeros) becomes a
`Call("numpy.NAME")`. Left out: `float_power` (its loop is that of `power`), and in strict mode `fmin` and `fmax` of floats, where the
sign of a zero depends on the place in the array.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from setuptools_polyopt.diagnostics import Span, unsupported
from setuptools_polyopt.ir.dtypes import DType
from setuptools_polyopt.ir.expressions import (
    Binary,
    BinaryOp,
    Call,
    Compare,
    CompareOp,
    Const,
    Expr,
    Select,
    Unary,
    UnaryOp,
)
from setuptools_polyopt.operators import build, numpy_scalars, powers, promotion
from setuptools_polyopt.operators.facts import FACTS
from setuptools_polyopt.operators.intervals import integer_op
from setuptools_polyopt.operators.values import Operand, constant, element, scalar

OPERATOR_UFUNCS = {
    "Add": "add", "Sub": "subtract", "Mult": "multiply", "Div": "divide", "FloorDiv": "floor_divide", "Mod": "remainder",
    "Pow": "power", "BitAnd": "bitwise_and", "BitOr": "bitwise_or", "BitXor": "bitwise_xor", "LShift": "left_shift",
    "RShift": "right_shift", "Invert": "invert", "USub": "negative", "UAdd": "positive",
}  # fmt: skip
ALIASES = {
    "abs": "absolute", "true_divide": "divide", "mod": "remainder", "pow": "power", "conj": "conjugate", "bitwise_not": "invert",
    "bitwise_invert": "invert", "bitwise_left_shift": "left_shift", "bitwise_right_shift": "right_shift", "acos": "arccos",
    "acosh": "arccosh", "asin": "arcsin", "asinh": "arcsinh", "atan": "arctan", "atanh": "arctanh", "atan2": "arctan2",
}  # fmt: skip
_PLAIN: dict[str, BinaryOp] = {
    "add": "add", "subtract": "sub", "multiply": "mul", "divide": "div", "floor_divide": "floordiv", "remainder": "mod",
    "left_shift": "shl", "right_shift": "shr", "bitwise_and": "bitand", "bitwise_or": "bitor", "bitwise_xor": "bitxor",
}  # fmt: skip
_COMPARE: dict[str, CompareOp] = {
    "less": "lt", "less_equal": "le", "greater": "gt", "greater_equal": "ge", "equal": "eq", "not_equal": "ne",
}  # fmt: skip
_ROUNDING: dict[str, UnaryOp] = {"floor": "floor", "ceil": "ceil", "trunc": "trunc", "rint": "rint"}
_TESTS: dict[str, UnaryOp] = {"isnan": "isnan", "isinf": "isinf", "isfinite": "isfinite", "signbit": "signbit"}
# Inner loops whose answer for an element depends on nothing but the element (measured: whole arrays, blocks, strided).
NUMPY_LOOPS = frozenset({
    "arccos", "arccosh", "arcsin", "arcsinh", "arctan", "arctanh", "arctan2", "cbrt", "cos", "cosh", "exp", "exp2",
    "expm1", "fmod", "heaviside", "hypot", "log", "log10", "log1p", "log2", "logaddexp", "logaddexp2",
    "maximum", "minimum", "nextafter", "power", "sin", "sinh", "tan", "tanh",
})  # fmt: skip
# Of these the bits for complex operands are the same only where all operands advance by one element (unit stride) in the innermost loop.
UNIT_STRIDE_LOOPS = frozenset({"numpy.multiply", "numpy.square", "numpy.absolute"})
_UNARY_PLAIN = frozenset({
    "absolute", "fabs", "negative", "positive", "conjugate", "sqrt", "square", "reciprocal", "sign", "invert",
    "deg2rad", "radians", "rad2deg", "degrees",
})  # fmt: skip
_BINARY_PLAIN = frozenset({"copysign", "fmax", "fmin"})
_LOGICAL: dict[str, Callable[..., Expr]] = {  # of the operands' truth, in their own types
    "logical_and": lambda a, b: Binary("bitand", a, b, DType.BOOL),
    "logical_or": lambda a, b: Binary("bitor", a, b, DType.BOOL),
    "logical_xor": lambda a, b: Binary("bitxor", a, b, DType.BOOL),
    "logical_not": build.negation,
}
SUPPORTED: frozenset[str] = frozenset().union(
    _PLAIN, _COMPARE, _ROUNDING, _TESTS, NUMPY_LOOPS, _LOGICAL, _UNARY_PLAIN, _BINARY_PLAIN
)  # fmt: skip


def ufunc(name: str, operands: Sequence[Operand], fp: str, span: Span, operator: bool = False) -> Operand:
    """`numpy.NAME(*operands)`; operator: written as an operator with an array operand (NumPy's fast powers)."""
    name = ALIASES.get(name, name)
    if name not in SUPPORTED:
        raise unsupported(span, "ufunc", f"numpy.{name} has no loop form")
    if len(operands) != getattr(np, name).nin:
        raise unsupported(span, "arguments", f"numpy.{name} with {len(operands)} operands is not supported")
    array = any(operand.array for operand in operands)
    make = element if array else scalar
    if name in _COMPARE:
        return make(numpy_comparison(_COMPARE[name], operands, span))
    if name in _LOGICAL:
        promotion.ufunc_loop(name, tuple(operands), span)
        return make(_LOGICAL[name](*(build.nonzero(operand.expr) for operand in operands)))
    loop = promotion.ufunc_loop(name, tuple(operands), span)
    shared = _shared(operands, loop, span)
    args = [numpy_scalars.operand(value, shared, dtype) for value, dtype in zip(operands, loop.inputs, strict=True)]
    if name == "power" and operator:
        powers.refuse_uncertain_type(operands[0], operands[1], loop.result, span)
    if name == "power" and not loop.result.is_integer:
        return make(powers.power(operands[0], operands[1], args[0], args[1], operator, fp, span))
    return make(_emit(name, args, loop.result, array, fp, span))


def numpy_comparison(op: CompareOp, operands: Sequence[Operand], span: Span) -> Expr:
    """A comparison ufunc; two Python numbers are first made NumPy's."""
    left, right = operands
    if left.weak and right.weak:
        left = scalar(left.expr)
    return numpy_scalars.compare(op, left, right, span)


def _shared(operands: Sequence[Operand], loop: promotion.Loop, span: Span) -> DType:
    """The type that Python numbers among the operands take before the loop's."""
    strong = [operand for operand in operands if not operand.weak]
    if not strong or len(operands) == 1:
        return operands[0].dtype if len(operands) == 1 else loop.inputs[0]
    return promotion.common(operands[0], operands[1], span)


def _emit(name: str, args: list[Expr], result: DType, array: bool, fp: str, span: Span) -> Expr:
    dtype = args[0].dtype
    if name in _PLAIN:
        return _arithmetic(name, args[0], args[1], result)
    if name in _ROUNDING:
        if dtype.is_complex:
            raise unsupported(span, "complex-rounding", f"numpy.{name} of complex numbers is not supported")
        return Unary(_ROUNDING[name], args[0], result) if dtype.is_float else args[0]
    if name in _TESTS:
        return _classify(name, args[0])
    if name in _BINARY_PLAIN:
        return _binary(name, args[0], args[1], fp, span)
    if name in _UNARY_PLAIN:
        return _unary(name, args[0], result, array, span)
    if name in ("maximum", "minimum") and (result.is_integer or result is DType.BOOL):
        return Binary("maximum" if name == "maximum" else "minimum", args[0], args[1], result)
    if name == "power":
        return _integer_power(args[0], args[1], result)
    if name == "fmod" and result.is_integer:
        return _integer_rest(args[0], args[1], result)
    return Call(f"numpy.{name}", tuple(args), result)


def _arithmetic(name: str, left: Expr, right: Expr, result: DType) -> Expr:
    op = _PLAIN[name]
    if result is DType.BOOL and op in ("add", "mul"):
        return Binary("bitor" if op == "add" else "bitand", left, right, result)
    if result.is_complex and op in ("mul", "div"):
        return Call(f"numpy.{name}", (left, right), result)
    if result.is_integer and op in ("add", "sub", "mul", "floordiv", "mod"):
        return integer_op(op, left, right, result, wraps=True)
    return Binary(op, left, right, result)


def _classify(name: str, operand: Expr) -> Expr:
    dtype = operand.dtype
    if dtype.is_float:
        return build.test(_TESTS[name], operand)
    if dtype.is_complex:
        parts = build.test(_TESTS[name], build.real(operand)), build.test(_TESTS[name], build.imag(operand))
        return build.both(*parts) if name == "isfinite" else build.either(*parts)
    return Const(name == "isfinite", DType.BOOL)


def _binary(name: str, left: Expr, right: Expr, fp: str, span: Span) -> Expr:
    match name:
        case "copysign":
            return build.copysign(left, right)
        case _:
            dtype = left.dtype
            if dtype.is_integer or dtype is DType.BOOL:
                return Binary("maximum" if name == "fmax" else "minimum", left, right, dtype)
            if fp == "strict":
                raise unsupported(
                    span, "position-dependent", f"the sign of a zero from numpy.{name} depends on its place in the array",
                    "set fp to bounded, or use numpy.maximum/numpy.minimum",
                )  # fmt: skip
            return Call(f"numpy.{name}", (left, right), dtype)


def _unary(name: str, operand: Expr, result: DType, array: bool, span: Span) -> Expr:
    dtype = operand.dtype
    match name:
        case "positive":
            return operand
        case "negative":
            return Unary("neg", operand, result)
        case "absolute" | "fabs":
            if dtype.is_complex:
                return Call("numpy.absolute", (operand,), result)
            return operand if dtype is DType.BOOL else Unary("abs", operand, result)
        case "conjugate":
            return Unary("conj", operand, result) if dtype.is_complex else operand
        case "invert":
            return build.negation(operand) if dtype is DType.BOOL else Unary("invert", operand, result)
        case "square":
            if dtype.is_complex and not array and not FACTS.power_loop:
                raise unsupported(span, "complex-square", "this NumPy squares a single complex number in its own way")
            return _square(operand, result, array)
        case "sign":
            return _sign(operand, span)
        case "sqrt" | "reciprocal" if dtype.is_complex:
            return Call(f"numpy.{name}", (operand,), result)
        case "sqrt":
            return Unary("sqrt", operand, result)
        case "reciprocal":
            if not dtype.is_float:
                raise unsupported(span, "operator-type", "numpy.reciprocal of integers is not supported")
            return Binary("div", build.number(1, result), operand, result)
        case _:
            return Binary("mul", operand, Const(_angle_factor(name, result), result), result)


def _angle_factor(name: str, dtype: DType) -> float:
    number = np.float32 if dtype is DType.FLOAT32 else np.float64
    pi, half_turn = number(math.pi), number(180)
    return float(pi / half_turn if name in ("deg2rad", "radians") else half_turn / pi)


def _square(operand: Expr, dtype: DType, array: bool) -> Expr:
    if dtype.is_complex and array:
        return Call("numpy.square", (operand,), dtype)
    return Binary("mul", operand, operand, dtype)


def _sign(operand: Expr, span: Span) -> Expr:
    dtype = operand.dtype
    if dtype.is_complex or dtype is DType.BOOL:
        raise unsupported(span, "operator-type", f"numpy.sign of {dtype.value} is not supported")
    one, none = build.number(1, dtype), build.zero(dtype)
    if dtype.kind == "u":
        return Select(Compare("gt", operand, none), one, none, dtype)
    minus = build.number(-1, dtype)
    rest: Expr = none if dtype.is_integer else Select(Compare("eq", operand, none), none, operand, dtype)
    return Select(Compare("gt", operand, none), one, Select(Compare("lt", operand, none), minus, rest, dtype), dtype)


def _integer_rest(left: Expr, right: Expr, dtype: DType) -> Expr:
    """The rest with the sign of the dividend."""
    rest, none = integer_op("mod", left, right, dtype, wraps=True), build.zero(dtype)
    if dtype.kind == "u":
        return rest
    apart = Compare("ne", Compare("lt", left, none), Compare("lt", right, none))
    return Select(build.both(apart, Compare("ne", rest, none)), integer_op("sub", rest, right, dtype, wraps=True), rest, dtype)


def _integer_power(base: Expr, exponent: Expr, result: DType) -> Expr:
    value = constant(exponent)
    if value == 2:
        return integer_op("mul", base, base, result, wraps=True)
    return Binary("pow", base, exponent, result, checked=value is None)
