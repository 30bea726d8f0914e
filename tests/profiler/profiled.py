"""Helpers: small projects on disk, and `polyopt-profile` run on them in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from dataclasses import dataclass
from pathlib import Path

from setuptools_polyopt.profile.reading import read_profile
from setuptools_polyopt.profile.schema import FunctionProfile, Variant

PYPROJECT = '[project]\nname = "{name}"\nversion = "1"\n\n[tool.pytest.ini_options]\npythonpath = ["src", "."]\n'


@dataclass(frozen=True)
class Done:
    """A process that has ended."""

    status: int
    out: str
    err: str


@dataclass(frozen=True)
class Sandbox:
    """A project in a temporary folder."""

    root: Path

    def write(self, **files: str) -> Sandbox:
        """Write files; `src__pkg__mod` is src/pkg/mod.py, `pkg__init` and `pkg__main` are pkg/__init__.py, pkg/__main__.py."""
        for name, text in files.items():
            *folders, last = name.split("__")
            last = f"__{last}__" if last in ("init", "main") else last
            path = self.root.joinpath(*folders, f"{last}.py")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(textwrap.dedent(text), "utf-8")
        return self

    def python(self, *arguments: str, cwd: Path | None = None, **environment: str) -> Done:
        """Run the interpreter of the tests."""
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=cwd or self.root,
            env={**_environment(), **environment},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        return Done(done.returncode, done.stdout, done.stderr)

    def command(self, *arguments: str, cwd: Path | None = None, **environment: str) -> Done:
        """Run `polyopt-profile`."""
        return self.python("-m", "polyopt_profiler", *arguments, cwd=cwd, **environment)

    def run(self, *program: str, options: tuple[str, ...] = (), **environment: str) -> Done:
        """`polyopt-profile run OPTIONS -- PROGRAM`."""
        return self.command("run", *options, "--", *program, **environment)

    @property
    def profile_path(self) -> Path:
        """Where the profile lies."""
        return self.root / "polyopt-profile.json"

    def functions(self) -> dict[str, FunctionProfile]:
        """The entries of the profile that was written."""
        return dict(read_profile(self.profile_path).functions)

    def variants(self, key: str) -> tuple[Variant, ...]:
        """The variants of one function."""
        return self.functions()[key].variants

    def variant(self, key: str) -> Variant:
        """The only variant of one function."""
        (variant,) = self.variants(key)
        return variant


def _environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("POLYOPT", "PYTEST", "COV"))}
    root = Path(__file__).parents[2]
    return {**kept, "PYTHONPATH": os.pathsep.join([str(root), str(root / "profiler")])}
