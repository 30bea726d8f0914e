"""What all tests share: golden files.

A golden case is a text file beside its test. `golden(path, text)` compares; a missing file is a failure, and
`pytest --update-golden` writes the files anew, to be read in the diff.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="write the golden files anew")


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[Path, str], None]:
    """A function `(path, text)` that fails unless the file at `path` holds `text`."""

    def check(path: Path, text: str) -> None:
        if request.config.getoption("--update-golden"):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        if not path.exists():
            pytest.fail(f"{path} is missing; write it with pytest --update-golden and read it")
        assert text == path.read_text(encoding="utf-8"), f"{path.name} differs; if that is meant, use --update-golden"

    return check
