"""Entries are used only for the very function that they were taken of."""

from __future__ import annotations

import ast

from setuptools_polyopt.profile.canonical import function_hash, functions
from setuptools_polyopt.profile.schema import FunctionProfile, Profile
from setuptools_polyopt.profile.staleness import Stale, entry_for, stale_entries, without_stale

SOURCE = "def f(a):\n    return a\n\n\nclass C:\n    def m(self):\n        return 1\n"


def profile_of(source: str, module: str = "pkg.mod") -> Profile:
    nodes = functions(ast.parse(source))
    return Profile({f"{module}:{name}": FunctionProfile(function_hash(node), 1, 0.0) for name, node in nodes.items()})


def test_nothing_is_stale_while_nothing_changes() -> None:
    annotated = SOURCE.replace("(a)", "(a: float) -> float").replace("return 1", "'doc'\n        return 1")
    assert stale_entries(profile_of(SOURCE), "pkg.mod", ast.parse(annotated)) == ()


def test_changed_and_missing_functions() -> None:
    profile = profile_of(SOURCE)
    tree = ast.parse("def f(a):\n    return a + 1\n")
    assert stale_entries(profile, "pkg.mod", tree) == (
        Stale("pkg.mod:C.m", "missing"),
        Stale("pkg.mod:f", "changed", 1),
    )
    assert entry_for(profile, "pkg.mod", "f", functions(tree)["f"]) is None
    assert without_stale(profile, "pkg.mod", tree) == Profile()


def test_other_modules_are_not_looked_at() -> None:
    profile = profile_of(SOURCE, "pkg.module")
    assert stale_entries(profile, "pkg.mod", ast.parse("")) == ()
    assert without_stale(profile, "pkg.mod", ast.parse("")) == profile


def test_any_definition_of_the_name_counts() -> None:
    source = "if x:\n    def f(): return 1\nelse:\n    def f(): return 2\n"
    first = ast.parse(source).body[0]
    assert isinstance(first, ast.If)
    node = first.body[0]
    assert isinstance(node, ast.FunctionDef)
    profile = Profile({"m:f": FunctionProfile(function_hash(node), 1, 0.0)})
    assert stale_entries(profile, "m", ast.parse(source)) == ()
    assert entry_for(profile, "m", "f", node) is profile.functions["m:f"]
    assert entry_for(profile, "m", "f", functions(ast.parse(source))["f"]) is None
