"""Results of the pipeline come from the cache when nothing has changed, and only then."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from fake_pipeline import ModuleSource

from setuptools_polyopt.config import Settings
from setuptools_polyopt.hook import remembered
from setuptools_polyopt.hook.remembered import compile_remembered
from setuptools_polyopt.profile.schema import FunctionProfile, Profile

ARGUMENTS = {
    "package": "radar._polyopt",
    "modules": [ModuleSource("radar.stap", "radar/stap.py", "x = 1\n")],
    "profile": Profile({"radar.stap:f": FunctionProfile("h", 1, 0.5)}),
    "settings": Settings(),
    "native": True,
    "refused": {},
}
CHANGES = {
    "package": "other._polyopt",
    "modules": [ModuleSource("radar.stap", "radar/stap.py", "x = 2\n")],
    "profile": None,
    "settings": Settings(fp="fast"),
    "native": False,
    "refused": {"radar_stap_f_0.c": "no"},
}


class Pipeline:
    """Counts how often it is asked."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, *arguments: object) -> tuple[int, str]:
        self.calls += 1
        return self.calls, str(arguments[0])


def test_nothing_changed(tmp_path: Path) -> None:
    pipeline = Pipeline()
    again = {**ARGUMENTS, "modules": [dataclasses.replace(ARGUMENTS["modules"][0])]}
    assert compile_remembered(pipeline, tmp_path, **ARGUMENTS) == compile_remembered(pipeline, tmp_path, **again) == (1, "radar._polyopt")


@pytest.mark.parametrize("changed", CHANGES)
def test_whatever_changes_counts(tmp_path: Path, changed: str) -> None:
    pipeline = Pipeline()
    compile_remembered(pipeline, tmp_path, **ARGUMENTS)
    compile_remembered(pipeline, tmp_path, **{**ARGUMENTS, changed: CHANGES[changed]})
    assert pipeline.calls == 2


def test_another_polyopt_or_numpy_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pipeline = Pipeline()
    compile_remembered(pipeline, tmp_path, **ARGUMENTS)
    monkeypatch.setattr(remembered, "_version", lambda name: "other")
    compile_remembered(pipeline, tmp_path, **ARGUMENTS)
    assert pipeline.calls == 2


@pytest.mark.parametrize("damage", [b"", b"nonsense", b"\x80\x04cno.such.module\nx\n."])
def test_a_damaged_file_is_made_anew(tmp_path: Path, damage: bytes) -> None:
    pipeline = Pipeline()
    compile_remembered(pipeline, tmp_path, **ARGUMENTS)
    (path,) = (tmp_path / "compiled").glob("*/*")
    path.write_bytes(damage)
    assert compile_remembered(pipeline, tmp_path, **ARGUMENTS)[0] == 2
    assert compile_remembered(pipeline, tmp_path, **ARGUMENTS)[0] == 2
