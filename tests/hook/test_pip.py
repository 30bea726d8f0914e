"""The ways that people build: pip with and without isolation, `python -m build`, installs side by side."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from building import PLAIN, PROJECT, ROOT, NewProject, Project

SRC = {
    "pyproject.toml": PROJECT + '[tool.polyopt]\nmodules = ["radar.stap"]\n',
    "src/radar/__init__.py": "",
    "src/radar/stap.py": PLAIN,
}
ANSWER = "from radar.stap import answer; print(answer())"
REAL = {
    "pyproject.toml": PROJECT + 'dependencies = ["numpy"]\n[tool.polyopt]\nstrict = true\n',
    "src/radar/__init__.py": "",
    "src/radar/sums.py": (
        "import numpy as np\nfrom numpy.typing import NDArray\n\n"
        "def smooth(a: NDArray[np.float64], b: NDArray[np.float64]) -> None:\n"
        "    for i in range(1, a.shape[0] - 1):\n        b[i] = (a[i - 1] + a[i] + a[i + 1]) / 3.0\n"
    ),
}
SMOOTH = (
    "import numpy as np, radar.sums as m; a = np.arange(9.0) ** 3; b = np.zeros(9); m.smooth(a, b); "
    "print(m.__file__.endswith('sums.py'), hasattr(m, '_polyopt'), b.tolist() == [0.0, *((a[:-2] + a[1:-1] + a[2:]) / 3.0).tolist(), 0.0])"
)


def pip(project: Project, *arguments: str, **environ: str) -> str:
    outcome = project.python("-m", "pip", "--disable-pip-version-check", *arguments, **environ)
    assert outcome.code == 0, outcome.text
    return outcome.text


def run_installed(project: Project, folder: Path, program: str, **environ: str) -> str:
    outcome = project.python("-c", program, folder=folder, PYTHONPATH=str(folder), POLYOPT_TEST_FAKE="", **environ)
    assert outcome.code == 0, outcome.text
    return outcome.text.strip()


def built(folder: Path) -> Path:
    (wheel,) = folder.glob("demo_dist-*.whl")
    return wheel


def test_pip_wheel_and_install_without_isolation(new_project: NewProject, tmp_path: Path) -> None:
    project = new_project(SRC)
    pip(project, "wheel", "--no-build-isolation", "--no-index", "--no-deps", "-w", str(tmp_path / "wheels"), ".")
    target = tmp_path / "installed"
    pip(project, "install", "--no-index", "--no-deps", "--target", str(target), str(built(tmp_path / "wheels")))
    assert run_installed(project, target, ANSWER) == "native"


def test_pip_shows_one_line_for_an_error(new_project: NewProject) -> None:
    project = new_project({**SRC, "pyproject.toml": PROJECT + "[tool.polyopt]\nmodule = []\n"})
    outcome = project.python("-m", "pip", "wheel", "--no-build-isolation", "--no-index", "--no-deps", ".")
    assert outcome.code != 0
    assert "[tool.polyopt] module: there is no such key; did you mean 'modules'?" in outcome.text
    assert "Traceback" not in outcome.text


def test_build_makes_the_wheel_from_the_sdist(new_project: NewProject) -> None:
    pytest.importorskip("build")
    project = new_project(SRC)
    outcome = project.python("-m", "build", "--no-isolation", "--skip-dependency-check")
    assert outcome.code == 0, outcome.text
    assert "there is no polyopt-profile.json" not in outcome.text
    assert "polyopt: radar._polyopt: 1 of 1 modules" in outcome.text
    assert list((project.folder / "dist").glob("demo_dist-1.0.tar.gz"))
    assert built(project.folder / "dist")


@pytest.fixture(scope="session")
def wheelhouse(tmp_path_factory: pytest.TempPathFactory, environ: Mapping[str, str]) -> Path:
    """A folder with wheels of polyopt and of all that it needs to build."""
    folder = tmp_path_factory.mktemp("wheelhouse")
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
    needed = ["setuptools>=77", "numpy", "islpy", *(["tomli"] if sys.version_info < (3, 11) else [])]
    outside = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    fetched = subprocess.run(
        [*command, "download", "--quiet", "--only-binary", ":all:", "-d", str(folder), *needed],
        env=outside,
        capture_output=True,
        text=True,
        check=False,
    )
    if fetched.returncode:
        pytest.skip(f"the wheelhouse cannot be filled: {fetched.stderr.strip().splitlines()[-1]}")
    source = tmp_path_factory.mktemp("source")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        (source / name).write_bytes((ROOT / name).read_bytes())
    for name in ("setuptools_polyopt", "profiler"):
        (source / name).symlink_to(ROOT / name)
    made = subprocess.run(
        [*command, "wheel", "--quiet", "--no-deps", "--no-index", "--find-links", str(folder), "-w", str(folder), str(source)],
        env=outside,
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode == 0, made.stdout + made.stderr
    return folder


def test_pip_install_with_isolation(new_project: NewProject, wheelhouse: Path, tmp_path: Path) -> None:
    """The whole path: pip makes the build environment from a wheelhouse, the real pipeline compiles, numpy alone runs it."""
    project = new_project(REAL, profile=None)
    links = ("--no-index", "--find-links", str(wheelhouse))
    pip(project, "wheel", "--no-deps", *links, "-w", str(tmp_path), ".", PYTHONPATH="", POLYOPT_TEST_FAKE="")
    wheel = built(tmp_path)
    assert "abi3" in wheel.name or sys.version_info < (3, 11)
    pip(project, "install", "--target", str(tmp_path / "installed"), *links, str(wheel), PYTHONPATH="")
    assert run_installed(project, tmp_path / "installed", SMOOTH) == "True True True"
    assert run_installed(project, tmp_path / "installed", SMOOTH, POLYOPT_REQUIRE="1") == "True True True"
    assert "setuptools_polyopt" not in os.listdir(tmp_path / "installed")


@pytest.mark.slow
def test_editable_install_in_a_virtual_environment(new_project: NewProject, wheelhouse: Path, tmp_path: Path) -> None:
    project = new_project(REAL, profile=None)
    subprocess.run([sys.executable, "-m", "venv", str(tmp_path / "venv")], check=True)
    python = tmp_path / "venv" / ("Scripts" if os.name == "nt" else "bin") / "python"
    clean = {name: value for name, value in project.environ.items() if name not in ("PYTHONPATH", "POLYOPT_TEST_FAKE")}
    for switch, expected in (("0", "True False True"), ("1", "True True True")):
        install = [str(python), "-m", "pip", "install", "--quiet", "--no-index", "--find-links", str(wheelhouse), "-e", "."]
        subprocess.run(install, cwd=project.folder, env={**clean, "POLYOPT_BUILD_EDITABLE": switch}, check=True)
        run = subprocess.run([str(python), "-c", SMOOTH], cwd=tmp_path, env=clean, capture_output=True, text=True, check=False)
        assert run.stdout.strip() == expected, run.stderr
