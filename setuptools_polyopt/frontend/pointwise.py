"""Functions of single elements that NumPy composes of ufuncs: clip with open ends, rounding to decimals, tests for closeness, choices."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from setuptools_polyopt.diagnostics import Span, unsupported
from setuptools_polyopt.frontend import arrays
from setuptools_polyopt.frontend.arguments import PYTHON_INT, Arguments, axis_numbers, constant_integer, flag, items
from setuptools_polyopt.frontend.context import Context
from setuptools_polyopt.frontend.creation import filled
from setuptools_polyopt.frontend.reduction import Options, reduced
from setuptools_polyopt.frontend.values import ArrayValue, ScalarValue, TupleValue, Value
from setuptools_polyopt.ir.dtypes import DType
from setuptools_polyopt.ir.expressions import Compare, Const, Select
from setuptools_polyopt.operators import build, elementwise
from setuptools_polyopt.operators.values import Operand, ScalarType, literal, numpy_dtype


def number(value: bool | float, span: Span) -> ScalarValue:
    """A Python number."""
    operand = literal(value, span)
    return ScalarValue(operand.type, operand.expr)


def _call(ctx: Context, path: str, span: Span, *values: Value) -> Value:
    return arrays.apply(ctx, values, lambda operands: elementwise.call(path, operands, {}, ctx.function.fp, span), span)


def _dtype(value: Value) -> DType | None:
    if isinstance(value, ArrayValue):
        return value.dtype
    return value.type.dtype if isinstance(value, ScalarValue) else None


def clip(ctx: Context, call: Arguments) -> Value:
    """With both bounds, or one of them (which is `maximum` or `minimum`); an integer bound beyond the type is none."""
    keywords = {{"min": "a_min", "max": "a_max"}.get(key, key): value for key, value in call.keywords.items()}
    given = replace(call, keywords=keywords).bound("a", "a_min", "a_max", "out")
    source, span = given["a"], call.span
    bounds = {name: given[name] for name in ("a_min", "a_max") if name in given and not _beyond(source, given[name], name == "a_min")}
    match sorted(bounds):
        case ["a_max", "a_min"]:
            value = _call(ctx, "numpy.clip", span, source, bounds["a_min"], bounds["a_max"])
        case ["a_min"]:
            value = _call(ctx, "numpy.maximum", span, source, bounds["a_min"])
        case ["a_max"]:
            value = _call(ctx, "numpy.minimum", span, source, bounds["a_max"])
        case _:
            value = _call(ctx, "numpy.positive", span, source)
    if "out" not in given:
        return value
    out = call.array(given, "out")
    if isinstance(value, ArrayValue) and value.rank != out.rank:
        raise unsupported(span, "shape-mismatch", "the result does not have the rank of `out=`")
    arrays.assign(ctx, out, value, span, in_place=True)
    return out


def _beyond(source: Value, bound: Value, low: bool) -> bool:
    if not isinstance(source, ArrayValue) or not source.dtype.is_integer or not isinstance(bound, ScalarValue):
        return False
    if bound.type != PYTHON_INT or not isinstance(bound.expr, Const) or isinstance(bound.expr.value, complex):
        return False
    least, largest = source.dtype.integer_range()
    return bound.expr.value <= least if low else bound.expr.value >= largest


def rounded(ctx: Context, call: Arguments) -> Value:
    """`np.round(x, decimals)`: scaled, rounded to an integer and scaled back."""
    given = call.bound("a", "decimals")
    source, span = given["a"], call.span
    decimals = constant_integer(ctx, given.get("decimals"), 0, "the number of decimals", span)
    if decimals == 0:
        return _call(ctx, "numpy.round", span, source)
    if not isinstance(source, ArrayValue) or not source.dtype.is_float or abs(decimals) > 15:
        raise unsupported(span, "arguments", "rounding to decimals is supported for arrays of floats")
    there, back = ("multiply", "divide") if decimals > 0 else ("divide", "multiply")
    factor = number(10.0 ** abs(decimals), span)
    scaled = _call(ctx, f"numpy.{there}", span, source, factor)
    return _call(ctx, f"numpy.{back}", span, _call(ctx, "numpy.rint", span, scaled), factor)


def without_nans(ctx: Context, call: Arguments) -> Value:
    """`np.nan_to_num` of reals, as a copy."""
    given = call.bound("x", "copy", "nan", "posinf", "neginf")
    source, span = given["x"], call.span
    if not isinstance(source, ArrayValue) or source.dtype.is_complex or not flag(given.get("copy"), True, "copy", span):
        raise unsupported(span, "arguments", "`numpy.nan_to_num` is supported for copies of real arrays")
    if not source.dtype.is_float:
        return arrays.materialise(ctx, source, span)
    limit = float(np.finfo(numpy_dtype(source.dtype)).max)
    defaults = (("nan", 0.0), ("posinf", limit), ("neginf", -limit))
    values = [given.get(name, number(default, span)) for name, default in defaults]
    dtype = source.dtype

    def combine(operands: tuple[Operand, ...]) -> Operand:
        value, *others = operands
        nan, high, low = (elementwise.convert(other, dtype, span) for other in others)
        infinite = Compare("gt", value.expr, build.number(limit, dtype)), Compare("lt", value.expr, build.number(-limit, dtype))
        rest = Select(infinite[0], high, Select(infinite[1], low, value.expr, dtype), dtype)
        return replace(value, expr=Select(build.test("isnan", value.expr), nan, rest, dtype))

    return arrays.apply(ctx, (source, *values), combine, span)


def close(ctx: Context, call: Arguments) -> Value:
    """`np.isclose` and `np.allclose` (a Python bool)."""
    given = call.bound("a", "b", "rtol", "atol", required=2)
    span, fp = call.span, ctx.function.fp
    for name in ("rtol", "atol"):
        if name in given and not (isinstance(given[name], ScalarValue) and isinstance(given[name].expr, Const)):  # type: ignore[union-attr]
            raise unsupported(span, "arguments", "the tolerances have to be constants")
    values = [given["a"], given["b"], given.get("rtol", number(1e-05, span)), given.get("atol", number(1e-08, span))]
    kinds = [_dtype(value) for value in values[:2]]
    if any(kind is not DType.FLOAT64 for kind in kinds):
        raise unsupported(span, "operator-type", f"`{call.path}` is supported for values of type float64")

    def combine(operands: tuple[Operand, ...]) -> Operand:
        x, y, rtol, atol = operands

        def op(name: str, *parts: Operand) -> Operand:
            return elementwise.call(f"numpy.{name}", parts, {}, fp, span)

        near = op("less_equal", op("absolute", op("subtract", x, y)), op("add", atol, op("multiply", rtol, op("absolute", y))))
        finite = op("bitwise_and", near, op("isfinite", y))
        return op("bitwise_or", finite, op("equal", x, y))

    found = arrays.apply(ctx, values, combine, span)
    return found if call.name == "isclose" else _every(ctx, found, span)


def _every(ctx: Context, value: Value, span: Span) -> ScalarValue:
    """`bool(np.all(value))`."""
    if isinstance(value, ArrayValue):
        value = reduced(ctx, "numpy.all", value, range(value.rank), span, Options())
    assert isinstance(value, ScalarValue)  # all axes are gone
    return ScalarValue(ScalarType("python", DType.BOOL), value.expr)


def equal(ctx: Context, call: Arguments) -> Value:
    """`np.array_equal` of arrays of the same shape (a guard says so)."""
    given = call.bound("a1", "a2", required=2)
    first, second = call.array(given, "a1"), call.array(given, "a2")
    if first.rank != second.rank:
        return number(False, call.span)
    for own, other in zip(first.extents, second.extents, strict=True):
        ctx.state.assume_equal(own, other, "the extents of both arrays", call.span)
    return _every(ctx, _call(ctx, "numpy.equal", call.span, first, second), call.span)


def quotient_and_rest(ctx: Context, call: Arguments) -> Value:
    """`np.divmod`."""
    given = call.bound("x1", "x2", required=2)
    values = (given["x1"], given["x2"])
    return TupleValue(tuple(_call(ctx, f"numpy.{name}", call.span, *values) for name in ("floor_divide", "remainder")))


def python_divmod(ctx: Context, call: Arguments) -> Value:
    """`divmod(a, b)` of numbers: what `a // b` and `a % b` give."""
    if len(call.positional) != 2 or call.keywords:
        raise unsupported(call.span, "arguments", "`divmod` takes two numbers")
    a, b = (arrays.operand_of(value, call.span) for value in call.positional)
    results = [elementwise.binary(op, a, b, ctx.function.fp, call.span) for op in ("FloorDiv", "Mod")]
    return TupleValue(tuple(ScalarValue(result.type, result.expr) for result in results))


def select(ctx: Context, call: Arguments) -> Value:
    """`np.select`: the first condition that holds chooses."""
    given = call.bound("condlist", "choicelist", "default", required=2)
    conditions, choices = items(given["condlist"]), items(given["choicelist"])
    if len(conditions) != len(choices) or any(not isinstance(c, ArrayValue) or c.dtype is not DType.BOOL for c in conditions):
        raise unsupported(call.span, "arguments", "`numpy.select` needs as many arrays of truth values as choices")
    if any(isinstance(c, ArrayValue) and (c.order is None or c.order.axes) and c.rank > 1 for c in (*conditions, *choices)):
        raise unsupported(call.span, "result-layout", "the result of `numpy.select` is in C order, whatever its operands are")
    values = [*choices, given.get("default", number(0, call.span))]
    found = {_dtype(value) for value in values}
    if found - {DType.INT64} not in (set(), {DType.FLOAT64}) and len(found) > 1:
        raise unsupported(call.span, "operator-type", "`numpy.select` between values of different types is not supported")
    result = values[-1]
    for condition, choice in reversed([*zip(conditions, choices, strict=True)]):
        result = _call(ctx, "numpy.where", call.span, condition, choice, result)
    return result


def polynomial(ctx: Context, call: Arguments) -> Value:
    """`np.polyval` with the coefficients in the call: Horner's rule."""
    given = call.bound("p", "x", required=2)
    source, span = call.array(given, "x"), call.span
    coefficients = items(given["p"])
    if not isinstance(given["p"], TupleValue) or source.dtype is not DType.FLOAT64:
        raise unsupported(span, "arguments", "`numpy.polyval` is supported for coefficients that stand in the call, of float64")
    if any(not isinstance(item, ScalarValue) or item.type.dtype not in (DType.FLOAT64, DType.INT64) for item in coefficients):
        raise unsupported(span, "operator-type", "the coefficients have to be numbers")
    value: Value = filled(ctx, source.extents, source.dtype, 0, span, arrays.common_order([source], source.rank))
    for item in coefficients:
        value = _call(ctx, "numpy.add", span, _call(ctx, "numpy.multiply", span, value, source), item)
    return value


def angle(ctx: Context, call: Arguments) -> Value:
    """`np.angle` of complex numbers, in radians."""
    source = call.array(call.bound("z"), "z")
    if not source.dtype.is_complex:
        raise unsupported(call.span, "operator-type", "`numpy.angle` of real numbers is not supported")
    real = replace(source, dtype=source.dtype.real, part="real", fresh=False)
    return _call(ctx, "numpy.arctan2", call.span, replace(real, part="imag"), real)


def sum_without_nans(ctx: Context, call: Arguments) -> Value:
    """`np.nansum`: NaNs count as zero."""
    given = call.bound("a", "axis", "dtype", "out", "keepdims")
    source, span = call.array(given, "a"), call.span
    if not source.dtype.is_float or given.keys() & {"dtype", "out"}:
        raise unsupported(span, "arguments", f"`{call.path}` with these arguments is not supported")
    zero = ScalarValue(ScalarType("numpy", source.dtype), build.zero(source.dtype))
    cleaned = _call(ctx, "numpy.where", span, _call(ctx, "numpy.isnan", span, source), zero, source)
    assert isinstance(cleaned, ArrayValue)  # made of an array
    axes = axis_numbers(ctx, given.get("axis"), source.rank, span)
    return reduced(ctx, "numpy.sum", cleaned, axes, span, Options(flag(given.get("keepdims"), False, "keepdims", span)))


POINTWISE: dict[str, Callable[[Context, Arguments], Value]] = {
    "numpy.clip": clip, "numpy.round": rounded, "numpy.around": rounded, "numpy.nan_to_num": without_nans,
    "numpy.isclose": close, "numpy.allclose": close, "numpy.array_equal": equal, "numpy.divmod": quotient_and_rest,
    "builtins.divmod": python_divmod,
    "numpy.select": select, "numpy.polyval": polynomial, "numpy.angle": angle, "numpy.nansum": sum_without_nans,
}  # fmt: skip
