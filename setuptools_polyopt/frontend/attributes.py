"""Attributes: of modules (`np.pi`), of arrays (`a.shape`, `a.T`), of scalars (`z.real`) and of objects (`self.n`)."""

from __future__ import annotations

import ast
from dataclasses import replace

from setuptools_polyopt.diagnostics import Span, unsupported
from setuptools_polyopt.frontend import arrays, records
from setuptools_polyopt.frontend.affine import number
from setuptools_polyopt.frontend.context import Context
from setuptools_polyopt.frontend.values import (
    ArrayValue,
    ListValue,
    MethodValue,
    ObjectValue,
    RecordValue,
    ScalarValue,
    StringValue,
    TupleValue,
    Value,
)
from setuptools_polyopt.ir.dtypes import DType
from setuptools_polyopt.ir.expressions import Binary, Expr, integer
from setuptools_polyopt.operators import elementwise
from setuptools_polyopt.operators.values import ScalarType

_PYTHON_INT = ScalarType("python", DType.INT64)


def attribute(ctx: Context, node: ast.Attribute) -> Value:
    """The value of `base.name` when it is read."""
    span = ctx.span(node)
    names = chain(node)
    if names is not None and not ctx.is_local(names[0]) and names[-1] in ("reduce", "accumulate", "outer") and len(names) > 1:
        return MethodValue(ctx.resolve(names[0], names[1:-1], span), names[-1])  # a new object each time, so its ufunc is guarded
    if names is not None and not ctx.is_local(names[0]):
        return ctx.resolve(names[0], names[1:], span)
    return attribute_of(ctx, ctx.expr(node.value), node)


def attribute_of(ctx: Context, base: Value, node: ast.Attribute) -> Value:
    """The value of `base.name`."""
    span = ctx.span(node)
    match base:
        case ObjectValue():
            return ctx.attribute(base, node.attr, span)
        case TupleValue() | RecordValue():
            return records.attribute(ctx, base, node.attr, span)
        case ArrayValue():
            return _of_array(ctx, base, node)
        case ListValue():
            return MethodValue(base, node.attr)
        case ScalarValue():
            if node.attr in ("real", "imag"):
                return component(ctx, base, node.attr, ctx.span(node))
            return MethodValue(base, node.attr)
        case _:
            raise unsupported(span, "attribute", f"`{ast.unparse(node)}` is not understood")


def chain(node: ast.expr) -> tuple[str, ...] | None:
    """`np.linalg.norm` as names, None where the root is no name."""
    match node:
        case ast.Name(id=name):
            return (name,)
        case ast.Attribute(value=value, attr=attr):
            root = chain(value)
            return None if root is None else (*root, attr)
        case _:
            return None


def _of_array(ctx: Context, base: ArrayValue, node: ast.Attribute) -> Value:
    match node.attr:
        case "shape":
            return TupleValue(tuple(extent_value(ctx, extent) for extent in base.extents))
        case "ndim":
            return ScalarValue(_PYTHON_INT, integer(base.rank))
        case "size":
            return size(ctx, base, node)
        case "T":
            return arrays.transpose(base, range(base.rank)[::-1])
        case "dtype":
            return StringValue(base.dtype.value)
        case "real" | "imag":
            return component(ctx, base, node.attr, ctx.span(node))
        case name:
            return MethodValue(base, name)


def extent_value(ctx: Context, extent: Expr) -> ScalarValue:
    """An extent as a Python int."""
    form = ctx.state.form(extent)
    return ScalarValue(_PYTHON_INT, extent if form is None else form.expr())


def size(ctx: Context, base: ArrayValue, node: ast.AST) -> ScalarValue:
    """The number of elements; a product of two or more unknown extents is data, not an index."""
    total: Expr = integer(1)
    factor = 1
    for extent in base.extents:
        form = ctx.state.form(extent)
        if form is not None and form.value is not None:
            factor *= form.value
        else:
            total = extent if total == integer(1) else Binary("mul", total, extent, DType.INT64, checked=True)
    scaled = total if factor == 1 else Binary("mul", total, integer(factor), DType.INT64, checked=True)
    form = ctx.state.form(total)
    exact = number(factor) if total == integer(1) else None if form is None else form * factor
    return ScalarValue(_PYTHON_INT, scaled if exact is None or not exact.small else exact.expr())


def component(ctx: Context, base: Value, name: str, span: Span) -> Value:
    """`z.real` and `z.imag` are views of arrays and plain numbers of scalars."""
    if isinstance(base, ArrayValue):
        if base.dtype.is_complex:
            return replace(base, dtype=base.dtype.real, part="real" if name == "real" else "imag", fresh=False)
        if name == "real":
            return base
        raise unsupported(span, "attribute", "`.imag` of a real array is not supported")
    operand = arrays.operand_of(base, span)
    result = elementwise.call(f"numpy.{name}", (operand,), {}, ctx.function.fp, span)
    return ScalarValue(ScalarType(operand.type.box, result.dtype), result.expr)
