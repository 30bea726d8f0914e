"""The hash of a function: what changes it, what does not, and that all Python versions agree on it."""

from __future__ import annotations

import ast
import glob
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from setuptools_polyopt.profile.canonical import canonical_form, definitions, function_hash, functions

SOURCE = (Path(__file__).parent / "canonical_source.py.txt").read_text("utf-8")
GOLDEN = Path(__file__).parent / "canonical_hashes.json"


def hash_of(source: str) -> str:
    (node,) = [node for node in ast.parse(source).body if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))]
    return function_hash(node)


BASE = "def f(a, n=2):\n    return a[n] * 2.0\n"


@pytest.mark.parametrize(
    "same",
    [
        "def f(a: list[float], n: int = 2) -> float:\n    return a[n] * 2.0\n",
        'def f(a, n=2):\n    """Documented."""\n    return a[n] * 2.0\n',
        "\n\n\ndef f(a,\n      n=2,\n      ):\n    # a comment\n    return (a[n]\n            * 2.)\n",
        "def f(a, n=0b10):\n    result: float\n    return a[n] * 2.0\n",
        "def f(a, n=2):\n    return a[n] * 20e-1\n",
    ],
)
def test_what_does_not_matter(same: str) -> None:
    assert hash_of(same) == hash_of(BASE)


@pytest.mark.parametrize(
    "other",
    [
        "def g(a, n=2):\n    return a[n] * 2.0\n",
        "def f(a, n=3):\n    return a[n] * 2.0\n",
        "def f(a, n=True):\n    return a[n] * 2.0\n",
        "def f(a, *, n=2):\n    return a[n] * 2.0\n",
        "def f(a, n=2, /):\n    return a[n] * 2.0\n",
        "def f(a, n=2):\n    return a[n] * 2\n",
        "def f(a, n=2):\n    return a[n] * 2.0j\n",
        "def f(a, n=2):\n    return a[n] + 2.0\n",
        "def f(a, n=2):\n    return 2.0 * a[n]\n",
        "def f(a, m=2):\n    return a[m] * 2.0\n",
        "def f(a, n=2):\n    'text'\n    'text'\n    return a[n] * 2.0\n",
        "@wrap\ndef f(a, n=2):\n    return a[n] * 2.0\n",
        "async def f(a, n=2):\n    return a[n] * 2.0\n",
        "def f(a, n=2):\n    return a[n:] * 2.0\n",
    ],
)
def test_what_matters(other: str) -> None:
    assert hash_of(other) != hash_of(BASE)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("return 'a' 'b'", "return 'ab'"),
        ("return f'a' f'{x}' 'b'", "return f'a{x}b'"),
        ("return 'a' f'{x}'", "return f'a{x}'"),
        ("x: int = 3", "x = 3"),
        ("x = u'a'", "x = 'a'"),
    ],
)
def test_spellings_of_one_thing(left: str, right: str) -> None:
    assert hash_of(f"def f(x):\n    {left}\n") == hash_of(f"def f(x):\n    {right}\n")


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("return", "return None"),
        ("return ''", "return b''"),
        ("return 1", "return True"),
        ("return 0.0", "return -0.0"),
        ("return '1'", "return 1"),
        ("return x", "return 'x'"),
        ("return f'{x}'", "return f'{x!r}'"),
        ("return f'{x}'", "return f'{x:}'"),
        ("return {**x}", "return {x: x}"),
        ("return x[0:1]", "return x[0, 1]"),
        ("return \"a')(Name id:'b\"", "return 'a', b"),
    ],
)
def test_things_that_differ(left: str, right: str) -> None:
    assert hash_of(f"def f(x):\n    {left}\n") != hash_of(f"def f(x):\n    {right}\n")


def test_form_can_be_read() -> None:
    (node,) = ast.parse(BASE).body
    assert canonical_form(node) == (
        "(FunctionDef name:'f' args:(arguments args:[(arg arg:'a')(arg arg:'n')] defaults:[0x2]) body:["
        "(Return value:(BinOp left:(Subscript value:(Name id:'a') slice:(Name id:'n')) op:(Mult) right:2.0))])"
    )


def test_deeply_nested_expressions() -> None:
    tree: ast.expr = ast.Name("x", ast.Load())
    for _ in range(20_000):
        tree = ast.BinOp(tree, ast.Add(), ast.Constant(1))
    assert len(canonical_form(tree)) > 20_000
    while isinstance(tree, ast.BinOp):  # taken apart step by step: freeing it at once would recurse
        tree = tree.left


def test_qualified_names() -> None:
    tree = ast.parse(
        "def f():\n"
        "    def g(): pass\n"
        "    class C:\n"
        "        def m(self): pass\n"
        "class D:\n"
        "    class E:\n"
        "        async def m(self): pass\n"
        "    h = [lambda: 0]\n"
        "if f:\n"
        "    def k(): return 1\n"
        "else:\n"
        "    def k(): return 2\n"
    )
    names = ["f", "f.<locals>.g", "f.<locals>.C.m", "D.E.m", "k", "k"]
    assert [name for name, _ in definitions(tree)] == names
    assert set(functions(tree)) == set(names)
    assert functions(tree)["k"].lineno == 12


def hashes() -> dict[str, str]:
    return {name: function_hash(node) for name, node in definitions(ast.parse(SOURCE))}


def test_golden_hashes(golden: Callable[[Path, str], None]) -> None:
    """A change here makes every profile in the world stale."""
    golden(GOLDEN, json.dumps(hashes(), indent=2, sort_keys=True) + "\n")


def interpreters() -> list[str]:
    found = []
    for version in ("3.10", "3.11", "3.12", "3.13"):
        places = [
            shutil.which(f"python{version}"),
            *sorted(glob.glob(f"{Path.home()}/.pyenv/versions/{version}.*/bin/python")),
        ]
        found += [place for place in places if place][-1:]
    return found


@pytest.mark.parametrize("interpreter", interpreters() or [sys.executable])
def test_every_python_version_agrees(interpreter: str) -> None:
    code = (
        "import ast, json, sys\n"
        "from setuptools_polyopt.profile.canonical import definitions, function_hash\n"
        "tree = ast.parse(open(sys.argv[1], encoding='utf-8').read())\n"
        "print(json.dumps({name: function_hash(node) for name, node in definitions(tree)}))"
    )
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [interpreter, "-c", code, str(Path(__file__).parent / "canonical_source.py.txt")],
        env={**os.environ, "PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode and "SyntaxError" not in done.stderr and "ModuleNotFoundError" not in done.stderr:
        pytest.skip(f"{interpreter} does not run here: {done.stderr.strip()[-200:]}")
    assert json.loads(done.stdout) == hashes()
