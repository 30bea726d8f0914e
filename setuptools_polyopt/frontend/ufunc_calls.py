"""Calls of ufuncs with `out=`, `where=` and `dtype=`, and their methods `reduce`, `accumulate` and `outer`.

    np.divide(a, b, out=c, where=m)     ->     for i: c[i] = a[i] / b[i] if m[i] else c[i]
    np.add.reduce(a, axis=1)            ->     np.sum(a, axis=1)
    np.multiply.outer(a, b)             ->     a[:, None] * b
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from setuptools_polyopt.diagnostics import Span, unsupported
from setuptools_polyopt.frontend import arrays, scans, views
from setuptools_polyopt.frontend.arguments import Arguments, axis_number, axis_numbers, flag
from setuptools_polyopt.frontend.context import Context
from setuptools_polyopt.frontend.creation import given_dtype
from setuptools_polyopt.frontend.reduction import Options, reduced
from setuptools_polyopt.frontend.values import ArrayValue, NoneValue, TupleValue, Value
from setuptools_polyopt.ir.dtypes import DType
from setuptools_polyopt.ir.expressions import Select
from setuptools_polyopt.operators import elementwise, numpy_scalars, ufuncs
from setuptools_polyopt.operators.values import Operand, ScalarType, from_numpy, numpy_dtype

METHODS = ("reduce", "accumulate", "outer")
_REDUCTIONS = {
    "add": "sum", "multiply": "prod", "maximum": "max", "minimum": "min", "logical_or": "any", "logical_and": "all",
}  # fmt: skip
_RUNNING = ("add", "multiply", "maximum", "minimum")
_PYTHON = {DType.INT64: int, DType.FLOAT64: float, DType.COMPLEX128: complex}


def is_ufunc(path: str) -> bool:
    """Whether a dotted path is that of a ufunc that is known here."""
    room, _, name = path.partition(".")
    return room == "numpy" and ufuncs.ALIASES.get(name, name) in ufuncs.SUPPORTED


def operands(path: str) -> int:
    """How many operands a ufunc has."""
    name = path.removeprefix("numpy.")
    return int(getattr(np, ufuncs.ALIASES.get(name, name)).nin)


def is_method(path: str) -> bool:
    """Whether a dotted path is that of a known ufunc's method."""
    owner, _, name = path.rpartition(".")
    return name in METHODS and is_ufunc(owner)


def call(ctx: Context, arguments: Arguments) -> Value:
    """`np.NAME(*inputs, out, where=..., dtype=...)`; raises Unsupported."""
    span = arguments.span
    count = operands(arguments.path)
    inputs, rest = arguments.positional[:count], arguments.positional[count:]
    unknown = arguments.keywords.keys() - {"out", "where", "dtype"}
    if unknown or len(inputs) < count or len(rest) > 1:
        what = f"the argument `{min(unknown)}=`" if unknown else f"{len(arguments.positional)} operands"
        raise unsupported(span, "keyword-argument", f"`{arguments.path}` with {what} is not supported")
    out, where = rest[0] if rest else arguments.keywords.get("out"), arguments.keywords.get("where")
    if isinstance(out, TupleValue) and len(out.items) == 1:
        out = out.items[0]
    dtype = given_dtype(arguments.keywords.get("dtype"), span)
    if out is None or isinstance(out, NoneValue):
        if where is not None:
            raise unsupported(span, "keyword-argument", "`where=` without `out=` leaves elements that nobody knows", "give `out=`")
        return _computed(ctx, arguments.path, inputs, dtype, span)
    if not isinstance(out, ArrayValue):
        raise unsupported(span, "keyword-argument", "`out=` has to be an array")
    if where is None:
        value = _computed(ctx, arguments.path, inputs, dtype, span)
    else:
        value = _chosen(ctx, arguments.path, inputs, dtype, out, where, span)
    if isinstance(value, ArrayValue) and value.rank > out.rank:
        raise unsupported(span, "shape-mismatch", "the result has more axes than `out=`")
    arrays.assign(ctx, out, value, span, in_place=True)
    return out


def _element(path: str, operands: Sequence[Operand], dtype: DType | None, fp: str, span: Span) -> Operand:
    converted = operands if dtype is None else _converted(path, operands, dtype, span)
    result = elementwise.call(path, converted, {}, fp, span)
    if dtype is not None and result.dtype is not dtype:
        raise unsupported(span, "keyword-argument", f"`{path}` with `dtype={dtype.value}` is not supported")
    return result


def _computed(ctx: Context, path: str, inputs: Sequence[Value], dtype: DType | None, span: Span) -> Value:
    return arrays.apply(ctx, inputs, lambda operands: _element(path, operands, dtype, ctx.function.fp, span), span)


def _chosen(
    ctx: Context, path: str, inputs: Sequence[Value], dtype: DType | None, out: ArrayValue, where: Value, span: Span
) -> Value:
    """The new elements where the mask holds, the old ones elsewhere; the others are not even computed."""
    if not isinstance(where, ArrayValue) or where.dtype is not DType.BOOL:
        raise unsupported(span, "keyword-argument", "`where=` has to be an array of truth values")

    def choose(operands: tuple[Operand, ...]) -> Operand:
        mask, old, *rest = operands
        new = elementwise.convert_in_place(_element(path, rest, dtype, ctx.function.fp, span), out.dtype, span)
        return replace(old, expr=Select(mask.expr, new, old.expr, out.dtype))

    return arrays.apply(ctx, (where, out, *inputs), choose, span)


def _converted(path: str, operands: Sequence[Operand], dtype: DType, span: Span) -> list[Operand]:
    """The operands as the loop for results of the type takes them."""
    name = path.removeprefix("numpy.")
    ufunc = getattr(np, ufuncs.ALIASES.get(name, name))
    kinds = tuple(_PYTHON[operand.dtype] if operand.weak else numpy_dtype(operand.dtype) for operand in operands)
    try:
        types = ufunc.resolve_dtypes((*kinds, None), signature=(*(None for _ in kinds), numpy_dtype(dtype)))
    except TypeError as error:
        raise unsupported(span, "operator-type", f"`{path}` has no loop with such a result: {error}") from error
    if any(from_numpy(found, span) is not dtype for found in types):
        raise unsupported(span, "keyword-argument", f"`{path}` with `dtype={dtype.value}` is not supported")
    for operand in operands:
        if not operand.weak and not np.can_cast(numpy_dtype(operand.dtype), numpy_dtype(dtype), "same_kind"):
            raise unsupported(span, "operator-type", f"NumPy does not convert {operand.dtype.value} to {dtype.value} here")
    return [Operand(numpy_scalars.operand(o, dtype, dtype), ScalarType("numpy", dtype), o.array) for o in operands]


# methods


def method(ctx: Context, arguments: Arguments) -> Value:
    """`np.NAME.reduce(a)`, `np.NAME.accumulate(a)`, `np.NAME.outer(a, b)`."""
    owner, _, what = arguments.path.rpartition(".")
    name, span = owner.removeprefix("numpy."), arguments.span
    name = ufuncs.ALIASES.get(name, name)
    match what:
        case "reduce" if name in _REDUCTIONS:
            return _reduce(ctx, f"numpy.{_REDUCTIONS[name]}", arguments)
        case "accumulate" if name in _RUNNING:
            given = arguments.bound("array", "axis", "dtype")
            source = arguments.array(given, "array")
            axis = axis_number(ctx, given["axis"], source.rank, span) if "axis" in given else 0
            return scans.accumulated(ctx, name, source, axis, given_dtype(given.get("dtype"), span), span)
        case "outer":
            return outer(ctx, owner, arguments)
        case _:
            raise unsupported(span, "call", f"`{arguments.path}` is not supported")


def _reduce(ctx: Context, path: str, arguments: Arguments) -> Value:
    """Over the first axis, unless the call says otherwise."""
    given = arguments.bound("array", "axis", "dtype", "out", "keepdims", "initial")
    source, span = arguments.array(given, "array"), arguments.span
    said = [*arguments.positional[1:2], *(v for k, v in arguments.keywords.items() if k == "axis")]
    axes = axis_numbers(ctx, given.get("axis"), source.rank, span) if said else (0,)
    if "out" in given or ("dtype" in given and not path.endswith(("sum", "prod"))):
        raise unsupported(span, "keyword-argument", f"`{arguments.path}` with these arguments is not supported")
    keepdims = flag(given.get("keepdims"), False, "keepdims", span)
    return reduced(ctx, path, source, axes, span, Options(keepdims, given_dtype(given.get("dtype"), span), given.get("initial")))


def outer(ctx: Context, path: str, arguments: Arguments) -> Value:
    """Every element of the one operand with every element of the other."""
    given = arguments.bound("a", "b", required=2)
    left, right = arguments.array(given, "a"), arguments.array(given, "b")
    for _ in range(right.rank):
        left = views.new_axis(left, left.rank)
    return _computed(ctx, path, (left, right), None, arguments.span)
