"""Operators of Python's own bool, int, float and complex (CPython 3.10 to 3.13).

What raises in CPython is `checked`: overflow of 64 bits stands for "too large for us", division by zero, `(-8.0) ** 0.5`, a power that
overflows. Non-goals: complex `**` (CPython's own algorithm), integers beyond 64 bits.
"""

from __future__ import annotations

from setuptools_polyopt.diagnostics import Span, unsupported
from setuptools_polyopt.ir.dtypes import DType
from setuptools_polyopt.ir.expressions import Binary, BinaryOp, Call, Compare, CompareOp, Const, Expr, Select, Unary
from setuptools_polyopt.operators import build
from setuptools_polyopt.operators.intervals import bounds, integer_op
from setuptools_polyopt.operators.values import cast, constant

_RANK = (DType.BOOL, DType.INT64, DType.FLOAT64, DType.COMPLEX128)
ARITHMETIC: dict[str, BinaryOp] = {"Add": "add", "Sub": "sub", "Mult": "mul", "FloorDiv": "floordiv", "Mod": "mod"}
BITWISE: dict[str, BinaryOp] = {"BitAnd": "bitand", "BitOr": "bitor", "BitXor": "bitxor"}


def binary(op: str, left: Expr, right: Expr, span: Span) -> Expr:
    """`left op right` of Python scalars; the dtype of the result is that of the Python type."""
    kind = _RANK[max(_RANK.index(left.dtype), _RANK.index(right.dtype))]
    if op in BITWISE or op in ("LShift", "RShift"):
        return _bits(op, left, right, kind, span)
    if kind is DType.COMPLEX128:
        return _complex(op, cast(left, kind), cast(right, kind), span)
    if op == "Pow":
        return _power(left, right, kind)
    if op == "Div":
        return _divide(left, right, kind)
    if kind is DType.FLOAT64:
        divides = op in ("FloorDiv", "Mod") and not build.is_nonzero_constant(right)
        return Binary(ARITHMETIC[op], cast(left, kind), cast(right, kind), kind, checked=divides)
    return integer_op(ARITHMETIC[op], cast(left, DType.INT64), cast(right, DType.INT64), DType.INT64)


def unary(op: str, operand: Expr, span: Span) -> Expr:
    """`+x`, `-x`, `~x`; a bool becomes an int first."""
    dtype = operand.dtype
    if op == "Invert":
        if dtype is not DType.INT64:
            raise unsupported(span, "operator-type", "~ is deprecated for a Python bool and not defined for float and complex")
        return Unary("invert", operand, dtype)
    if dtype is DType.BOOL:
        operand, dtype = cast(operand, DType.INT64), DType.INT64
    if op == "UAdd":
        return operand
    if isinstance(operand, Const) and operand.value != -(2**63):
        return Const(-operand.value, dtype)
    if dtype is DType.INT64:
        return Unary("neg", operand, dtype, checked=bounds(operand)[0] == -(2**63))
    return Unary("neg", operand, dtype)


def compare(op: CompareOp, left: Expr, right: Expr, span: Span) -> Expr:
    """A comparison, exact between int and float as Python's is."""
    kind = _RANK[max(_RANK.index(left.dtype), _RANK.index(right.dtype))]
    if kind is DType.COMPLEX128:
        if op not in ("eq", "ne"):
            raise unsupported(span, "operator-type", "complex numbers have no order")
        return Compare(op, cast(_exact(left), kind), cast(_exact(right), kind))
    if kind is DType.FLOAT64:
        return Compare(op, _exact(left), _exact(right))
    if kind is DType.BOOL:
        kind = DType.INT64
    return Compare(op, cast(left, kind), cast(right, kind))


def absolute(operand: Expr) -> Expr:
    """`abs(x)`."""
    dtype = operand.dtype
    if dtype is DType.BOOL:
        return cast(operand, DType.INT64)
    if dtype is DType.INT64:
        return Unary("abs", operand, dtype, checked=bounds(operand)[0] == -(2**63))
    if dtype is DType.FLOAT64:
        return Unary("abs", operand, dtype)
    re, im = build.real(operand), build.imag(operand)
    size = Call("libm.hypot", (re, im), DType.FLOAT64)
    finite = build.both(build.test("isfinite", re), build.test("isfinite", im))
    return build.fail_if(build.both(build.test("isinf", size), finite), size)


def _exact(expr: Expr) -> Expr:
    return build.exact_float(expr) if expr.dtype.is_integer or expr.dtype is DType.BOOL else expr


def _bits(op: str, left: Expr, right: Expr, kind: DType, span: Span) -> Expr:
    if kind not in (DType.BOOL, DType.INT64):
        raise unsupported(span, "operator-type", "bit operations are defined for integers only")
    if op in BITWISE:
        return Binary(BITWISE[op], cast(left, kind), cast(right, kind), kind)
    left, right = cast(left, DType.INT64), cast(right, DType.INT64)
    if op == "RShift":
        return Binary("shr", left, right, DType.INT64, checked=bounds(right)[0] < 0)
    return Binary("shl", left, right, DType.INT64, checked=True)


def _divide(left: Expr, right: Expr, kind: DType) -> Expr:
    if kind is not DType.FLOAT64:  # the quotient of two ints is rounded once: exact in floats of 53 bits
        left, right = build.exact_float(left), build.exact_float(right)
    left, right = cast(left, DType.FLOAT64), cast(right, DType.FLOAT64)
    return Binary("div", left, right, DType.FLOAT64, checked=not build.is_nonzero_constant(right))


def _power(left: Expr, right: Expr, kind: DType) -> Expr:
    exponent = constant(right)
    if kind is DType.FLOAT64 or (isinstance(exponent, int) and exponent < 0):
        return Call("libm.pow", (cast(left, DType.FLOAT64), cast(right, DType.FLOAT64)), DType.FLOAT64, checked=True)
    left = cast(left, DType.INT64)
    if exponent == 2:
        return integer_op("mul", left, left, DType.INT64)
    return Binary("pow", left, cast(right, DType.INT64), DType.INT64, checked=True)


def _complex(op: str, left: Expr, right: Expr, span: Span) -> Expr:
    match op:
        case "Add" | "Sub" | "Mult":
            return Binary(ARITHMETIC[op], left, right, DType.COMPLEX128)
        case "Div":
            return complex_quotient(left, right)
        case _:
            raise unsupported(span, "complex-operator", "this operator of complex numbers is CPython's own algorithm")


def complex_quotient(left: Expr, right: Expr) -> Expr:
    """CPython's quotient: both numbers scaled by the larger component of the divisor, then divided (NumPy multiplies by an inverse)."""
    ar, ai, br, bi = build.real(left), build.imag(left), build.real(right), build.imag(right)
    by_real = build.compare("ge", _abs(br), _abs(bi))
    by_imag = build.compare("ge", _abs(bi), _abs(br))
    first = _scaled(ar, ai, br, bi)
    ratio = _op("div", br, bi)
    denominator = _op("add", _op("mul", br, ratio), bi)
    second = build.pack(
        _op("div", _op("add", _op("mul", ar, ratio), ai), denominator),
        _op("div", _op("sub", _op("mul", ai, ratio), ar), denominator),
    )
    nan = Const(complex(float("nan"), float("nan")), DType.COMPLEX128)
    other = Select(by_imag, second, nan, DType.COMPLEX128)
    quotient = Select(by_real, first, other, DType.COMPLEX128)
    return build.fail_if(Compare("eq", right, build.zero(DType.COMPLEX128)), quotient)


def _scaled(ar: Expr, ai: Expr, br: Expr, bi: Expr) -> Expr:
    ratio = _op("div", bi, br)
    denominator = _op("add", br, _op("mul", bi, ratio))
    return build.pack(
        _op("div", _op("add", ar, _op("mul", ai, ratio)), denominator),
        _op("div", _op("sub", ai, _op("mul", ar, ratio)), denominator),
    )


def _op(op: BinaryOp, left: Expr, right: Expr) -> Expr:
    return Binary(op, left, right, DType.FLOAT64)


def _abs(operand: Expr) -> Expr:
    return Unary("abs", operand, DType.FLOAT64)
