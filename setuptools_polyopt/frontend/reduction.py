"""Reductions of arrays: `np.sum(a, axis=0)`, `a.max()`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from setuptools_polyopt.diagnostics import Span, unsupported
from setuptools_polyopt.frontend.context import Context
from setuptools_polyopt.frontend.values import Value


def reduce(ctx: Context, path: str, positional: Sequence[Value], keywords: Mapping[str, Value], span: Span) -> Value:
    """The value of a reduction; raises Unsupported."""
    raise unsupported(span, "reduction", f"`{path}` is not supported yet")
