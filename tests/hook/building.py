"""Small projects and the ways to build them, each build in a process of its own."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

ROOT = Path(__file__).parents[2]
BUILD_SYSTEM = '[build-system]\nrequires = ["setuptools>=77", "setuptools-polyopt"]\nbuild-backend = "setuptools.build_meta"\n'
PROJECT = BUILD_SYSTEM + '[project]\nname = "demo-dist"\nversion = "1.0"\n'
EMPTY_PROFILE = '{"format": "polyopt-profile", "functions": {}, "version": 1}'
PLAIN = 'def answer():\n    return "plain"\n'
OWN_EXTENSION = """
#include <Python.h>
static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, "own", 0, 0, 0, 0, 0, 0, 0};
PyMODINIT_FUNC PyInit_own(void) { return PyModule_Create(&definition); }
"""


@dataclass(frozen=True)
class Outcome:
    """How a process ended: exit code and everything that it wrote."""

    code: int
    text: str


@dataclass(frozen=True)
class Project:
    """A project folder, and the ways to build it."""

    folder: Path
    environ: Mapping[str, str]

    def write(self, files: Mapping[str, str | bytes]) -> None:
        for path, content in files.items():
            target = self.folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content if isinstance(content, bytes) else content.encode())

    def python(self, *arguments: str, folder: Path | None = None, **environ: str) -> Outcome:
        run = subprocess.run(
            [sys.executable, *arguments],
            cwd=folder or self.folder,
            env={**self.environ, **environ},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        return Outcome(run.returncode, run.stdout)

    def call(self, hook: str, backend: str = "setuptools.build_meta", settings: object = None, **environ: str) -> Outcome:
        """One PEP 517 hook, writing into `dist`."""
        (self.folder / "dist").mkdir(exist_ok=True)
        return self.python("-c", f"from {backend} import {hook}; print({hook}('dist', {settings!r}))", **environ)

    def wheel(self, backend: str = "setuptools.build_meta", settings: object = None, **environ: str) -> Wheel:
        """Build a wheel, which has to succeed."""
        outcome = self.call("build_wheel", backend, settings, **environ)
        assert outcome.code == 0, outcome.text
        return Wheel(self.folder / "dist" / outcome.text.splitlines()[-1], outcome.text)

    def failure(self, hook: str = "build_wheel", **environ: str) -> str:
        """Build a wheel, which has to fail with one clear line and leave nothing; the line."""
        outcome = self.call(hook, **environ)
        assert outcome.code != 0, outcome.text
        assert "Traceback" not in outcome.text
        assert not list((self.folder / "dist").glob("*.whl"))
        return outcome.text.splitlines()[-1]

    def run(self, wheel: Wheel, program: str) -> str:
        """What a program prints that sees the wheel's content and not polyopt."""
        folder = self.folder.with_name(f"{self.folder.name}-unpacked")
        with zipfile.ZipFile(wheel.path) as archive:
            archive.extractall(folder)
        outcome = self.python("-c", program, folder=folder, PYTHONPATH="", POLYOPT_TEST_FAKE="")
        assert outcome.code == 0, outcome.text
        return outcome.text.strip()


@dataclass(frozen=True)
class Wheel:
    """A built wheel and the log of its build."""

    path: Path
    log: str

    @property
    def tag(self) -> str:
        return self.path.stem.split("-", 2)[2]

    @property
    def names(self) -> list[str]:
        with zipfile.ZipFile(self.path) as archive:
            return sorted(name for name in archive.namelist() if ".dist-info/" not in name)

    def read(self, name: str) -> bytes:
        with zipfile.ZipFile(self.path) as archive:
            return archive.read(name)

    @property
    def is_purelib(self) -> bool:
        with zipfile.ZipFile(self.path) as archive:
            (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/WHEEL"))
            return b"Root-Is-Purelib: true" in archive.read(name)


NewProject: TypeAlias = Callable[..., Project]
