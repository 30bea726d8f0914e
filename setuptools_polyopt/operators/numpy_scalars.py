"""Operators of NumPy's scalars with each other and with Python's numbers (`numpy._core` scalarmath).

Integers warn where arrays wrap, so overflow is `checked`; floats give IEEE values and set a flag. `**` is the libm's pow, not the array
loop's. Complex products and quotients are the plain formulas, which array loops may replace by FMA forms.
"""

from __future__ import annotations

from setuptools_polyopt.diagnostics import Span, unsupported
from setuptools_polyopt.ir.dtypes import DType
from setuptools_polyopt.ir.expressions import Binary, Call, Compare, CompareOp, Expr, Unary
from setuptools_polyopt.operators import build, powers, promotion
from setuptools_polyopt.operators.intervals import bounds, integer_op, to_integer
from setuptools_polyopt.operators.python_scalars import ARITHMETIC, BITWISE
from setuptools_polyopt.operators.values import Operand, cast, constant


def binary(op: str, left: Operand, right: Operand, span: Span) -> Expr:
    """`left op right`, at least one a NumPy scalar and none an array."""
    result = promotion.operator_result(op, left, right, span)
    shared = promotion.common(left, right, span)
    a, b = operand(left, shared, result), operand(right, shared, result)
    if op in BITWISE:
        return Binary(BITWISE[op], a, b, result)
    if op in ("LShift", "RShift"):
        return Binary("shl" if op == "LShift" else "shr", a, b, result)
    if op == "Pow":
        return _power(left, right, a, b, result, span)
    if op == "Div":
        return _divide(a, b, result)
    if result is DType.BOOL:
        return Binary("bitor" if op == "Add" else "bitand", a, b, result)
    if result.is_integer:
        return integer_op(ARITHMETIC[op], a, b, result)
    return Binary(ARITHMETIC[op], a, b, result)


def operand(value: Operand, shared: DType, result: DType) -> Expr:
    """An operand as the loop takes it: Python numbers become the common type (which may not hold them), then the loop's."""
    if not value.weak:
        return cast(value.expr, result)
    if shared.is_integer:
        return cast(to_integer(value.expr, shared), result)
    return cast(build.float_of(value.expr, shared), result)


def unary(op: str, value: Operand, span: Span) -> Expr:
    """`+x`, `-x`, `~x` of a NumPy scalar."""
    expr, dtype = value.expr, value.dtype
    if op == "Invert":
        if dtype is DType.BOOL:
            return build.negation(expr)
        if dtype.is_integer:
            return Unary("invert", expr, dtype)
        raise unsupported(span, "operator-type", "~ is not defined for floating-point numbers")
    if dtype is DType.BOOL:
        raise unsupported(span, "operator-type", "NumPy does not allow + and - of a bool")
    if op == "UAdd":
        return expr
    return Unary("neg", expr, dtype, checked=dtype.is_integer and bounds(expr)[0] == dtype.integer_range()[0])


def compare(op: CompareOp, left: Operand, right: Operand, span: Span) -> Expr:
    """A comparison in the common type (arrays too); Python integers are compared exactly with NumPy's integers."""
    shared = promotion.common(left, right, span)
    if shared.is_complex and op not in ("eq", "ne"):
        raise unsupported(span, "complex-order", "the order of complex arrays and NumPy scalars is not supported")
    signed = _signed_beside_uint64(left, right)
    if signed is not None:
        return _exact_comparison(op, left.expr, right.expr, signed)
    if shared.is_integer and (left.weak or right.weak):
        shared = DType.INT64
    return Compare(op, operand(left, shared, shared), operand(right, shared, shared))


def _signed_beside_uint64(left: Operand, right: Operand) -> int | None:
    """The position of a signed integer whose neighbour is a uint64."""
    kinds = [value.dtype for value in (left, right)]
    for position in (0, 1):
        if kinds[1 - position] is DType.UINT64 and kinds[position].kind == "i":
            return position
    return None


def _exact_comparison(op: CompareOp, left: Expr, right: Expr, signed: int) -> Expr:
    """No type holds both: a negative number is below all unsigned ones, and the others are compared as such."""
    number = (left, right)[signed]
    below = op in (("lt", "le", "ne"), ("gt", "ge", "ne"))[signed]
    same = Compare(op, cast(left, DType.UINT64), cast(right, DType.UINT64))
    negative = Compare("lt", number, build.zero(number.dtype))
    return build.either(negative, same) if below else build.both(build.negation(negative), same)


def absolute(value: Operand) -> Expr:
    """`abs(x)` of a NumPy scalar."""
    expr, dtype = value.expr, value.dtype
    if dtype is DType.BOOL:
        return expr
    if dtype.is_complex:
        return Call("libm.hypot", (build.real(expr), build.imag(expr)), dtype.real)
    return Unary("abs", expr, dtype, checked=dtype.is_integer and bounds(expr)[0] == dtype.integer_range()[0])


def _divide(left: Expr, right: Expr, result: DType) -> Expr:
    quotient = Binary("div", left, right, result)
    if not result.is_complex or constant(right) is not None:
        return quotient
    # the comparison inside NumPy's complex quotient warns about a NaN in the divisor
    return build.fail_if(build.either(*(build.test("isnan", part(right)) for part in (build.real, build.imag))), quotient)


def _power(left: Operand, right: Operand, base: Expr, exponent: Expr, result: DType, span: Span) -> Expr:
    """base, exponent: the operands in the result's type. What neither operand's own type can hold NumPy leaves to the arrays' loop."""
    if result.is_integer:
        if constant(exponent) == 2:
            return integer_op("mul", base, base, result)
        return Binary("pow", base, exponent, result, checked=True)
    if result.is_complex:
        return Call("numpy.power", (base, exponent), result)
    if all(value.dtype is not result or value.weak for value in (left, right)):
        return powers.power(left, right, base, exponent, operator=True, fp="strict", span=span)
    return Call("libm.pow", (base, exponent), result)
