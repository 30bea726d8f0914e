"""Projects that do not use polyopt: untouched, and nearly without cost."""

from __future__ import annotations

import pytest
from building import PLAIN, PROJECT, NewProject

FILES = {"pyproject.toml": PROJECT, "radar/__init__.py": "", "radar/stap.py": PLAIN}
COST = """
import time
from setuptools import Distribution
import sys
before = set(sys.modules)
start = time.perf_counter()
from setuptools_polyopt.hook import finalize_distribution_options
class Plain:
    src_root = None
finalize_distribution_options(Plain())
spent = time.perf_counter() - start
print(spent, ",".join(sorted(set(sys.modules) - before)))
"""


def test_the_wheel_is_the_same_with_and_without_polyopt(new_project: NewProject) -> None:
    with_polyopt = new_project(FILES, "one").wheel()
    project = new_project(FILES, "two")
    without = project.wheel(PYTHONPATH="")
    assert with_polyopt.path.read_bytes() == without.path.read_bytes()
    assert "polyopt" not in with_polyopt.log.replace("polyopt-profile.json", "")


@pytest.mark.parametrize("pyproject", [PROJECT, PROJECT + "[tool.other]\nx = 1\n", None], ids=["requirement only", "other", "none"])
def test_the_hook_costs_under_5_ms(new_project: NewProject, pyproject: str | None) -> None:
    project = new_project({} if pyproject is None else {"pyproject.toml": pyproject}, profile="{}")
    outcomes = [project.python("-c", COST).text.split() for _ in range(4)]
    assert min(float(outcome[0]) for outcome in outcomes) < 0.005
    imported = outcomes[0][1].split(",")
    assert imported == ["setuptools_polyopt", "setuptools_polyopt.hook"]


def test_a_project_without_table_keeps_its_methods(new_project: NewProject) -> None:
    project = new_project(FILES)
    program = "from setuptools import Distribution; d = Distribution(); print(vars(d).keys() & {'polyopt', 'get_command_class'})"
    assert project.python("-c", program).text == "set()\n"


def test_the_command_by_its_name_does_nothing_there(new_project: NewProject) -> None:
    project = new_project({**FILES, "setup.py": "from setuptools import setup\nsetup()\n"})
    outcome = project.python("setup.py", "build_polyopt")
    assert outcome.code == 0, outcome.text
