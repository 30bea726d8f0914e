"""What can be wrong with a build: each case ends in a clear message and a correct wheel, or in one clear line and no wheel."""

from __future__ import annotations

import pytest
from building import PLAIN, PROJECT, NewProject

from setuptools_polyopt.toolchain import module_file_name

NATIVE = module_file_name("_native")
FLAT = {"pyproject.toml": PROJECT + "[tool.polyopt]\n", "radar/__init__.py": "", "radar/stap.py": PLAIN}
STRICT = {**FLAT, "pyproject.toml": FLAT["pyproject.toml"] + "strict = true\n"}
ANSWER = "from radar.stap import answer; print(answer())"


def test_without_a_compiler_the_wheel_is_pure(new_project: NewProject) -> None:
    project = new_project(FLAT)
    wheel = project.wheel(CC="no-such-compiler")
    assert "polyopt: no C compiler was found (tried no-such-compiler): the wheel is pure Python" in wheel.log
    assert wheel.tag == "py3-none-any"
    assert wheel.is_purelib
    assert f"radar/_polyopt/{NATIVE}" not in wheel.names
    assert project.run(wheel, ANSWER) == "python"


def test_without_a_compiler_strict_fails(new_project: NewProject) -> None:
    line = new_project(STRICT).failure(CC="no-such-compiler")
    assert line.startswith("error: polyopt: no C compiler was found")
    assert "strict = true" in line


def test_a_kernel_that_does_not_compile(new_project: NewProject) -> None:
    project = new_project({**FLAT, "radar/stap.py": PLAIN + "kernel_that_fails = 1\n"})
    wheel = project.wheel()
    assert "could not compile broken.c" in wheel.log
    assert project.run(wheel, ANSWER) == "native"


def test_entry_points_that_do_not_compile(new_project: NewProject) -> None:
    project = new_project({**FLAT, "radar/stap.py": PLAIN + "entry_that_fails = kernel_that_fails = 1\n"})
    wheel = project.wheel()
    assert "could not compile entry.c" in wheel.log
    assert wheel.tag == "py3-none-any"
    assert project.run(wheel, ANSWER) == "python"


def test_a_kernel_that_does_not_compile_strictly(new_project: NewProject) -> None:
    outcome = new_project({**STRICT, "radar/stap.py": PLAIN + "entry_that_fails = 1\n"}).call("build_wheel")
    assert outcome.code != 0
    assert "Traceback" not in outcome.text
    assert "error: polyopt: " in outcome.text
    assert "could not compile entry.c" in outcome.text


def test_nothing_to_optimise_gives_the_plain_wheel(new_project: NewProject) -> None:
    project = new_project({**FLAT, "radar/stap.py": "x = 1\n"})
    wheel = project.wheel()
    assert wheel.tag == "py3-none-any"
    assert wheel.is_purelib
    assert wheel.names == ["radar/__init__.py", "radar/stap.py"]


def test_without_a_profile(new_project: NewProject) -> None:
    wheel = new_project(FLAT, profile=None).wheel()
    assert "polyopt: there is no polyopt-profile.json: only functions with array annotations are optimised" in wheel.log
    assert f"radar/_polyopt/{NATIVE}" in wheel.names


def test_a_profile_that_cannot_be_read(new_project: NewProject) -> None:
    line = new_project(FLAT, profile='{"format": 1,\n').failure()
    assert line.startswith("error: polyopt: polyopt-profile.json:")
    assert "not JSON" in line
    assert "take the profile again" in line


def test_a_module_that_does_not_parse(new_project: NewProject) -> None:
    project = new_project({**FLAT, "radar/broken.py": "x = 1\ndef f(:\n"})
    wheel = project.wheel()
    assert "polyopt: radar/broken.py:2: does not parse (" in wheel.log
    assert wheel.read("radar/broken.py") == b"x = 1\ndef f(:\n"
    assert project.run(wheel, ANSWER) == "native"


def test_modules_that_cannot_be_decoded(new_project: NewProject) -> None:
    contents = [b"x = '\xff'\n", b"\x00", b"# coding: nonsense\n", b"x = " + b"(" * 5000]
    wheel = new_project({**FLAT, **{f"radar/broken{n}.py": content for n, content in enumerate(contents)}}).wheel()
    for number, content in enumerate(contents):
        assert f"polyopt: radar/broken{number}.py" in wheel.log
        assert wheel.read(f"radar/broken{number}.py") == content
    assert wheel.log.count("does not parse (") == len(contents)


def test_a_module_that_does_not_parse_strictly(new_project: NewProject) -> None:
    assert "radar/broken.py:1: does not parse" in new_project({**STRICT, "radar/broken.py": "def f(:\n"}).failure()


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("[tool.polyopt]\nmodule = []\n", "[tool.polyopt] module: there is no such key; did you mean 'modules'?"),
        ('[tool.polyopt]\nmodules = ["radar.stapp"]\n', "'radar.stapp' names no module of this distribution; did you mean 'radar.stap'?"),
        ('[tool.polyopt]\nmodules = ["zzz.*"]\n', "'zzz.*' names no module of this distribution; its modules are radar, radar.stap"),
    ],
)
def test_wrong_settings(new_project: NewProject, table: str, message: str) -> None:
    line = new_project({**FLAT, "pyproject.toml": PROJECT + table}).failure()
    assert line.startswith("error")
    assert "pyproject.toml" in line
    assert message in line


def test_wrong_settings_stop_every_hook(new_project: NewProject) -> None:
    project = new_project({**FLAT, "pyproject.toml": PROJECT + "[tool.polyopt]\nmodule = []\n"})
    for hook in ("prepare_metadata_for_build_wheel", "build_sdist", "build_editable"):
        assert "did you mean 'modules'?" in project.failure(hook)


def test_a_package_with_the_name_of_ours(new_project: NewProject) -> None:
    line = new_project({**FLAT, "radar/_polyopt/__init__.py": ""}).failure()
    assert "radar/_polyopt/__init__.py: radar._polyopt is the name of the package that polyopt adds" in line


def test_a_fault_of_polyopt_is_one_line(new_project: NewProject) -> None:
    line = new_project({**FLAT, "radar/stap.py": PLAIN + "fault_of_polyopt = 1\n"}).failure()
    assert "polyopt: internal error at fake_pipeline.py:" in line
    assert "RuntimeError: deliberate" in line
    assert "POLYOPT_BUILD_EXCLUDE" in line


def test_a_failed_build_leaves_the_plain_build(new_project: NewProject) -> None:
    project = new_project(FLAT)
    project.write({"radar/zzz.py": "fault_of_polyopt = 1\n"})
    project.failure()
    built = list(project.folder.glob("build/lib*/radar/stap.py"))
    assert [path.read_text() for path in built] == [PLAIN]
    assert not list(project.folder.glob("build/lib*/radar/_polyopt"))
