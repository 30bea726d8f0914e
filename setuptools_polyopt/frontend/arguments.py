"""Evaluated arguments of a call, by name, and what constants among them say.

    np.sum(a, axis=(0, -1), keepdims=True)     ->     bound("a", "axis", ...) = {"a": a, "axis": (0, -1), "keepdims": True}

An argument of `None` counts as not given, which is what it means to all functions here.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass

from setuptools_polyopt.diagnostics import Span, unsupported
from setuptools_polyopt.frontend.context import Context
from setuptools_polyopt.frontend.values import ArrayValue, NoneValue, ScalarValue, StringValue, TupleValue, Value
from setuptools_polyopt.ir.dtypes import DType
from setuptools_polyopt.ir.expressions import Const
from setuptools_polyopt.operators.values import ScalarType

PYTHON_INT = ScalarType("python", DType.INT64)


@dataclass(frozen=True)
class Arguments:
    """Of a call of the function `path`."""

    node: ast.Call
    path: str
    positional: tuple[Value, ...]
    keywords: Mapping[str, Value]
    span: Span

    @property
    def name(self) -> str:
        """The function without its module."""
        return self.path.rpartition(".")[2]

    def bound(self, *names: str, required: int = 1) -> dict[str, Value]:
        """The arguments by parameter name; raises Unsupported for others, and where one of the first `required` is missing."""
        given = dict(zip(names, self.positional, strict=False))
        unknown = [name for name in self.keywords if name not in names or name in given]
        if unknown or len(self.positional) > len(names):
            what = f"the argument `{unknown[0]}=`" if unknown else f"{len(self.positional)} arguments"
            raise unsupported(self.span, "keyword-argument", f"`{self.path}` with {what} is not supported")
        given.update(self.keywords)
        found: dict[str, Value] = {name: value for name, value in given.items() if not isinstance(value, NoneValue)}
        if any(name not in found for name in names[:required]):
            raise unsupported(self.span, "arguments", f"`{self.path}` with these arguments is not supported")
        return found

    def array(self, given: Mapping[str, Value], name: str) -> ArrayValue:
        """An argument that has to be an array."""
        value = given[name]
        if not isinstance(value, ArrayValue):
            raise unsupported(self.span, "array-argument", f"`{self.path}` of something else than an array is not supported")
        return value


def items(value: Value) -> tuple[Value, ...]:
    """A tuple's items; anything else alone."""
    return value.items if isinstance(value, TupleValue) else (value,)


def constant_integer(ctx: Context, value: Value | None, default: int, what: str, span: Span) -> int:
    """An integer that is known when building."""
    if value is None:
        return default
    form = ctx.state.form(value.expr) if isinstance(value, ScalarValue) else None
    if form is None or form.value is None:
        raise unsupported(span, "arguments", f"{what} has to be a constant")
    return form.value


def axis_number(ctx: Context, value: Value, rank: int, span: Span) -> int:
    """An axis known when building, counted from the front."""
    form = ctx.state.form(value.expr) if isinstance(value, ScalarValue) else None
    if form is None or form.value is None or not -rank <= form.value < rank:
        raise unsupported(span, "axis", f"an axis has to be a constant below the rank {rank}")
    return form.value % rank


def axis_numbers(ctx: Context, value: Value | None, rank: int, span: Span) -> tuple[int, ...]:
    """The axes that `axis=` names, all of them where it is absent, in the order of the source."""
    if value is None:
        return tuple(range(rank))
    found = tuple(axis_number(ctx, item, rank, span) for item in items(value))
    if len(set(found)) != len(found) or not found:
        raise unsupported(span, "axis", "the axes have to be distinct")
    return found


def flag(value: Value | None, default: bool, what: str, span: Span) -> bool:
    """True or False, as a constant."""
    if value is None:
        return default
    if isinstance(value, ScalarValue) and isinstance(value.expr, Const) and value.type.dtype is DType.BOOL:
        return bool(value.expr.value)
    raise unsupported(span, "keyword-argument", f"`{what}=` has to be True or False")


def word(value: Value | None, default: str, what: str, span: Span) -> str:
    """A string constant."""
    if value is None:
        return default
    if isinstance(value, StringValue):
        return value.text
    raise unsupported(span, "keyword-argument", f"`{what}=` has to be a string constant")
