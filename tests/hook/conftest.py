"""The environment of the builds: setuptools in a process that sees polyopt's entry points.

The processes see this checkout through a folder with the distribution's metadata, made from pyproject.toml, so that the tests need no
installation and test what lies here.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

import pytest
from building import EMPTY_PROFILE, ROOT, NewProject, Project


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for PYTHONPATH with polyopt's metadata; with POLYOPT_TEST_FAKE set, the pipeline is the fake one."""
    folder = tmp_path_factory.mktemp("site")
    info = folder / "setuptools_polyopt-0.1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: setuptools-polyopt\nVersion: 0.1.0\n")
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    entries = re.findall(r'^\[project\.entry-points\."([^"]+)"\]\n((?:.+\n)+)', text, re.MULTILINE)
    assert entries
    sections = [f"[{group}]\n" + body.replace('"', "") for group, body in entries]
    (info / "entry_points.txt").write_text("\n".join(sections))
    (folder / "fake_pipeline.py").write_text(Path(__file__).with_name("fake_pipeline.py").read_text(encoding="utf-8"))
    (folder / "sitecustomize.py").write_text(
        "import os\nif os.environ.get('POLYOPT_TEST_FAKE'):\n    import fake_pipeline\n    fake_pipeline.install()\n"
    )
    return folder


@pytest.fixture(scope="session")
def environ(site: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment of builds: the checkout, a cache of the session, and no settings of the developer."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("POLYOPT_", "PIP_", "SOURCE_DATE", "PYTHON"))}
    path = os.pathsep.join(map(str, (site, ROOT, ROOT / "profiler")))
    cache = str(tmp_path_factory.mktemp("cache"))
    return {**kept, "PYTHONPATH": path, "POLYOPT_CACHE_DIR": cache, "POLYOPT_TEST_FAKE": "1", "SOURCE_DATE_EPOCH": "1700000000"}


@pytest.fixture
def new_project(tmp_path: Path, environ: Mapping[str, str]) -> NewProject:
    """A function that makes a project from files; a profile lies in it unless told otherwise."""

    def make(files: Mapping[str, str | bytes], name: str = "project", profile: str | None = EMPTY_PROFILE) -> Project:
        project = Project(tmp_path / name, environ)
        project.write(files)
        if profile is not None:
            project.write({"polyopt-profile.json": profile})
        return project

    return make
