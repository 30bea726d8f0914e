"""The hand-written example, built once a session, and a way to run a script against it in a process of its own."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import build_example
import pytest

Script = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that holds the package `example`."""
    folder = tmp_path_factory.mktemp("built")
    build_example.build(folder, "example")
    return folder


@pytest.fixture(scope="session")
def user(built: Path) -> ModuleType:
    """The example's rewritten module, bound to its native regions."""
    sys.path.insert(0, str(built))
    try:
        return importlib.import_module("example.user")
    finally:
        sys.path.remove(str(built))


@pytest.fixture
def script(built: Path) -> Script:
    """A function that runs Python text in a new process, with warnings as errors; keyword arguments are environment variables."""

    def run(text: str, check: bool = True, timeout: float = 60, **environment: str) -> subprocess.CompletedProcess[str]:
        clean = {
            name: value for name, value in os.environ.items() if not name.startswith(("POLYOPT_", "OMP_", "OPENBLAS_"))
        }
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", textwrap.dedent(text)],
            env={**clean, "PYTHONPATH": str(built), "OPENBLAS_NUM_THREADS": "1", **environment},
            capture_output=True,
            text=True,
            timeout=timeout,
        )
        if check:
            assert done.returncode == 0, done.stdout + done.stderr
        return done

    return run
