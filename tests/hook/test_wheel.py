"""Wheels of small projects: content, placement, tags, layouts, and the project's own customisations."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from building import OWN_EXTENSION, PLAIN, PROJECT, NewProject

from setuptools_polyopt.hook.install import limited_api_tag
from setuptools_polyopt.toolchain import module_file_name, uses_limited_api

NATIVE = module_file_name("_native")
FLAT = {"pyproject.toml": PROJECT + "[tool.polyopt]\n", "radar/__init__.py": "", "radar/stap.py": PLAIN, "radar/other.py": "x = 1\n"}
VERSION = f"cp{sys.version_info[0]}{sys.version_info[1]}"
ANSWER = "from radar.stap import answer; print(answer())"


def members(folder: str) -> list[str]:
    return [f"{folder}/{name}" for name in sorted(["__init__.py", NATIVE, "manifest.json", "report.json"])]


def test_a_wheel_with_native_code(new_project: NewProject) -> None:
    project = new_project(FLAT)
    wheel = project.wheel()
    assert wheel.names == sorted(["radar/__init__.py", "radar/other.py", "radar/stap.py", *members("radar/_polyopt")])
    assert wheel.tag.startswith("cp311-abi3-" if uses_limited_api() else f"{VERSION}-{VERSION}-")
    assert not wheel.is_purelib
    assert wheel.read("radar/other.py") == b"x = 1\n"
    assert "polyopt: radar._polyopt: 1 of 3 modules" in wheel.log
    assert project.run(wheel, ANSWER) == "native"


def test_the_manifest_has_the_hashes(new_project: NewProject) -> None:
    wheel = new_project(FLAT).wheel()
    manifest = json.loads(wheel.read("radar/_polyopt/manifest.json"))
    assert set(manifest["files"]) == {"__init__.py", NATIVE, "report.json"}
    assert set(manifest["modules"]) == {"radar.stap"}
    assert manifest["modules"]["radar.stap"]["source"] != manifest["modules"]["radar.stap"]["built"]


def test_the_source_tree_stays_as_it_is(new_project: NewProject) -> None:
    project = new_project(FLAT)

    def snapshot() -> dict[str, bytes]:
        files = (path for path in project.folder.rglob("*") if path.is_file())
        own = {path.relative_to(project.folder).as_posix(): path.read_bytes() for path in files}
        return {name: content for name, content in own.items() if not name.startswith(("build/", "dist/", "demo_dist.egg-info/"))}

    before = snapshot()
    project.wheel()
    project.call("build_sdist")
    project.call("build_editable")
    assert snapshot() == before


@pytest.mark.parametrize(
    ("files", "inside", "program"),
    [
        ({"src/radar/__init__.py": "", "src/radar/a/__init__.py": "", "src/radar/a/stap.py": PLAIN}, "radar/_polyopt", "radar.a.stap"),
        ({"src/space/radar/__init__.py": "", "src/space/radar/stap.py": PLAIN}, "space/radar/_polyopt", "space.radar.stap"),
        ({"src/space/stap.py": PLAIN}, "space/_polyopt_demo_dist", "space.stap"),
        ({"src/radar/__init__.py": PLAIN}, "radar/_polyopt", "radar"),
        ({"src/stap.py": PLAIN}, "_polyopt_demo_dist", "stap"),
    ],
    ids=["nested", "namespace", "module in a namespace", "package", "single module"],
)
def test_where_polyopt_lies(new_project: NewProject, files: dict[str, str], inside: str, program: str) -> None:
    project = new_project({"pyproject.toml": PROJECT + "[tool.polyopt]\n", **files})
    wheel = project.wheel()
    assert set(wheel.names) == {*(path.removeprefix("src/") for path in files), *members(inside)}
    assert project.run(wheel, f"from {program} import answer; print(answer())") == "native"


def test_two_top_level_packages_do_not_import_each_other(new_project: NewProject) -> None:
    packages = '[tool.setuptools]\npackages = ["one", "two"]\n[tool.polyopt]\n'
    project = new_project(
        {"pyproject.toml": PROJECT + packages} | {f"{name}/{file}.py": PLAIN for name in ("one", "two") for file in ("__init__", "m")}
    )
    wheel = project.wheel()
    assert set(wheel.names) >= {*members("one/_polyopt"), *members("two/_polyopt")}
    assert project.run(wheel, "import sys, two.m; print(two.m.answer(), 'one' in sys.modules)") == "native False"


def test_modules_and_exclude_choose(new_project: NewProject) -> None:
    table = '[tool.polyopt]\nmodules = ["radar.*"]\nexclude = ["radar.other"]\n'
    project = new_project({**FLAT, "pyproject.toml": PROJECT + table, "radar/other.py": PLAIN, "radar/__init__.py": PLAIN})
    wheel = project.wheel()
    assert [wheel.read(f"radar/{name}.py") == PLAIN.encode() for name in ("__init__", "other", "stap")] == [True, True, False]


def test_package_data_and_py_modules_keep_working(new_project: NewProject) -> None:
    table = '[tool.setuptools]\npackages = ["radar"]\npy-modules = ["single"]\n[tool.setuptools.package-data]\nradar = ["*.csv"]\n'
    files = {**FLAT, "pyproject.toml": PROJECT + table + "[tool.polyopt]\n", "single.py": PLAIN, "radar/table.csv": "1,2\n"}
    wheel = new_project(files).wheel()
    expected = {"radar/table.csv", "single.py", *members("radar/_polyopt"), *members("_polyopt_demo_dist")}
    assert expected <= set(wheel.names)
    assert "polyopt-profile.json" not in " ".join(wheel.names)


def test_line_ends_and_encodings_survive(new_project: NewProject) -> None:
    texts = {
        "crlf": PLAIN.replace("\n", "\r\n").encode(),
        "bom": b"\xef\xbb\xbf# caf\xc3\xa9\n" + PLAIN.encode(),
        "latin": b"# -*- coding: latin-1 -*-\n# caf\xe9\n" + PLAIN.encode(),
    }
    project = new_project({**FLAT, **{f"radar/{name}.py": text for name, text in texts.items()}})
    wheel = project.wheel()
    for name, text in texts.items():
        new = b"from radar._polyopt import answer as a; return a()"
        assert wheel.read(f"radar/{name}.py") == text.replace(b'return "plain"', new)
        assert project.run(wheel, ANSWER.replace("stap", name)) == "native"


def test_own_command_classes_of_pyproject(new_project: NewProject) -> None:
    table = '[tool.setuptools]\npackages = ["radar"]\n[tool.setuptools.cmdclass]\nbuild_py = "tools_of_mine.Build"\n[tool.polyopt]\n'
    command = (
        "from pathlib import Path\nfrom setuptools.command.build_py import build_py\n"
        "class Build(build_py):\n    def run(self):\n        super().run()\n"
        "        path = Path(self.build_lib, 'radar', 'stap.py')\n"
        "        path.write_text(path.read_text() + 'VERSION = 7\\n')\n"
    )
    project = new_project({**FLAT, "pyproject.toml": PROJECT + table, "tools_of_mine.py": command})
    wheel = project.wheel()
    assert project.run(wheel, ANSWER + "; from radar.stap import VERSION; print(VERSION)") == "native\n7"


def test_own_command_classes_of_setup_py(new_project: NewProject) -> None:
    setup = (
        "from setuptools import setup\nfrom setuptools.command.build import build\n"
        "from setuptools.command.bdist_wheel import bdist_wheel\n"
        "class Build(build):\n    def run(self):\n        self.announce('my build runs', 20)\n        super().run()\n"
        "class Wheel(bdist_wheel):\n    def get_tag(self):\n        return (*super().get_tag()[:2], 'my_platform')\n"
        "setup(cmdclass={'build': Build, 'bdist_wheel': Wheel})\n"
    )
    project = new_project({**FLAT, "setup.py": setup})
    wheel = project.wheel()
    assert "my build runs" in wheel.log
    assert wheel.tag.endswith("-my_platform")
    assert project.run(wheel, ANSWER) == "native"


@pytest.mark.parametrize(
    ("limited", "option", "tag"),
    [(False, "", f"{VERSION}-{VERSION}"), (True, "", f"{VERSION}-{VERSION}"), (True, "cp310", "cp311-abi3")],
    ids=["of this version", "limited but not said", "limited"],
)
def test_own_extensions(new_project: NewProject, limited: bool, option: str, tag: str) -> None:
    if option and not uses_limited_api():
        tag = f"{VERSION}-{VERSION}"
    macros = "define_macros=[('Py_LIMITED_API', '0x030A0000')], py_limited_api=True" if limited else ""
    options = f"options={{'bdist_wheel': {{'py_limited_api': {option!r}}}}}" if option else ""
    setup = f"from setuptools import setup, Extension\nsetup(ext_modules=[Extension('radar.own', ['own.c'], {macros})], {options})\n"
    project = new_project({**FLAT, "setup.py": setup, "own.c": OWN_EXTENSION})
    wheel = project.wheel()
    assert wheel.tag.startswith(tag + "-")
    assert sum("radar/own." in name for name in wheel.names) == 1
    assert project.run(wheel, "import radar.own; " + ANSWER) == "native"


def test_limited_api_tag() -> None:
    if not uses_limited_api():
        assert limited_api_tag("cp39", True) is False
        return
    assert limited_api_tag(False, False) == "cp311"
    assert limited_api_tag(False, True) is False
    assert limited_api_tag("cp39", True) == "cp311"
    assert limited_api_tag(f"cp3{sys.version_info[1]}", True) == f"cp3{sys.version_info[1]}"
    assert limited_api_tag("nonsense", True) == "nonsense"


def test_two_builds_give_the_same_bytes(new_project: NewProject, tmp_path: Path) -> None:
    one = new_project(FLAT, "one").wheel()
    two = new_project(FLAT, "another/place").wheel(POLYOPT_CACHE_DIR=str(tmp_path / "cache"), POLYOPT_BUILD_JOBS="1", CFLAGS="-O0")
    assert one.path.name == two.path.name
    assert one.path.read_bytes() == two.path.read_bytes()


def test_an_earlier_build_leaves_no_traces(new_project: NewProject) -> None:
    project = new_project(FLAT)
    assert "radar/_polyopt/__init__.py" in project.wheel().names
    assert project.run(project.wheel(), ANSWER) == "native"
    without = project.wheel(POLYOPT_BUILD_EXCLUDE="radar.*")
    assert without.names == ["radar/__init__.py", "radar/other.py", "radar/stap.py"]
    assert without.read("radar/stap.py") == PLAIN.encode()
    assert project.run(project.wheel(), ANSWER) == "native"
    project.write({"pyproject.toml": PROJECT})
    assert project.wheel().read("radar/stap.py") == PLAIN.encode()


def test_an_edit_is_seen_by_the_next_build(new_project: NewProject) -> None:
    project = new_project(FLAT)
    project.wheel()
    project.write({"radar/stap.py": PLAIN + "EDITED = 1\n"})
    assert b"EDITED" in project.wheel().read("radar/stap.py")


def test_settings_through_the_backend(new_project: NewProject) -> None:
    own_backend = FLAT["pyproject.toml"].replace("setuptools.build_meta", "setuptools_polyopt.build_meta")
    project = new_project({**FLAT, "pyproject.toml": own_backend})
    settings = {"polyopt.fp": "fast", "polyopt.exclude": ["radar.other", "radar.none"], "--build-option": ["--build-number=3"]}
    wheel = project.wheel("setuptools_polyopt.build_meta", settings)
    assert "-3-" in wheel.path.name
    assert json.loads(wheel.read("radar/_polyopt/report.json")) == {"modules": 2, "fp": "fast"}
    wrong = project.call("build_wheel", "setuptools_polyopt.build_meta", {"polyopt.fpp": "fast"})
    assert wrong.code != 0
    assert "POLYOPT_BUILD_FPP: there is no such setting" in wrong.text.splitlines()[-1]


def test_the_report_goes_where_it_is_asked_for(new_project: NewProject) -> None:
    project = new_project(FLAT)
    project.wheel(POLYOPT_BUILD_REPORT="out/report.json")
    assert json.loads((project.folder / "out" / "report.json").read_text()) == {"modules": 3, "fp": "strict"}
