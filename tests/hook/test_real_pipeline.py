"""The hook with the real pipeline: annotations alone, stale and hot entries of a profile, the same bytes twice, `polyopt explain`."""

from __future__ import annotations

import ast
import json
import sys
from pathlib import Path

import pytest
from building import PROJECT, NewProject, Project, Wheel

from setuptools_polyopt.profile.canonical import function_hash
from setuptools_polyopt.profile.reading import format_profile
from setuptools_polyopt.profile.schema import FunctionProfile, Profile

SUMS = """import numpy as np
from numpy.typing import NDArray


def smooth(a: NDArray[np.float64], b: NDArray[np.float64]) -> None:
    \"\"\"Means of neighbours.\"\"\"
    for i in range(1, a.shape[0] - 1):
        b[i] = (a[i - 1] + a[i] + a[i + 1]) / 3.0  # the comment stays


def collatz(n):
    steps = 0
    while n != 1:
        n = n // 2 if n % 2 == 0 else 3 * n + 1
        steps += 1
    return steps
"""
FILES = {"pyproject.toml": PROJECT + "[tool.polyopt]\n", "src/radar/__init__.py": "", "src/radar/sums.py": SUMS}
SMOOTH = (
    "import numpy as np, radar.sums as m; a = np.arange(9.0) ** 3; b = np.zeros(9); m.smooth(a, b); "
    "print(b.tolist() == [0.0, *((a[:-2] + a[1:-1] + a[2:]) / 3.0).tolist(), 0.0], m.collatz(27))"
)


def profile(**functions: tuple[float, str | None]) -> str:
    """A profile in which each function has a share of time and a hash (None: the right one)."""
    nodes = {node.name: node for node in ast.parse(SUMS).body if isinstance(node, ast.FunctionDef)}
    entries = {
        f"radar.sums:{name}": FunctionProfile(known or function_hash(nodes[name]), 10, share) for name, (share, known) in functions.items()
    }
    return format_profile(Profile(entries)).decode()


@pytest.fixture
def real_project(new_project: NewProject) -> NewProject:
    def make(files: dict[str, str] = FILES, name: str = "project", profile: str | None = None) -> Project:
        project = new_project(files, name, profile)
        return Project(project.folder, {**project.environ, "POLYOPT_TEST_FAKE": ""})

    return make


def run(project: Project, wheel: Wheel, **environ: str) -> str:
    return Project(project.folder, {**project.environ, **environ}).run(wheel, SMOOTH)


def test_a_project_with_annotations_and_no_profile(real_project: NewProject) -> None:
    project = real_project()
    wheel = project.wheel()
    assert "radar/_polyopt/report.json" in wheel.names
    assert b"# the comment stays" in wheel.read("radar/sums.py")
    assert run(project, wheel) == "True 111"
    assert run(project, wheel, POLYOPT_REQUIRE="1") == "True 111"
    assert "smooth_0" in run(project, wheel, POLYOPT_TRACE="1")
    assert run(project, wheel, POLYOPT_DISABLE="1") == "True 111"


def test_the_reasons_are_in_the_wheel_where_nothing_could_be_optimised(real_project: NewProject) -> None:
    collatz = SUMS[SUMS.index("def collatz") :]
    project = real_project({**FILES, "src/radar/sums.py": collatz})
    wheel = project.wheel()
    assert wheel.is_purelib
    assert wheel.names == ["radar/__init__.py", "radar/_polyopt/report.json", "radar/sums.py"]
    outcome = project.python("-m", "setuptools_polyopt.cli", "explain", str(wheel.path))
    assert "collatz" in outcome.text
    assert "0 regions optimised" in outcome.text


def test_explain_a_built_wheel(real_project: NewProject) -> None:
    project = real_project()
    wheel = project.wheel()
    outcome = project.python("-m", "setuptools_polyopt.cli", "explain", str(wheel.path))
    assert outcome.code == 0, outcome.text
    assert "src/radar/sums.py:7-8: optimised as smooth_0" in outcome.text
    assert "collatz" in outcome.text


REFUSING = """import pathlib, subprocess, sys
for unit in pathlib.Path().glob("radar_sums_smooth_0.c"):
    unit.write_text(unit.read_text() + "#error no")
sys.exit(subprocess.call(["cc", *sys.argv[1:]]))
"""


@pytest.mark.parametrize("strict", [False, True])
def test_a_region_that_the_compiler_refuses_stays_python(real_project: NewProject, tmp_path: Path, strict: bool) -> None:
    (tmp_path / "cc.py").write_text(REFUSING)
    compiler = f"{sys.executable} {tmp_path / 'cc.py'}"
    twice = SUMS + "\n\ndef double(a: NDArray[np.float64]) -> None:\n    for i in range(a.shape[0]):\n        a[i] *= 2.0\n"
    table = PROJECT + f"[tool.polyopt]\nstrict = {str(strict).lower()}\n"
    project = real_project({**FILES, "pyproject.toml": table, "src/radar/sums.py": twice})
    if strict:
        assert "src/radar/sums.py:7:5: warning: the C compiler refused" in project.failure(CC=compiler)
        return
    wheel = project.wheel(CC=compiler)
    assert "could not compile radar_sums_smooth_0.c for " in wheel.log
    assert b"_polyopt.double_0" in wheel.read("radar/sums.py")
    modules = json.loads(wheel.read("radar/_polyopt/report.json"))["modules"]
    (missed,) = (item for module in modules for item in module["missed"] if item["function"] == "smooth")
    assert missed["kind"] == "internal-error"
    assert "refused" in missed["reason"]
    assert run(project, wheel) == "True 111"
    assert run(project, wheel, POLYOPT_TRACE="1") == "True 111"


def test_two_builds_give_the_same_bytes(real_project: NewProject, tmp_path: Path) -> None:
    one = real_project(name="one").wheel(PYTHONHASHSEED="1", POLYOPT_CACHE_DIR=str(tmp_path / "cache1"))
    two = real_project(name="two").wheel(PYTHONHASHSEED="2", POLYOPT_CACHE_DIR=str(tmp_path / "cache2"), POLYOPT_BUILD_JOBS="1")
    assert one.path.read_bytes() == two.path.read_bytes()


def test_without_a_compiler(real_project: NewProject) -> None:
    project = real_project()
    wheel = project.wheel(CC="no-such-compiler")
    assert wheel.tag == "py3-none-any"
    assert "no C compiler was found (tried no-such-compiler): the wheel is pure Python" in wheel.log
    assert run(project, wheel) == "True 111"


def test_a_stale_entry_is_named_and_not_used(real_project: NewProject) -> None:
    project = real_project(profile=profile(smooth=(0.5, "0" * 32)))
    wheel = project.wheel()
    (line,) = (line for line in wheel.log.splitlines() if "stale-profile" in line)
    assert "src/radar/sums.py" in line
    assert "smooth" in line
    assert run(project, wheel, POLYOPT_REQUIRE="1") == "True 111"


def test_a_hot_function_that_stays_python_fails_a_strict_build(real_project: NewProject) -> None:
    strict = {**FILES, "pyproject.toml": PROJECT + "[tool.polyopt]\nstrict = true\n"}
    hot = profile(smooth=(0.1, None), collatz=(0.5, None))
    line = real_project(strict, profile=hot).failure()
    assert line.startswith("error: polyopt: src/radar/sums.py")
    assert "collatz is hot and was not optimised" in line
    excluded = real_project(strict, "other", hot).wheel(POLYOPT_BUILD_EXCLUDE="radar.sums:collatz")
    assert "radar/_polyopt/report.json" in excluded.names
