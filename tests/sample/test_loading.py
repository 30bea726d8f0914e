"""Copies of a package side by side: the plumbing of the benchmark, plain against plain."""

from __future__ import annotations

import sys

import pytest

from benchmarks import loading

PYPROJECT = """\
[build-system]
requires = ["setuptools"]
build-backend = "setuptools.build_meta"

[project]
name = "twins"
version = "1"

[tool.polyopt]
fp = "strict"

[tool.polyopt.functions."twins:f"]
fp = "fast"

[tool.setuptools]
packages = ["twins"]
"""


@pytest.fixture
def project(tmp_path):
    package = tmp_path / "project" / "twins"
    package.mkdir(parents=True)
    (tmp_path / "project" / "pyproject.toml").write_text(PYPROJECT)
    (package / "__init__.py").write_text("")
    (package / "core.py").write_text("from twins import helper\n\ndef f():\n    return helper.VALUE\n")
    (package / "helper.py").write_text("VALUE = 1\n")
    return tmp_path / "project"


def test_polyopt_tables_are_removed(project):
    loading.remove_polyopt_tables(project / "pyproject.toml")
    text = (project / "pyproject.toml").read_text()
    assert "polyopt" not in text
    assert '[tool.setuptools]\npackages = ["twins"]\n' in text
    assert 'name = "twins"' in text


def test_two_copies_live_side_by_side(project, tmp_path):
    loading.remove_polyopt_tables(project / "pyproject.toml")
    pair = loading.build_pair(project, tmp_path / "work")
    assert pair.wheel.name == "twins-1-py3-none-any.whl"
    (pair.built / "twins" / "helper.py").write_text("VALUE = 2\n")
    left = loading.load(pair.plain, ["twins.core"])["twins.core"]
    right = loading.load(pair.built, ["twins.core"])["twins.core"]
    assert (left.f(), right.f()) == (1, 2)
    assert left.__name__ == right.__name__ == "twins.core"
    assert not [name for name in sys.modules if name.startswith("twins")]
    assert not (project / "build").exists() or not (tmp_path / "work" / "project").exists()


def test_a_failing_command_says_what_it_printed(tmp_path):
    with pytest.raises(loading.StepFailed, match=r"(?s)ended with 3.*the reason"):
        loading.run_python(["-c", "print('the reason'); raise SystemExit(3)"], cwd=tmp_path)


def test_copies_leave_build_products_behind(project, tmp_path):
    (project / "build").mkdir()
    (project / "build" / "junk").write_text("x")
    copied = loading.copy_project(project, tmp_path / "copied")
    assert not (copied / "build").exists()
    assert (copied / "twins" / "core.py").is_file()
