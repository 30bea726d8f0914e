"""`[tool.polyopt]` and its environment variables: values, errors with their places, the generated page and schema."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from setuptools_polyopt.config import ConfigError, FunctionSettings, Settings, _find_line, inside, read_settings
from setuptools_polyopt.settings_schema import json_schema, reference_page

ROOT = Path(__file__).parents[2]


def read(folder: Path, text: str, **environ: str) -> Settings | None:
    path = folder / "pyproject.toml"
    path.write_text(text, encoding="utf-8")
    return read_settings(path, environ)


def error(folder: Path, text: str, **environ: str) -> str:
    with pytest.raises(ConfigError) as caught:
        read(folder, text, **environ)
    return str(caught.value)


def test_no_table_no_settings(tmp_path: Path) -> None:
    assert read(tmp_path, '[build-system]\nrequires = ["setuptools-polyopt"]\n', POLYOPT_BUILD_FP="nonsense") is None
    assert read_settings(tmp_path / "nothing.toml", {}) is None


def test_an_empty_table_gives_the_defaults(tmp_path: Path) -> None:
    assert read(tmp_path, "[tool.polyopt]\n") == Settings()


def test_every_key_is_read(tmp_path: Path) -> None:
    settings = read(
        tmp_path,
        """
        [tool.polyopt]
        modules = ["radar.stap", "radar.k*"]
        exclude = ["radar.kx", "radar.stap:slow"]
        profile = "p.json"
        targets = ["cpu", "ray"]
        fp = "bounded"
        also-dtypes = ["float32"]
        isa = ["x86-64-v3"]
        gpu-architectures = ["sm_90", "sm_100a"]
        rng = "independent"
        strict = true
        report = "out/report.json"
        jobs = 3
        editable = true
        [tool.polyopt.functions."radar.stap:Filter.apply"]
        fp = "fast"
        also-dtypes = ["complex64"]
        """,
    )
    assert settings == Settings(
        modules=("radar.stap", "radar.k*"),
        exclude=("radar.kx", "radar.stap:slow"),
        profile="p.json",
        targets=("cpu", "ray"),
        fp="bounded",
        also_dtypes=("float32",),
        isa=("x86-64-v3",),
        gpu_architectures=("sm_90", "sm_100a"),
        rng="independent",
        strict=True,
        report="out/report.json",
        jobs=3,
        editable=True,
        functions={"radar.stap:Filter.apply": FunctionSettings(fp="fast", also_dtypes=("complex64",))},
    )
    own = settings.for_function("radar.stap:Filter.apply")
    assert (own.fp, own.also_dtypes, own.rng) == ("fast", ("complex64",), "independent")
    assert settings.for_function("radar.stap:other") is settings


def test_modules_and_exclude_choose() -> None:
    settings = Settings(modules=("a", "b.*"), exclude=("b.x", "b.y:f", "b.z:C.*"))
    assert [settings.wants_module(name) for name in ("a", "a.c", "b", "b.c", "b.x", "b.y")] == [True, False, False, True, False, True]
    assert [settings.wants_function(name) for name in ("b.y:f", "b.y:g", "b.z:C.m", "b.x:f")] == [False, True, False, False]
    assert Settings().wants_module("anything")


@pytest.mark.parametrize(
    ("variable", "text", "field", "value"),
    [
        ("MODULES", "a, b.*", "modules", ("a", "b.*")),
        ("MODULES", "", "modules", ()),
        ("FP", "fast", "fp", "fast"),
        ("ALSO_DTYPES", "float32,bool", "also_dtypes", ("float32", "bool")),
        ("STRICT", "1", "strict", True),
        ("STRICT", "no", "strict", False),
        ("JOBS", "4", "jobs", 4),
        ("REPORT", "r.json", "report", "r.json"),
        ("FUNCTIONS", '{"m:f" = {fp = "fast"}}', "functions", {"m:f": FunctionSettings(fp="fast")}),
    ],
)
def test_the_environment_overrides(tmp_path: Path, variable: str, text: str, field: str, value: object) -> None:
    settings = read(tmp_path, '[tool.polyopt]\nstrict = true\nmodules = ["m"]\n', **{f"POLYOPT_BUILD_{variable}": text})
    assert getattr(settings, field) == value


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("[tool.polyopt]\nmodule = []", "pyproject.toml:2: [tool.polyopt] module: there is no such key; did you mean 'modules'?"),
        ("[tool.polyopt]\nalso_dtypes = []", "[tool.polyopt] also_dtypes: there is no such key; did you mean 'also-dtypes'?"),
        ("[tool.polyopt]\n\nqqq = 1", "pyproject.toml:3: [tool.polyopt] qqq: there is no such key; known are modules, exclude,"),
        ('[tool.polyopt]\nfp = "fsat"', "pyproject.toml:2: [tool.polyopt] fp: is 'fsat', but has to be one of 'strict',"),
        ("[tool.polyopt]\nfp = 1", "has to be one of 'strict', 'bounded', 'fast'"),
        ("[tool.polyopt]\nfp = []", "has to be one of 'strict', 'bounded', 'fast'"),
        ('[tool.polyopt]\nmodules = "a"', "modules: is 'a', but has to be a list"),
        ("[tool.polyopt]\nmodules = [1]", "modules: is 1, but has to be a string"),
        ("[tool.polyopt]\nstrict = 1", "strict: is 1, but has to be true or false"),
        ("[tool.polyopt]\njobs = true", "jobs: is True, but has to be a whole number"),
        ("[tool.polyopt]\njobs = -1", "jobs: is -1, but has to be at least 0"),
        ("[tool.polyopt]\njobs = 100000", "jobs: is 100000, but has to be at most 256"),
        ("[tool.polyopt]\njobs = " + "9" * 9000, "pyproject.toml: not valid TOML"),
        ("[tool.polyopt]\njobs = " + "[" * 100_000, "pyproject.toml: not valid TOML"),
        ('[tool.polyopt]\nfp = "' + "x" * 9000 + '"', "fp: is 'xxx"),
        ("[tool.polyopt]\n#" + "x" * 2**20, "pyproject.toml: is larger than 1 MiB"),
        ('[tool.polyopt]\nreport = "../r.json"', "report: is '../r.json', but has to be a path inside the project"),
        ('[tool.polyopt]\nreport = "/tmp/r.json"', "report: is '/tmp/r.json', but has to be a path inside the project"),
        ('[tool.polyopt]\ngpu-architectures = ["90"]', "gpu-architectures: is '90', but has to be of the form"),
        ('[tool.polyopt]\nprofile = "../p.json"', "profile: is '../p.json', but has to be a path inside the project"),
        ("[tool]\npolyopt = 3", "pyproject.toml:2: [tool.polyopt]: is not a table"),
        ("[tool]\npolyopt.jobs = 'x'", "pyproject.toml:2: [tool.polyopt] jobs: is 'x'"),
        ("[tool.polyopt]\nfunctions = 3", "functions: is 3, but has to be a table of tables"),
        ('[tool.polyopt.functions]\nfft = {fp = "fast"}', "fft: name a function as"),
        ('[tool.polyopt.functions]\n"m:f" = 3', 'pyproject.toml:2: [tool.polyopt.functions] m:f: is 3, but has to be a table'),
        (
            '[tool.polyopt.functions."m:f"]\n# a remark\nfpp = "fast"',
            'pyproject.toml:3: [tool.polyopt.functions."m:f"] fpp: there is no such key; did you mean \'fp\'?',
        ),
        ("[tool.polyopt\n", "pyproject.toml: not valid TOML"),
    ],
)
def test_errors_name_place_problem_and_way_out(tmp_path: Path, body: str, message: str) -> None:
    assert message in error(tmp_path, body)


@pytest.mark.parametrize(
    ("variable", "text", "message"),
    [
        ("POLYOPT_BUILD_MODULE", "x", "environment variable POLYOPT_BUILD_MODULE: there is no such setting; did you mean"),
        ("POLYOPT_BUILD_FP", "fats", "environment variable POLYOPT_BUILD_FP: is 'fats', but has to be one of"),
        ("POLYOPT_BUILD_STRICT", "perhaps", "POLYOPT_BUILD_STRICT: is 'perhaps', but has to be 1 or 0"),
        ("POLYOPT_BUILD_JOBS", "many", "POLYOPT_BUILD_JOBS: is 'many', but has to be a whole number"),
        ("POLYOPT_BUILD_FUNCTIONS", "m:f", "POLYOPT_BUILD_FUNCTIONS: not a TOML table"),
    ],
)
def test_errors_in_the_environment(tmp_path: Path, variable: str, text: str, message: str) -> None:
    assert message in error(tmp_path, "[tool.polyopt]\n", **{variable: text})


def test_a_tool_that_is_no_table(tmp_path: Path) -> None:
    assert read(tmp_path, "tool = 3 # polyopt\n") is None


@pytest.mark.parametrize("line", [" " * 200_000 + "x", "[" * 100_000 + "]" * 100_000 + "x", '"' + "'" * 200_000])
def test_the_place_of_an_error_is_found_soon(line: str) -> None:
    assert _find_line(f"{line}\n[tool.polyopt]\nfp = 1", ("fp",)) == 3


def test_links_do_not_lead_out_of_the_project(tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    (project / "inside").mkdir()
    (project / "out").symlink_to(tmp_path)
    (project / "file").symlink_to(tmp_path / "elsewhere.json")
    assert inside(project, "inside/new/r.json") == project / "inside" / "new" / "r.json"
    for path in ("out/r.json", "file", "inside/../../r.json"):
        with pytest.raises(ConfigError, match="leads out of the project"):
            inside(project, path)


def test_reference_page_is_current() -> None:
    page = ROOT / "docs" / "reference" / "settings.md"
    assert page.read_text(encoding="utf-8") == reference_page(), "python -m setuptools_polyopt.settings_schema > docs/reference/settings.md"


def test_schema_describes_every_key() -> None:
    schema = json_schema("polyopt")
    assert schema["additionalProperties"] is False
    assert schema["properties"]["fp"]["enum"] == ["strict", "bounded", "fast"]
    assert schema["properties"]["gpu-architectures"]["items"]["type"] == "string"
    assert schema["properties"]["jobs"] == {**schema["properties"]["jobs"], "type": "integer", "minimum": 0}
    functions = schema["properties"]["functions"]["additionalProperties"]
    assert set(functions["properties"]) == {"fp", "rng", "targets", "also-dtypes"}
    assert all(entry["description"] for entry in schema["properties"].values())


def test_importing_the_settings_needs_the_standard_library_only() -> None:
    program = "import sys; import setuptools_polyopt.config; sys.exit(any(m in sys.modules for m in ('numpy', 'islpy', 'setuptools')))"
    run = subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=False)
    assert run.returncode == 0
