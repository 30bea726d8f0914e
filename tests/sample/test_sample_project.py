"""The sample project on its own: its tests pass, and it is ordinary Python."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from benchmarks import loading
from benchmarks.cases import CASES, PACKAGE_MODULES, Case
from benchmarks.equality import difference
from setuptools_polyopt.profile.reading import read_profile
from setuptools_polyopt.profile.staleness import module_entries, stale_entries

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = ROOT / "sample_project"


@pytest.fixture(scope="module")
def plain():
    return loading.load(SAMPLE / "src", PACKAGE_MODULES)


def test_own_tests_pass_on_the_plain_source(tmp_path):
    project = loading.copy_project(SAMPLE, tmp_path / "sample")
    printed = loading.run_python(["-m", "pytest", "-q", "-p", "no:cacheprovider"], cwd=project)
    assert "passed" in printed


@pytest.mark.parametrize("path", sorted((SAMPLE / "src").rglob("*.py")), ids=lambda path: path.name)
def test_source_does_not_know_polyopt(path):
    imported = {
        name
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, (ast.Import, ast.ImportFrom))
        for name in ([alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module])
    }
    assert not {name for name in imported if "polyopt" in name}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_cases_run_and_repeat(case: Case, plain):
    """Arguments are the same at each preparation, and a call leaves those of the next alone."""
    size = 24 if case.kind != "application" else 64
    prepare = case.preparer(plain, size)
    function = case.function(plain)
    first, second = prepare(), prepare()
    assert difference(first, second) is None
    results = [function(*first), function(*second)]
    if case.in_place:
        assert difference(results[0], results[1]) is None
        assert difference(first, second) is None
        assert difference(first, prepare()) is not None


@pytest.mark.parametrize("name", PACKAGE_MODULES)
def test_committed_profile_is_of_this_source(name):
    profile = read_profile(SAMPLE / "polyopt-profile.json")
    path = SAMPLE / "src" / Path(*name.split(".")).with_suffix(".py")
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert module_entries(profile, name)
    assert stale_entries(profile, name, tree) == ()
