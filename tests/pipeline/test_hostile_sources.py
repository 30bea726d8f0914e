"""Sources and names without measure: the build ends soon and well, and nothing of them gets out of a comment or a string of the C text."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from built import build

from setuptools_polyopt.codegen.names import comment
from setuptools_polyopt.config import Settings
from setuptools_polyopt.diagnostics import DEFECT, TOO_DEEP
from setuptools_polyopt.multiversion.names import quoted
from setuptools_polyopt.pipeline import CompiledPackage, ModuleSource, compile_package


def loop(expression: str) -> str:
    return f"def f(x: list[float], n: int):\n    s = 0.0\n    for i in range(n):\n        s += {expression}\n    return s\n"


def nested_ifs(levels: int) -> str:
    rows = [f"{'    ' * level}if i > {level}:\n" for level in range(2, levels)]
    return f"def f(n: int):\n    t = 0.0\n    for i in range(n):\n{''.join(rows)}{'    ' * levels}t += 1.0\n    return t\n"


def compiled(*sources: ModuleSource) -> CompiledPackage:
    found = compile_package("m._polyopt", sources, None, Settings(), True)
    assert not [diagnostic for diagnostic in found.diagnostics if diagnostic.kind == DEFECT]
    for name, text in found.modules.items():
        compile(text, name, "exec")
    return found


SOURCES = {
    "power": loop("10**10**10 * 1.0"),
    "shift": loop("(1 << 10**12) % 7"),
    "repeated text": loop("len('ab' * 10**11)"),
    "repeated list": "def f(n: int):\n    x = [0.0] * 10**11\n    for i in range(n):\n        x[i] = i * 2.0\n    return x[3]\n",
    "huge range": "def f(n: int):\n    t = 0.0\n    for i in range(10**18):\n        for j in range(10**30):\n            t += i * 0.5\n",
    "decimal digits": loop("9" * 4000),
    "hexadecimal digits": loop("0x" + "9" * 40000),
    "calls of calls": "def g0(x: float):\n    return x\n"
    + "".join(f"def g{k}(x: float):\n    return g{k - 1}(x) + g{k - 1}(x)\n" for k in range(1, 40))
    + loop("g39(1.0 * i)"),
    "surrogate": "M = '\\ud800'\n" + loop("1.0 if M == '\\ud800' else 2.0"),
}


@pytest.mark.parametrize("name", SOURCES)
def test_the_build_ends(name: str) -> None:
    compiled(ModuleSource("m.k", "k.py", SOURCES[name]))


DEEP = {
    "signs": loop("-" * 1500 + "i"),
    "attributes": loop("x" + ".T" * 1500 + "[i]"),
    "elif": "def f(n: int):\n    t = 0\n    for i in range(n):\n        if i == 0:\n            t += 1\n"
    + "".join(f"        elif i == {k}:\n            t += {k}\n" for k in range(1, 900)),
    "indentation": nested_ifs(99),
}


@pytest.mark.parametrize("name", DEEP)
def test_nesting_without_measure_stays_python(name: str) -> None:
    found = compiled(ModuleSource("m.k", "k.py", DEEP[name]))
    assert {diagnostic.kind for diagnostic in found.diagnostics} >= {TOO_DEEP}
    assert not found.modules


def test_names_and_paths_of_all_kinds(tmp_path: Path) -> None:
    path = "x**//\n#error out of the comment\n/*\udc80.py"
    text = f"def {'f' * 300}(n: int):\n    t = 0\n    for i in range(n):\n        t += i * 3\n    return t\n"
    found = compiled(ModuleSource("m.k\u00e4se", path, text), ModuleSource("m.\ufb01", path, text))
    assert len(found.kernel_sources) == 2
    for name, source in (*found.kernel_sources.items(), ("entry.c", found.entry_sources["entry.c"])):
        assert name.isascii()
        assert len(name) < 120
        assert "#error" not in re.sub(r"/\*.*?\*/", "", source, flags=re.DOTALL)


def test_modules_whose_names_differ_in_dots_alone(tmp_path: Path) -> None:
    text = "def f(n: int):\n    t = 0\n    for i in range(n):\n        t += i * {}\n    return t\n"
    built = build(tmp_path, "alike", text.format(3), None, others={"a_b": text.format(5), "a__b": text.format(7), "A_b": text.format(11)})
    assert len(built.compiled.kernel_sources) == 4
    assert len({name.lower() for name in built.compiled.kernel_sources}) == 4
    assert built.built.f(1000) == 3 * 499500


@pytest.mark.parametrize("text", ["plain", "a*/b", "**//", "\\", "??/", "line\nline", '"; evil(); "', "\u00e4\u2028", "\udc80", "a\rb"])
def test_comments_and_strings_hold_what_they_are_given(tmp_path: Path, text: str) -> None:
    source = f"{comment(text)}\n#include <stdio.h>\nint main(void) {{ fputs({quoted(text)}, stdout); return 0; }}\n"
    (tmp_path / "t.c").write_text(source, encoding="utf-8")
    subprocess.run(["cc", "-std=c11", "-o", "t", "t.c"], cwd=tmp_path, check=True, capture_output=True)
    assert subprocess.run(["./t"], cwd=tmp_path, check=True, capture_output=True).stdout == text.encode("utf-8", "surrogatepass")


def test_text_with_a_nul_never_holds() -> None:
    assert quoted("a\0b") == '"a\\300\\200b"'


@pytest.mark.parametrize("letter", "\x0c\x0b\x1c\x1d\x1e\x85\u2028\u2029")
def test_what_ends_no_line_for_python_ends_none_here(tmp_path: Path, letter: str) -> None:
    row = letter if letter == "\x0c" else f"# {letter}"
    text = f"import math\n{row}\n\ndef f(n: int):\n    t = 0\n    for i in range(n):\n        t += i * 3\n    return t\n"
    found = compiled(ModuleSource("m.k", "k.py", text))
    assert "# polyopt: 5-7" in found.modules["m.k"]
