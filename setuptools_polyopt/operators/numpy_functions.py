"""Elementwise NumPy functions that are no ufuncs: where, clip, round, real, imag, and the scalar types as constructors."""

from __future__ import annotations

from collections.abc import Sequence

from setuptools_polyopt.diagnostics import Span, unsupported
from setuptools_polyopt.ir.dtypes import DType
from setuptools_polyopt.ir.expressions import Compare, Expr, Select, Unary
from setuptools_polyopt.operators import build, numpy_scalars, promotion
from setuptools_polyopt.operators.conversions import convert
from setuptools_polyopt.operators.facts import FACTS
from setuptools_polyopt.operators.intervals import fits
from setuptools_polyopt.operators.values import Operand, constant, element, python, scalar

CONSTRUCTORS = {
    **{dtype.value: dtype for dtype in DType}, "bool_": DType.BOOL, "intc": DType.INT32, "uintc": DType.UINT32, "byte": DType.INT8,
    "ubyte": DType.UINT8, "short": DType.INT16, "ushort": DType.UINT16, "intp": DType.INT64, "uintp": DType.UINT64,
    "single": DType.FLOAT32, "double": DType.FLOAT64, "csingle": DType.COMPLEX64, "cdouble": DType.COMPLEX128,
}  # fmt: skip
FUNCTIONS = frozenset(CONSTRUCTORS) | {"where", "clip", "round", "around", "real", "imag"}


def call(name: str, args: Sequence[Operand], span: Span) -> Operand:
    """`numpy.NAME(*args)`. `where`: NumPy evaluates all operands, a `Select` only one, so operands that can fail or set a flag must be
    loads of temporaries."""
    match name, len(args):
        case "where", 3:
            return _where(args[0], args[1], args[2], span)
        case "clip", 3:
            return _clip(args[0], args[1], args[2], span)
        case ("round" | "around"), 1:
            return _round(args[0], span)
        case ("real" | "imag"), 1:
            return _part(name, args[0], span)
        case _, 1 if name in CONSTRUCTORS:
            result = convert(args[0], CONSTRUCTORS[name], span)
            return element(result) if args[0].array else scalar(result)
        case _:
            raise unsupported(span, "arguments", f"numpy.{name} with {len(args)} arguments is not supported")


def _where(test: Operand, then: Operand, orelse: Operand, span: Span) -> Operand:
    if not (test.array or then.array or orelse.array):
        raise unsupported(span, "rank-0", "numpy.where of scalars gives an array of rank 0")
    shared = _shared((then, orelse), span)
    first, second = (numpy_scalars.operand(value, shared, shared) for value in (then, orelse))
    for value, expr in ((then, first), (orelse, second)):
        if value.weak and _is_narrow(shared) and constant(expr) is None:
            raise unsupported(span, "where-type", "numpy.where narrows a Python number, which may overflow even where it is not chosen")
    return element(Select(build.nonzero(test.expr), first, second, shared))


def _is_narrow(shared: DType) -> bool:
    """Whether a Python number may not fit: infinite as a float, an error as an integer from NumPy 2.5 on."""
    return shared.real is DType.FLOAT32 or (shared.is_integer and shared is not DType.INT64)


def _shared(values: Sequence[Operand], span: Span) -> DType:
    """The common type; Python numbers alone have NumPy's default types."""
    left, right = values
    if left.weak and right.weak:
        left = scalar(left.expr)
    return promotion.common(left, right, span)


def _clip(value: Operand, low: Operand, high: Operand, span: Span) -> Operand:
    """`minimum(maximum(x, low), high)` with NumPy's choice between equal values: the element stays."""
    array = value.array
    strong = value if not value.weak else scalar(value.expr)
    shared = promotion.common(strong, low, span)
    wide = Operand(value.expr, scalar(build.zero(shared)).type, array)
    if promotion.common(wide, high, span) is not shared or shared is not value.dtype:
        raise unsupported(span, "clip-type", "numpy.clip with bounds of a wider type is not supported")
    if not FACTS.clip_keeps and shared.is_float:
        raise unsupported(span, "clip-zero", "this NumPy's clip takes the bound's sign for a zero")
    if shared.is_complex or ((low.array or high.array) and shared.is_float):
        raise unsupported(span, "clip-bounds", "numpy.clip with arrays of bounds, or of complex numbers, is not supported")
    bounds = [numpy_scalars.operand(bound, shared, shared) for bound in (low, high)]
    if any(shared.is_integer and bound.weak and not fits(bound.expr, shared) for bound in (low, high)):
        raise unsupported(span, "clip-bounds", "a bound of numpy.clip may not fit the type")
    result = _limit(_limit(value.expr, bounds[0], "lt"), bounds[1], "gt")
    return element(result) if array or low.array or high.array else scalar(result)


def _limit(expr: Expr, bound: Expr, op: str) -> Expr:
    outside: Expr = Compare("lt" if op == "lt" else "gt", expr, bound)
    limited = Select(outside, bound, expr, expr.dtype)
    if not expr.dtype.is_float or (constant(bound) is not None and constant(bound) == constant(bound)):
        return limited
    return Select(build.test("isnan", bound), bound, limited, expr.dtype)


def _round(value: Operand, span: Span) -> Operand:
    make = element if value.array else scalar
    if value.dtype.is_float:
        return make(Unary("rint", value.expr, value.dtype))
    if value.dtype.is_integer:
        return make(value.expr)
    raise unsupported(span, "operator-type", f"numpy.round of {value.dtype.value} is not supported")


def _part(name: str, value: Operand, span: Span) -> Operand:
    """`np.real`, `np.imag`, also the attributes `.real` and `.imag`: of an array a view, of a scalar of the same box."""
    box = element if value.array else python if value.type.box == "python" else scalar
    if value.dtype.is_complex:
        return box(build.real(value.expr) if name == "real" else build.imag(value.expr))
    if value.dtype is DType.BOOL and value.type.box == "python":
        raise unsupported(span, "operator-type", "the parts of a Python bool are ints")
    return box(value.expr if name == "real" else build.zero(value.dtype))
