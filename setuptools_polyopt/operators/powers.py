"""`power` and `**` with floats and complex numbers: NumPy's short cuts in front of the loop.

    x ** 2 -> x * x,  x ** 0.5 -> sqrt(x),  x ** -1 -> 1 / x,  x ** 1 -> x,  x ** 0 -> 1

differ from the loop in some bits, so NumPy must be followed exactly (experiments with 2.4.6, 2.2.6 and 1.26.4):
 - since `Facts.power_loop` the loop itself takes them for real types where its exponent has stride zero: a scalar of any kind, also in
   `np.power`; for complex arrays the operator takes them for the exact Python numbers 2, -1 and 0.5 only;
 - before, the operator took them for an array base of a floating-point type and a scalar of that value, `np.power` never.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from setuptools_polyopt.diagnostics import Span, unsupported
from setuptools_polyopt.ir.dtypes import DType
from setuptools_polyopt.ir.expressions import Binary, Call, Cast, Compare, Const, Expr, Load, Select, Sym, Unary
from setuptools_polyopt.operators import build
from setuptools_polyopt.operators.facts import FACTS
from setuptools_polyopt.operators.values import Operand, constant

Form: TypeAlias = Callable[[Expr, DType], Expr]
_REAL: dict[float, Form] = {
    2.0: lambda x, dtype: Binary("mul", x, x, dtype),
    0.5: lambda x, dtype: Unary("sqrt", x, dtype),
    1.0: lambda x, _: x,
    0.0: lambda _, dtype: build.number(1, dtype),
    -1.0: lambda x, dtype: Binary("div", build.number(1, dtype), x, dtype),
}
_COMPLEX: dict[float, Form] = {
    2: lambda z, dtype: Call("numpy.square", (z,), dtype),
    -1: lambda z, dtype: Call("numpy.reciprocal", (z,), dtype),
    0.5: lambda z, dtype: Call("numpy.sqrt", (z,), dtype),
}


def power(base: Operand, exponent: Operand, x: Expr, e: Expr, operator: bool, fp: str, span: Span) -> Expr:
    """`base ** exponent` element by element, one of them an array (operator) or under `np.power`.

    x, e: the operands as the loop takes them, of its floating or complex type. Raises Unsupported where the value of an exponent that is
    not known decides, or whether an array of exponents is broadcast.
    """
    if x.dtype.is_complex:
        return _complex(base, exponent, x, e, operator, span)
    loop: Expr = Call("numpy.power", (x, e), x.dtype)
    if exponent.array:
        if base.array and fp == "strict":
            raise unsupported(
                span, "array-exponent", "NumPy's power depends on whether the array of exponents is broadcast", 'set fp to "bounded"',
            )  # fmt: skip
        return loop
    if not FACTS.power_loop and not (operator and base.array):
        return loop
    if constant(e) in (None, 0.0) and not _is_plain(x):
        raise unsupported(
            span, "power-base", "NumPy's power computes its base whatever the exponent is", "give the base a name of its own"
        )  # fmt: skip
    return _real(x, e, loop)


def _is_plain(expr: Expr) -> bool:
    """Whether computing a value can neither fail nor set a flag, so that nobody sees where it is not needed."""
    while isinstance(expr, Cast) and not expr.checked:
        expr = expr.operand
    return isinstance(expr, Load | Const | Sym)


def refuse_uncertain_type(base: Operand, exponent: Operand, result: DType, span: Span) -> None:
    """Raise Unsupported where the type of `array ** scalar` depends on the scalar's value: the short cuts keep the base's type."""
    if exponent.array or not base.array:
        return
    if base.dtype is DType.BOOL or (not FACTS.power_loop and (result is not base.dtype or exponent.dtype is DType.BOOL)):
        raise unsupported(span, "power-type", "the type of the power depends on the exponent's value")


def _real(x: Expr, e: Expr, loop: Expr) -> Expr:
    value = constant(e)
    if value is not None and not isinstance(value, complex):
        form = _REAL.get(float(value))
        return loop if form is None else form(x, x.dtype)
    chosen = loop
    for special, form in reversed(_REAL.items()):
        chosen = Select(Compare("eq", e, Const(special, x.dtype)), form(x, x.dtype), chosen, x.dtype)
    return chosen


def _complex(base: Operand, exponent: Operand, x: Expr, e: Expr, operator: bool, span: Span) -> Expr:
    loop = Call("numpy.power", (x, e), x.dtype)
    if not operator or not base.array or exponent.array or exponent.dtype.is_complex:
        return loop
    if FACTS.power_loop and not exponent.weak:
        return loop
    value = constant(exponent.expr)
    if value is None or not base.dtype.is_complex or isinstance(value, complex):
        raise unsupported(span, "complex-power", "the power of a complex array depends on the exponent's value")
    if value not in _COMPLEX:
        return loop
    if type(value) is float and value != 0.5:
        if FACTS.power_loop:
            return loop
        raise unsupported(span, "complex-power", "this NumPy's power of a complex array depends on the exponent's type")
    return _COMPLEX[value](x, x.dtype)
