"""`range(...)` as the header of a loop: bounds that are linear in sizes and loop variables, or data that is read before the loop.

    range(1, n - 1)      ->    Header(1, n - 1, 1)
    range(p[i], p[i + 1])->    DataHeader((t, t_1), 1), with t = p[i]; t_1 = p[i + 1]
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from setuptools_polyopt.diagnostics import Span, unsupported
from setuptools_polyopt.frontend.affine import Affine, number, symbol
from setuptools_polyopt.frontend.context import Context
from setuptools_polyopt.frontend.values import PathValue, ScalarValue
from setuptools_polyopt.ir.dtypes import DType
from setuptools_polyopt.ir.expressions import Binary, Compare, Expr, Load, Select, Unary, integer
from setuptools_polyopt.ir.statements import Assign
from setuptools_polyopt.operators.values import ScalarType, cast

PYTHON_INT = ScalarType("python", DType.INT64)


@dataclass(frozen=True)
class Header:
    """`range(lower, upper, step)` with bounds that the size parameters and the loops around decide."""

    lower: Affine
    upper: Affine
    step: int

    @property
    def ends(self) -> tuple[Expr, Expr]:
        return self.lower.expr(), self.upper.expr()

    @property
    def ran(self) -> Affine:
        """>= 0 exactly if the loop runs at all."""
        return (self.upper - self.lower if self.step > 0 else self.lower - self.upper) - 1

    def facts(self, iterator: str) -> tuple[Affine, Affine]:
        """What holds of the iterator inside."""
        i = symbol(iterator)
        if self.step > 0:
            return i - self.lower, self.upper - i - 1
        return self.lower - i, i - self.upper - 1


@dataclass(frozen=True)
class DataHeader:
    """`range(lower, upper, step)` with bounds that are data; they are evaluated before the loop."""

    ends: tuple[Load, Load]
    step: int


@dataclass(frozen=True)
class Strided:
    """`range(first, last, step)` with a step that is no constant: `count` values `first + k * step`."""

    first: Load
    step: Load
    count: Load

    def value(self, index: Expr) -> Expr:
        """The value at an index from 0 on."""
        return Binary("add", Binary("mul", index, self.step, DType.INT64), self.first, DType.INT64)


def _strided(ctx: Context, values: Sequence[Expr], span: Span) -> Strided:
    first, last, step = (kept(ctx, value, span) for value in values)

    def count(near: Expr, far: Expr, stride: Expr) -> Expr:
        room = _checked("sub", _checked("add", _checked("sub", far, near), stride), integer(1))
        return Binary("max", _checked("floordiv", room, stride), integer(0), DType.INT64)  # fails where the step is zero

    down = count(last, first, Unary("neg", step, DType.INT64, checked=True))
    counted = Select(Compare("gt", step, integer(0)), count(first, last, step), down, DType.INT64)
    return Strided(first, step, kept(ctx, counted, span))


def _checked(op: Literal["add", "sub", "floordiv"], left: Expr, right: Expr) -> Expr:
    return Binary(op, left, right, DType.INT64, checked=True)


def range_of(ctx: Context, node: ast.expr) -> Header | DataHeader | Strided:
    """The bounds of `range(...)`; raises Unsupported for any other iterable."""
    span = ctx.span(node)
    if not isinstance(node, ast.Call) or ctx.function.module.dotted(node.func) != "builtins.range" or node.keywords:
        raise unsupported(
            span, "loop-iterable", f"loops over `{ast.unparse(node)}` are not supported", "loop over `range`"
        )
    if ctx.expr(node.func) != PathValue("builtins.range") or not 1 <= len(node.args) <= 3:
        raise unsupported(span, "loop-iterable", "this is not the builtin `range`")
    values = [_bound(ctx, argument) for argument in node.args]
    forms = [ctx.state.form(value) for value in values]
    if len(forms) == 3 and (forms[2] is None or forms[2].value is None):
        return _strided(ctx, values, span)
    step = 1 if len(forms) < 3 or forms[2] is None else forms[2].value
    if not step:
        raise unsupported(span, "loop-step", "the step of a range is zero")
    lower, upper = (forms[0], forms[1]) if len(forms) > 1 else (number(0), forms[0])
    if lower is not None and upper is not None and ctx.state.regular(lower) and ctx.state.regular(upper):
        return Header(lower, upper, step)
    first, last = (values[0], values[1]) if len(values) > 1 else (integer(0), values[0])
    return DataHeader((kept(ctx, first, span), kept(ctx, last, span)), step)


def kept(ctx: Context, value: Expr, span: Span) -> Load:
    """An integer that is evaluated here, once."""
    scratch = ctx.state.scratch(DType.INT64)
    ctx.state.emit(Assign(scratch, value, span))
    return scratch


def _bound(ctx: Context, node: ast.expr) -> Expr:
    """An argument of `range` as an int64."""
    value = ctx.expr(node)
    if not isinstance(value, ScalarValue) or not value.type.dtype.is_integer or value.type.box == "mixed":
        raise unsupported(ctx.span(node), "loop-bounds", f"`{ast.unparse(node)}` is no integer here")
    return cast(value.expr, DType.INT64, checked=value.type.dtype is DType.UINT64)
