"""Where a syntax node stands in its file, and what else stands on its lines."""

from __future__ import annotations

import ast
import io
from collections.abc import Sequence

from setuptools_polyopt.diagnostics import Span


def span_of(file: str, node: ast.AST) -> Span:
    """The place of a syntax node."""
    line, column = getattr(node, "lineno", 0), getattr(node, "col_offset", 0)
    return Span(file, line, column, getattr(node, "end_lineno", line) or line, getattr(node, "end_col_offset", column) or column)


def source_lines(text: str) -> list[str]:
    """The lines of a module as `ast` counts them, with their ends: neither a form feed nor a line separator of Unicode ends one."""
    return io.StringIO(text, newline="").readlines()


def on_own_lines(lines: Sequence[str], span: Span) -> bool:
    """Whether the code at `span` shares its lines with nothing but a comment. lines: of the module, as `source_lines` has them."""
    before = lines[span.line - 1].encode()[: span.column].decode()
    after = lines[span.end_line - 1].encode()[span.end_column :].decode().strip()
    return not before.strip() and (not after or after.startswith("#"))
