"""The module `math` on scalars: arguments become Python floats, results are Python's.

Functions that CPython hands to the process's libm are checked libm calls (they raise where CPython does). Functions with an algorithm of
CPython's own (hypot, dist, gamma, lgamma, fsum, two-argument log) stay Python: their bits are the interpreter's.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from setuptools_polyopt.diagnostics import Span, unsupported
from setuptools_polyopt.ir.dtypes import DType
from setuptools_polyopt.ir.expressions import Binary, Call, Cast, Compare, Const, Expr, Unary, UnaryOp
from setuptools_polyopt.operators import build
from setuptools_polyopt.operators.conversions import to_float
from setuptools_polyopt.operators.values import Operand, cast, python

_LIBM_UNARY = frozenset({
    "acos", "acosh", "asin", "asinh", "atan", "atanh", "cbrt", "cos", "cosh", "erf", "erfc", "exp", "exp2", "expm1",
    "log", "log10", "log1p", "log2", "sin", "sinh", "tan", "tanh",
})  # fmt: skip
_LIBM_BINARY = frozenset({"atan2", "fmod", "pow", "remainder"})  # CPython's own remainder is exact, and so is libm's
_ROUNDING: dict[str, UnaryOp] = {"floor": "floor", "ceil": "ceil", "trunc": "trunc"}
_TESTS: dict[str, UnaryOp] = {"isnan": "isnan", "isinf": "isinf", "isfinite": "isfinite"}
FUNCTIONS = _LIBM_UNARY | _LIBM_BINARY | frozenset(_ROUNDING) | frozenset(_TESTS) | {"sqrt", "fabs", "copysign", "degrees", "radians"}
_OWN = frozenset({"hypot", "dist", "gamma", "lgamma", "fsum", "sumprod", "prod", "fma"})


def call(name: str, args: Sequence[Operand], span: Span) -> Operand:
    """`math.NAME(*args)`; Unsupported for arrays, complex numbers and functions that stay CPython's."""
    if name in _OWN:
        raise unsupported(span, "cpython-algorithm", f"math.{name} is an algorithm of CPython's own, whose bits cannot be promised")
    if name not in FUNCTIONS:
        raise unsupported(span, "function", f"math.{name} is not supported")
    if any(arg.array or arg.dtype.is_complex for arg in args):
        raise unsupported(span, "operator-type", f"math.{name} takes real scalars")
    if len(args) != (2 if name in _LIBM_BINARY or name == "copysign" else 1):
        raise unsupported(span, "arguments", f"math.{name} with {len(args)} arguments is not supported")
    if name in _ROUNDING:
        return python(_round(name, args[0], span))
    values = [to_float(arg, span) for arg in args]
    return python(_float(name, values))


def _float(name: str, values: list[Expr]) -> Expr:
    x, real = values[0], DType.FLOAT64
    if name == "pow":  # before 3.11, math.pow(0, -inf) raises, unlike 0.0 ** -inf
        x, y = values
        special = build.both(Compare("eq", x, Const(0.0, real)), Compare("eq", y, Const(-math.inf, real)))
        return build.fail_if(special, Call("libm.pow", (x, y), real, checked=True))
    if name in _LIBM_UNARY or name in _LIBM_BINARY:
        return Call(f"libm.{name}", tuple(values), real, checked=True)
    if name in _TESTS:
        return build.test(_TESTS[name], x)
    match name:
        case "sqrt":
            return Unary("sqrt", x, real, checked=True)
        case "fabs":
            return Unary("abs", x, real)
        case "copysign":
            return build.copysign(x, values[1])
        case "degrees":
            return Binary("mul", x, Const(180.0 / math.pi, real), real)
        case _:
            return Binary("mul", x, Const(math.pi / 180.0, real), real)


def _round(name: str, operand: Operand, span: Span) -> Expr:
    """floor, ceil, trunc to a Python int. NumPy's integers go through a float, except that trunc refuses all but float64."""
    dtype, boxed = operand.dtype, operand.type.box
    if boxed != "python" and dtype is not DType.FLOAT64:
        if name == "trunc" or boxed == "mixed":
            raise unsupported(span, "operator-type", f"math.{name} of this scalar is not supported")
        return Cast(Unary(_ROUNDING[name], to_float(operand, span), DType.FLOAT64), DType.INT64, checked=True)
    if dtype.is_float:
        return Cast(Unary(_ROUNDING[name], operand.expr, dtype), DType.INT64, checked=True)
    return cast(operand.expr, DType.INT64)
