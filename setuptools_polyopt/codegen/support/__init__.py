"""The C sources that every build compiles into its extension (docs/runtime.md says what each does).

`sources` are compiled once, for the baseline, with Python's headers in reach; `headers` lie beside every unit.
"""

from __future__ import annotations

from pathlib import Path

DIRECTORY = Path(__file__).parent


def sources() -> dict[str, str]:
    """The text of each C file, by file name, in a fixed order."""
    return _texts(".c")


def headers() -> dict[str, str]:
    """The text of each header, by file name, in a fixed order."""
    return _texts(".h")


def _texts(suffix: str) -> dict[str, str]:
    return {
        path.name: path.read_text(encoding="utf-8") for path in sorted(DIRECTORY.iterdir()) if path.suffix == suffix
    }
