"""The rewritten module: same program, same text, one dispatch a region."""

from __future__ import annotations

import ast
import textwrap
from types import SimpleNamespace

import pytest

from setuptools_polyopt.diagnostics import Span
from setuptools_polyopt.ir.kernel import Region
from setuptools_polyopt.multiversion.rewrite import rewrite_module, wrappable


def region_at(text: str, first: str, last: str, **change: object) -> Region:
    """The region from the first statement whose source starts with `first` to the one that starts with `last`."""
    nodes = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.stmt)]
    segment = {id(node): ast.get_source_segment(text, node) or "" for node in nodes}
    a = next(node for node in nodes if segment[id(node)].startswith(first))
    b = next(node for node in nodes if segment[id(node)].startswith(last))
    span = Span("m.py", a.lineno, a.col_offset, b.end_lineno or 0, b.end_col_offset or 0)
    values: dict[str, object] = {"name": "f_0", "function": "f", "span": span, "arguments": ("x",), "results": (), "returns": False,
                                 "returns_tuple": False, "globals": (), "variants": ()}  # fmt: skip
    return Region(**(values | change))  # type: ignore[arg-type]


def execute(text: str, answer: object) -> dict[str, object]:
    """Run a rewritten module with a `bind` whose regions answer `answer`."""
    namespace: dict[str, object] = {"__name__": "m"}
    text = text.replace("from p._polyopt import bind as _polyopt_bind\n", "")
    namespace["_polyopt_bind"] = lambda name, scope: SimpleNamespace(f_0=lambda *args: answer)
    exec(compile(text, "m.py", "exec"), namespace)
    return namespace


TEXT = textwrap.dedent('''\
    #!/usr/bin/env python
    """Doc."""
    from __future__ import annotations

    def f(x):
        """Keep me."""
        total = 0
        # a comment inside
        for i in range(x):
            total += i  # trailing
            text = """two
    lines"""
        return total, text
    ''')


def test_fallback_branch_computes_the_same() -> None:
    new = rewrite_module(TEXT, [region_at(TEXT, "total = 0", "for i", results=("total", "text"))], "p._polyopt")
    assert execute(new, None)["f"](4) == (6, "two\nlines")  # type: ignore[operator]
    assert execute(new, (1, 2))["f"](4) == (1, 2)  # type: ignore[operator]


def test_text_survives_and_import_is_below_the_future_import() -> None:
    new = rewrite_module(TEXT, [region_at(TEXT, "for i", "for i", results=("total",))], "p._polyopt")
    rows = new.splitlines()
    assert rows[3:5] == ["from p._polyopt import bind as _polyopt_bind", "_polyopt = _polyopt_bind(__name__, globals())"]
    assert "            total += i  # trailing" in new.replace("                ", "            ")
    assert '    """Keep me."""' in rows
    assert "    # a comment inside" in rows
    assert "    if (_polyopt_r := _polyopt.f_0(x)) is not None:  # polyopt: 9-12" in rows
    assert "        total, = _polyopt_r; _polyopt_r = None" in rows


@pytest.mark.parametrize(("is_tuple", "answer", "expected"), [(False, (7,), 7), (True, (7, 8), (7, 8))])
def test_return(is_tuple: bool, answer: object, expected: object) -> None:
    text = "def f(x):\n    return x + 1\n"
    new = rewrite_module(text, [region_at(text, "return", "return", returns=True, returns_tuple=is_tuple)], "p._polyopt")
    assert execute(new, answer)["f"](1) == expected  # type: ignore[operator]
    assert execute(new, None)["f"](1) == 2  # type: ignore[operator]


@pytest.mark.parametrize("ending", ["\r\n", "\n"])
def test_line_endings_tabs_and_missing_last_newline(ending: str) -> None:
    text = f"def f(x):{ending}\tx = (x +{ending}1)"
    new = rewrite_module(text, [region_at(text, "x = (x", "x = (x", results=("x",))], "p._polyopt")
    assert all(row.endswith(ending) for row in new.splitlines(keepends=True)[:-1])
    ast.parse(new)


def test_multiline_f_string_keeps_its_value() -> None:
    text = 'def f(x):\n    y = f"""a\n  {x}\n b"""\n    return y\n'
    new = rewrite_module(text, [region_at(text, "y = f", "y = f", results=("y",))], "p._polyopt")
    assert execute(new, None)["f"](3) == "a\n  3\n b"  # type: ignore[operator]


@pytest.mark.parametrize(
    ("text", "first", "expected"),
    [
        ("def f(x):\n    x = 1  # fine\n", "x = 1", True),
        ("def f(x): x = 1\n", "x = 1", False),
        ("def f(x):\n    x = 1; y = 2\n", "x = 1", False),
        ("def f(x):\n    x = 1; y = 2\n", "y = 2", False),
    ],
)
def test_wrappable(text: str, first: str, expected: bool) -> None:
    assert wrappable(text, region_at(text, first, first).span) is expected


def test_no_region_no_change() -> None:
    assert rewrite_module(TEXT, [], "p._polyopt") is TEXT
