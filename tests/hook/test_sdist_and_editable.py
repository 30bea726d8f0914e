"""The sdist and the wheel that is built from it; editable installs, plain and optimised."""

from __future__ import annotations

import tarfile
import zipfile
from pathlib import Path

import pytest
from building import PLAIN, PROJECT, NewProject, Project

FLAT = {"pyproject.toml": PROJECT + "[tool.polyopt]\n", "radar/__init__.py": "", "radar/stap.py": PLAIN}
SRC = {("src/" + name if name.startswith("radar") else name): text for name, text in FLAT.items()}
ANSWER = "from radar.stap import answer; print(answer())"


def sdist(project: Project) -> Path:
    outcome = project.call("build_sdist")
    assert outcome.code == 0, outcome.text
    return project.folder / "dist" / outcome.text.splitlines()[-1]


def test_the_profile_travels_in_the_sdist(new_project: NewProject) -> None:
    with tarfile.open(sdist(new_project(SRC))) as archive:
        assert "demo_dist-1.0/polyopt-profile.json" in archive.getnames()


def test_a_profile_of_another_name_travels_too(new_project: NewProject) -> None:
    project = new_project({**SRC, "pyproject.toml": SRC["pyproject.toml"] + 'profile = "tests/types.json"\n'}, profile=None)
    project.write({"tests/types.json": '{"format": "polyopt-profile", "functions": {}, "version": 1}'})
    with tarfile.open(sdist(project)) as archive:
        assert "demo_dist-1.0/tests/types.json" in archive.getnames()


def test_an_sdist_without_profile(new_project: NewProject) -> None:
    with tarfile.open(sdist(new_project(SRC, profile=None))) as archive:
        assert not [name for name in archive.getnames() if "polyopt" in name]


def test_the_wheel_from_the_sdist_is_the_wheel_from_the_project(new_project: NewProject, tmp_path: Path) -> None:
    project = new_project(SRC)
    direct = project.wheel()
    with tarfile.open(sdist(project)) as archive:
        archive.extractall(tmp_path, filter="data")
    again = Project(tmp_path / "demo_dist-1.0", project.environ).wheel()
    assert "there is no polyopt-profile.json" not in again.log
    assert again.path.name == direct.path.name
    assert again.names == direct.names
    assert [again.read(name) for name in again.names] == [direct.read(name) for name in direct.names]


def install_editable(project: Project, **environ: str) -> tuple[Path, str, str]:
    """Build an editable wheel and unpack it as an installer would: the folder, the wheel's name, the log."""
    outcome = project.call("build_editable", **environ)
    assert outcome.code == 0, outcome.text
    wheel = project.folder / "dist" / outcome.text.splitlines()[-1]
    folder = project.folder.with_name("site")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder, wheel.name, outcome.text


def run_editable(project: Project, folder: Path, program: str) -> str:
    start = f"import site; site.addsitedir({str(folder)!r}); "
    outcome = project.python("-c", start + program, folder=folder.parent, PYTHONPATH="", POLYOPT_TEST_FAKE="")
    assert outcome.code == 0, outcome.text
    return outcome.text.strip()


@pytest.mark.parametrize("files", [FLAT, SRC], ids=["flat", "src"])
def test_an_editable_install_runs_the_plain_source(new_project: NewProject, files: dict[str, str]) -> None:
    project = new_project(files)
    folder, name, log = install_editable(project)
    assert name.endswith("-py3-none-any.whl")
    assert "runs the plain source (POLYOPT_BUILD_EDITABLE=1 builds the optimised modules)" in log
    assert run_editable(project, folder, ANSWER) == "plain"
    assert not list(folder.glob("*polyopt*"))


@pytest.mark.parametrize("files", [FLAT, SRC], ids=["flat", "src"])
def test_an_editable_install_with_optimised_code(new_project: NewProject, files: dict[str, str]) -> None:
    project = new_project(files)
    folder, name, _ = install_editable(project, POLYOPT_BUILD_EDITABLE="1")
    assert not name.endswith("-any.whl")
    module = project.folder / next(path for path in files if path.endswith("stap.py"))
    where = "import radar.stap as m; print(m.answer(), m.__file__, m.__spec__.origin)"
    assert run_editable(project, folder, where) == f"native {module} {module}"
    assert sorted(path.name for path in project.folder.rglob("*") if "_polyopt" in path.name or path.suffix == ".so") == []
    module.write_text(PLAIN.replace("plain", "edited"))
    assert run_editable(project, folder, ANSWER) == "edited"


def test_a_package_itself_in_an_optimised_editable_install(new_project: NewProject) -> None:
    project = new_project({**SRC, "src/radar/__init__.py": PLAIN})
    folder, _, _ = install_editable(project, POLYOPT_BUILD_EDITABLE="1")
    assert run_editable(project, folder, "import radar, radar.stap; print(radar.answer(), radar.stap.answer())") == "native native"
