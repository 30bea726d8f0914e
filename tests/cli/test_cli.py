"""The `polyopt` command: phases of a file, explanations of files, modules and wheels, errors in one line."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest

from setuptools_polyopt import pipeline
from setuptools_polyopt.cli import main, module_name
from setuptools_polyopt.report.model import Missed, ModuleReport, Report
from setuptools_polyopt.runtime import costs, machine

SUMS = """import numpy as np
from numpy.typing import NDArray


def smooth(a: NDArray[np.float64], b: NDArray[np.float64]) -> None:
    for i in range(1, a.shape[0] - 1):
        b[i] = (a[i - 1] + a[i] + a[i + 1]) / 3.0
"""
PYPROJECT = '[project]\nname = "demo"\nversion = "1"\n[tool.polyopt]\n'


def run(*arguments: str) -> str:
    output = io.StringIO()
    assert main(arguments, output) == 0
    return output.getvalue()


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    package = tmp_path / "src" / "radar"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("raise SystemExit('must not be imported')\n")
    (package / "sums.py").write_text(SUMS)
    (tmp_path / "pyproject.toml").write_text(PYPROJECT)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("phase", pipeline.PHASES)
def test_compile_shows_each_phase(project: Path, phase: str) -> None:
    text = run("compile", "--stop-after", phase, "src/radar/sums.py")
    assert text.strip()


def test_compile_ends_with_the_rewritten_module(project: Path) -> None:
    text = run("compile", "--print-after", "lower", "src/radar/sums.py")
    assert "== lower: " in text
    assert "_polyopt import bind as _polyopt_bind" in text
    assert "b[i] = (a[i - 1] + a[i] + a[i + 1]) / 3.0" in text


@pytest.mark.parametrize("target", ["src/radar/sums.py", "radar.sums"])
def test_explain_source(project: Path, target: str) -> None:
    text = run("explain", target)
    assert text.startswith("radar.sums (src/radar/sums.py)\n")
    assert "src/radar/sums.py:6-7: optimised as " in text
    assert "1 region optimised" in text


def test_explain_knows_the_project_settings(project: Path) -> None:
    (project / "pyproject.toml").write_text(PYPROJECT + 'exclude = ["radar.sums:smooth"]\n')
    assert "0 regions optimised" in run("explain", "radar.sums")


def test_explain_a_wheel_and_an_installed_module(project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    missed = (Missed("f", "3", "kind", "the reason", ""),)
    reports = Report(tuple(ModuleReport(name, "x.py", (), missed) for name in ("radar.sums", "radar.x")))
    wheel = tmp_path / "demo-1-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("radar/_polyopt/report.json", reports.to_json())
    text = run("explain", str(wheel))
    assert "radar.sums (x.py)" in text
    assert "radar.x (x.py)" in text
    assert "the reason" in text

    installed = tmp_path / "installed"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(installed)
    for name in ("__init__", "sums", "_polyopt/__init__"):
        (installed / "radar" / f"{name}.py").write_text("raise SystemExit('must not be imported')\n")
    monkeypatch.syspath_prepend(str(installed))
    text = run("explain", "radar.sums")
    assert "radar.sums (x.py)" in text
    assert "radar.x" not in text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("explain", "no.such.module"), "no.such.module: no wheel, no Python file and no module"),
        (("explain", "missing.py"), "missing.py: cannot be read"),
        (("explain", "missing.whl"), "missing.whl: cannot be read as a wheel"),
        (("compile", "missing.py"), "missing.py: cannot be compiled"),
        (("compile", "--stop-after", "dinner", "src/radar/sums.py"), "dinner: no such phase; there are "),
        (("explain", "--profile", "missing.json", "radar.sums"), "missing.json: the profile cannot be read"),
    ],
)
def test_errors_are_one_line(project: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], message: str) -> None:
    assert main(arguments) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"polyopt: {message}")
    assert error.count("\n") == 1


def test_wrong_settings_are_an_error(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "pyproject.toml").write_text(PYPROJECT + "fpp = 1\n")
    assert main(["explain", "radar.sums"]) == 2
    assert "did you mean 'fp'?" in capsys.readouterr().err


def test_module_names(project: Path) -> None:
    assert module_name(Path("src/radar/sums.py")) == "radar.sums"
    assert module_name(Path("src/radar/__init__.py")) == "radar"
    assert module_name(Path("elsewhere.py")) == "elsewhere"


def test_calibrate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """What is measured differs from machine to machine; that it is written, and can be read by the runtime, does not."""
    monkeypatch.setenv("POLYOPT_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr("setuptools_polyopt.calibrate.on_cpu.LARGE", 1 << 16)
    monkeypatch.setattr("setuptools_polyopt.calibrate.building.REPEATS", 2)
    (tmp_path / "machine.json").write_text(machine.text(machine.Machine(ray_task=0.5)), encoding="utf-8")
    assert main(["calibrate"]) == 0
    measured = machine.load({"POLYOPT_CACHE_DIR": str(tmp_path)})
    assert measured is not None
    assert 1e-13 < measured.operation < 1e-7
    assert measured.memory > 1e6
    assert measured.ray_task == 0.5, "what is not measured now stays"
    assert set(measured.costs) <= set(costs.NAMES)
    assert {"libm.sin", "numpy.exp.float64", "scalar", "mod"} <= set(measured.costs)
    assert all(1e-12 <= seconds < 1e-5 for seconds in measured.costs.values())
    assert capsys.readouterr().out == f"written to {tmp_path / 'machine.json'}\n"


def test_calibrate_without_a_compiler(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("POLYOPT_CACHE_DIR", str(tmp_path))
    monkeypatch.setenv("CC", "no-such-compiler")
    assert main(["calibrate"]) == 2
    assert "no C compiler was found (tried no-such-compiler): nothing can be measured, the defaults stay" in capsys.readouterr().err
    assert not (tmp_path / "machine.json").exists()
