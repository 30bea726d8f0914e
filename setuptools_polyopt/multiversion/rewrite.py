"""The wheel's module: the user's own text, each region wrapped in a dispatch with the original statements as its `else` branch.

Works on the text, so comments, formatting, docstrings, decorators and signatures survive. It runs last: regions and the native code
for them exist already.

Before:

    def heat(A, B, n):
        for i in range(1, n - 1):
            B[i] = A[i - 1] + A[i + 1]

After (the import is added below the docstring and the `__future__` imports):

    from heat._polyopt import bind as _polyopt_bind
    _polyopt = _polyopt_bind(__name__, globals())

    def heat(A, B, n):
        if (_polyopt_r := _polyopt.heat_0(A, B, n)) is not None:  # polyopt: lines 2-3
            pass
        else:
            for i in range(1, n - 1):
                B[i] = A[i - 1] + A[i + 1]

Not done here: deciding whether a region may be wrapped (the frontend), except for `wrappable`, which knows what the text allows.
"""

from __future__ import annotations

import ast
import io
import tokenize
from collections.abc import Sequence

from setuptools_polyopt.diagnostics import Span
from setuptools_polyopt.frontend.spans import on_own_lines, source_lines
from setuptools_polyopt.ir.kernel import Region

_STEP = "    "


def wrappable(text: str, span: Span) -> bool:
    """Whether the statements at `span` stand on lines of their own, so that they can be indented.

    False for `if x: a = 1`, for `a = 1; b = 2` cut in the middle, and for statements that end in a line continuation.
    """
    return on_own_lines(source_lines(text), span)


def bindable(text: str) -> bool:
    """Whether the import of the binding has a place in a module's text."""
    try:
        _import_line(text)
    except ValueError:
        return False
    return True


def rewrite_module(text: str, regions: Sequence[Region], package: str, bound: bool = False) -> str:
    """The module's text with every region wrapped and the binding import added.

    text: the module's source. regions: disjoint, each `wrappable`. package: import name of the wheel's `_polyopt` package. bound: the
    import is needed without a region, too (regions of other modules hold functions of this one). Returns `text` itself when there is
    nothing to do.
    """
    if not regions and not bound:
        return text
    lines = source_lines(text)
    if lines and not lines[-1].endswith(("\n", "\r")):
        lines[-1] += "\n"
    newline = "\r\n" if lines and lines[0].endswith("\r\n") else "\n"
    fixed = _string_continuations(text)
    for region in sorted(regions, key=lambda region: region.span.line, reverse=True):
        first, last = region.span.line - 1, region.span.end_line
        base = lines[first][: len(lines[first]) - len(lines[first].lstrip())]
        body = [_indent(lines[k], base, k + 1 in fixed) for k in range(first, last)]
        lines[first:last] = [f"{base}{row}{newline}" for row in _dispatch(region)] + body
    at = _import_line(text)
    binding = (
        f"from {package} import bind as _polyopt_bind{newline}",
        f"_polyopt = _polyopt_bind(__name__, globals()){newline}",
    )
    return "".join((*lines[:at], *binding, *lines[at:]))


def _dispatch(region: Region) -> list[str]:
    call = f"_polyopt.{region.name}({', '.join(region.arguments)})"
    match region.results:
        case _ if region.form:
            take = region.form
        case _ if region.returns:
            take = "return _polyopt_r" if region.returns_tuple else "return _polyopt_r[0]"
        case ():
            take = "pass"
        case names:
            take = f"{', '.join(names)}{',' if len(names) == 1 else ''} = _polyopt_r; _polyopt_r = None"
    return [
        f"if (_polyopt_r := {call}) is not None:  # polyopt: {region.span.lines}",
        f"{_STEP}{take}",
        "else:",
    ]


def _indent(line: str, base: str, fixed: bool) -> str:
    if fixed or not line.strip():
        return line
    return base + _STEP + line[len(base) :] if line.startswith(base) else _STEP + line


def _string_continuations(text: str) -> frozenset[int]:
    """Lines (1-based) that begin inside a string literal: indenting them would change its value."""
    inside: set[int] = set()
    opened: list[int] = []
    starts = {getattr(tokenize, name) for name in ("FSTRING_START", "TSTRING_START") if hasattr(tokenize, name)}
    ends = {getattr(tokenize, name) for name in ("FSTRING_END", "TSTRING_END") if hasattr(tokenize, name)}
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.STRING:
            inside.update(range(token.start[0] + 1, token.end[0] + 1))
        elif token.type in starts:
            opened.append(token.start[0])
        elif token.type in ends:
            inside.update(range(opened.pop() + 1, token.end[0] + 1))
    return frozenset(inside)


def _import_line(text: str) -> int:
    """Index of the line before which the import goes: after the docstring and the `__future__` imports."""
    tree = ast.parse(text)
    at = 0
    for index, node in enumerate(tree.body):
        future = isinstance(node, ast.ImportFrom) and node.module == "__future__"
        if not future and not (index == 0 and ast.get_docstring(tree, clean=False) is not None):
            break
        at = node.end_lineno or at
        following = tree.body[index + 1] if index + 1 < len(tree.body) else None
        if following is not None and following.lineno == at:
            raise ValueError("statements share a line with the docstring or a __future__ import")
    if at:
        return at
    rows = source_lines(text)
    while at < len(rows) and rows[at].startswith("#"):
        at += 1
    return at
