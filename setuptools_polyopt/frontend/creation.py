"""Local arrays: `np.zeros`, `ones`, `empty`, `full`, their `_like` forms, copies, `astype`.

    c = np.zeros((n, m))      ->   temporary c: float64[n, m];  for i0, i1: c[i0, i1] = 0.0

What leaves the region becomes a result later (`outputs`); everything else stays a temporary that the polyhedral stage may contract.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from setuptools_polyopt.diagnostics import Span, unsupported
from setuptools_polyopt.frontend import arrays
from setuptools_polyopt.frontend.context import Context
from setuptools_polyopt.frontend.values import (
    C_ORDER,
    ArrayValue,
    NoneValue,
    Order,
    PathValue,
    ScalarValue,
    StringValue,
    TupleValue,
    Value,
)
from setuptools_polyopt.ir.dtypes import DType
from setuptools_polyopt.ir.expressions import Const, Expr
from setuptools_polyopt.ir.kernel import Role
from setuptools_polyopt.operators import elementwise
from setuptools_polyopt.operators.values import Operand, element

_FILLS: dict[str, int | None] = {"zeros": 0, "ones": 1, "empty": None, "ndarray": None}
_PYTHON_DTYPES = {
    "builtins.float": DType.FLOAT64,
    "builtins.int": DType.INT64,
    "builtins.bool": DType.BOOL,
    "builtins.complex": DType.COMPLEX128,
}


def create(ctx: Context, path: str, positional: Sequence[Value], keywords: Mapping[str, Value], span: Span) -> Value:
    """The fresh array that a creation function returns; raises Unsupported."""
    name = path.rpartition(".")[2]
    match name:
        case "zeros" | "ones" | "empty" | "ndarray":
            given = _bind(path, ("shape", "dtype"), positional, keywords, span)
            dtype = _dtype(given.get("dtype"), DType.FLOAT64, span)
            return filled(ctx, shape_of(ctx, given["shape"], span), dtype, _FILLS[name], span)
        case "full":
            return _full(ctx, _bind(path, ("shape", "fill_value", "dtype"), positional, keywords, span), span)
        case "zeros_like" | "ones_like" | "empty_like":
            given = _bind(path, ("a", "dtype"), positional, keywords, span)
            model = _array(given["a"], path, span)
            dtype = _dtype(given.get("dtype"), model.dtype, span)
            order = arrays.common_order([model], model.rank)
            return filled(ctx, model.extents, dtype, _FILLS[name.removesuffix("_like")], span, order)
        case "full_like":
            given = _bind(path, ("a", "fill_value", "dtype"), positional, keywords, span)
            model = _array(given["a"], path, span)
            dtype = _dtype(given.get("dtype"), model.dtype, span)
            target = filled(ctx, model.extents, dtype, None, span, arrays.common_order([model], model.rank))
            _fill_with(ctx, target, given["fill_value"], span)
            return target
        case "copy" | "array" | "astype" | "ascontiguousarray" | "asarray" | "flatten":
            return _copied(ctx, path, positional, keywords, span)
        case _:
            raise unsupported(span, "creation", f"`{path}` is not supported")


def _bind(
    path: str, names: Sequence[str], positional: Sequence[Value], keywords: Mapping[str, Value], span: Span
) -> dict[str, Value]:
    """Arguments by name; all but `dtype` are required."""
    given = dict(zip(names, positional, strict=False))
    for name, value in keywords.items():
        if name not in names or name in given:
            raise unsupported(span, "keyword-argument", f"`{path}` with the argument `{name}=` is not supported")
        given[name] = value
    if len(positional) > len(names) or any(name not in given for name in names if name != "dtype"):
        raise unsupported(span, "arguments", f"`{path}` with these arguments is not supported")
    return given


def _array(value: Value, path: str, span: Span) -> ArrayValue:
    if not isinstance(value, ArrayValue):
        raise unsupported(span, "creation", f"`{path}` of something else than an array is not supported")
    return value


def shape_of(ctx: Context, value: Value, span: Span) -> tuple[Expr, ...]:
    """The extents that a shape argument asks for, guarded to be non-negative."""
    items = value.items if isinstance(value, TupleValue) else (value,)
    extents = []
    for item in items:
        form = ctx.state.form(item.expr) if isinstance(item, ScalarValue) and item.type.box == "python" else None
        if form is None:
            raise unsupported(span, "shape", "a shape has to be made of sizes, integer arguments and constants")
        ctx.state.assume(form, "the extent of the new array is not negative", span)
        extents.append(form.expr())
    if not 1 <= len(extents) <= arrays.RANK_LIMIT:
        raise unsupported(span, "rank", f"arrays of rank {len(extents)} are not supported")
    return tuple(extents)


def dtype_of(value: Value) -> DType | None:
    """The element type that a dtype argument names, None for anything unknown."""
    match value:
        case PathValue(path=path) if path in _PYTHON_DTYPES:
            return _PYTHON_DTYPES[path]
        case PathValue(path=path) if path.startswith("numpy."):
            name = path.removeprefix("numpy.")
        case StringValue(text=text):
            name = text
        case _:
            return None
    try:
        return DType(np.dtype(name).name)
    except (TypeError, ValueError):
        return None


def given_dtype(value: Value | None, span: Span) -> DType | None:
    """What a `dtype=` argument names, None where there is none; raises Unsupported."""
    if value is None or isinstance(value, NoneValue):
        return None
    dtype = dtype_of(value)
    if dtype is None:
        raise unsupported(span, "dtype", "this dtype is not supported", "use np.float64, np.int64, ...")
    return dtype


def _dtype(value: Value | None, default: DType, span: Span) -> DType:
    return given_dtype(value, span) or default


def filled(
    ctx: Context, extents: tuple[Expr, ...], dtype: DType, value: int | None, span: Span, order: Order | None = C_ORDER
) -> ArrayValue:
    """A new array, all of whose elements are zero or one (or nothing yet)."""
    target = ctx.state.temporary("t", dtype, extents, order)
    if value is not None:
        arrays.fill(ctx, target, literal_of(value, dtype), span)
    return target


def literal_of(value: int, dtype: DType) -> Const:
    """Zero or one of a type."""
    if dtype is DType.BOOL:
        return Const(bool(value), dtype)
    if dtype.is_integer:
        return Const(value, dtype)
    return Const(complex(value) if dtype.is_complex else float(value), dtype)


def _full(ctx: Context, given: Mapping[str, Value], span: Span) -> ArrayValue:
    extents, value = shape_of(ctx, given["shape"], span), given["fill_value"]
    if not isinstance(value, ScalarValue):
        raise unsupported(span, "creation", "only a number can fill an array")
    target = filled(ctx, extents, _dtype(given.get("dtype"), value.type.dtype, span), None, span)
    _fill_with(ctx, target, value, span)
    return target


def _fill_with(ctx: Context, target: ArrayValue, value: Value, span: Span) -> None:
    steady = arrays.settle_scalar(ctx, value, span)
    converted = elementwise.convert(Operand(steady.expr, steady.type), target.dtype, span)
    arrays.fill(ctx, target, converted, span)


def _copied(ctx: Context, path: str, positional: Sequence[Value], keywords: Mapping[str, Value], span: Span) -> ArrayValue:
    """Fresh copies: `np.copy` and `np.array` keep the memory order, the methods `copy` and `flatten` of a vector give C order. `asarray` of
    an array of that type is the array."""
    name = path.rpartition(".")[2]
    names = ("a", "dtype") if name in ("array", "astype", "asarray", "ascontiguousarray") else ("a",)
    given = _bind(path, names, positional, {key: value for key, value in keywords.items() if key != "copy"}, span)
    source = _array(given["a"], path, span)
    dtype = _dtype(given.get("dtype"), source.dtype, span)
    if name in ("asarray", "ascontiguousarray") or _is_false(keywords.get("copy")):
        if dtype is source.dtype and (name != "ascontiguousarray" or _contiguous(ctx, source)):
            return source
        if name == "ascontiguousarray" or path == "numpy.array":
            raise unsupported(span, "creation", f"`{path}` may return the array itself", "use .copy()")
    if name == "flatten" and source.rank > 1:
        raise unsupported(span, "creation", "a flat copy of several axes has no affine index map")
    order = Order() if path in ("ndarray.copy", "ndarray.flatten") else arrays.common_order([source], source.rank)
    target = ctx.state.temporary("t", dtype, source.extents, order)
    with arrays.nest(ctx, source.extents, span) as indices:
        value = elementwise.convert(element(source.read(indices)), dtype, span)
        arrays.store(ctx, target.load(indices), value, span)
    return target


def _is_false(value: Value | None) -> bool:
    return isinstance(value, ScalarValue) and isinstance(value.expr, Const) and not value.expr.value


def _contiguous(ctx: Context, source: ArrayValue) -> bool:
    """Whether the array is contiguous, or a guard may ask whether it is: it has to be all of what the caller gave, or of a local one."""
    if not source.whole or source.order is None or not source.order.plain or source.rank != ctx.state.arrays[source.storage].rank:
        return False
    if ctx.state.arrays[source.storage].role is Role.ARGUMENT:
        ctx.state.contiguous[source.storage] = 0
    return True
