"""Where a syntax node stands in its file."""

from __future__ import annotations

import ast

from setuptools_polyopt.diagnostics import Span


def span_of(file: str, node: ast.AST) -> Span:
    """The place of a syntax node."""
    line, column = getattr(node, "lineno", 0), getattr(node, "col_offset", 0)
    return Span(file, line, column, getattr(node, "end_lineno", line) or line, getattr(node, "end_col_offset", column) or column)
