"""The one error of this room."""

from __future__ import annotations

from pathlib import Path

from setuptools_polyopt.diagnostics import PolyoptError

AGAIN = "take the profile again: polyopt-profile run -- -m pytest"


class ProfileError(PolyoptError):
    """A profile that cannot be used. The text names the file, the line where it is known, and a way out."""

    def __init__(self, message: str, path: Path | None = None, line: int = 0, remedy: str = AGAIN) -> None:
        place = "" if path is None else f"{path}:{line}: " if line else f"{path}: "
        super().__init__(f"{place}{message} ({remedy})")
        self.message = message
        self.path = path
        self.line = line
        self.remedy = remedy
