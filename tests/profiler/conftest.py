"""The `sandbox` fixture: an empty project to fill and profile."""

from __future__ import annotations

from pathlib import Path

import pytest
from profiled import PYPROJECT, Sandbox


@pytest.fixture
def sandbox(tmp_path: Path) -> Sandbox:
    """A project named `small` in a temporary folder."""
    root = tmp_path / "project"
    root.mkdir()
    (root / "pyproject.toml").write_text(PYPROJECT.format(name="small"), "utf-8")
    return Sandbox(root)
