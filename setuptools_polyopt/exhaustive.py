"""`assert_never` for `match` statements that name every case: `typing` has it from Python 3.11 on only."""

from __future__ import annotations

from typing import NoReturn


def assert_never(value: NoReturn) -> NoReturn:
    """Reached only if a case is missing, which mypy reports beforehand."""
    raise AssertionError(f"no case for {value!r}")
