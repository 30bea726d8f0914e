"""Golden cases as data: many per file, source and expected text one below the other.

    [case name]
    <input: the text that a phase is given>
    [out]
    <what the phase prints>

`cases(path)` gives the cases of a file for `pytest.mark.parametrize`; `check(case, text, update)` compares. With `pytest --update-golden`
the file is written anew, to be read in the diff; a case without `[out]` is a failure otherwise. Lines that start with `#` between
`[case ...]` and the first other line are remarks.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import pytest

_HEAD = re.compile(r"^\[case ([\w.-]+)\]\s*$")
_OUT = "[out]"


@dataclass(frozen=True)
class Case:
    """One case; `expected` is None where the file has no `[out]` yet."""

    path: Path
    name: str
    source: str
    expected: str | None

    def __str__(self) -> str:
        return self.name


def cases(path: Path) -> list[Case]:
    """All cases of a file, in order. Raises ValueError for text outside of cases and for a name that comes twice."""
    found: list[Case] = []
    for name, lines in _blocks(path):
        text = "".join(lines)
        head, separator, tail = text.partition(f"{_OUT}\n")
        found.append(Case(path, name, head.strip("\n") + "\n", tail.strip("\n") + "\n" if separator else None))
    names = [case.name for case in found]
    if len(set(names)) != len(names):
        raise ValueError(f"{path.name}: a case name comes twice")
    return found


def _blocks(path: Path) -> list[tuple[str, list[str]]]:
    blocks: list[tuple[str, list[str]]] = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(keepends=True), start=1):
        if match := _HEAD.match(line):
            blocks.append((match[1], []))
        elif blocks:
            blocks[-1][1].append(line)
        elif line.strip() and not line.startswith("#"):
            raise ValueError(f"{path.name}:{number}: text before the first [case]")
    return blocks


def check(case: Case, text: str, update: bool) -> None:
    """Fail unless the case expects `text`; with `update`, write it into the file instead."""
    text = text.strip("\n") + "\n"
    if update:
        _write(case, text)
        return
    if case.expected is None:
        pytest.fail(f"{case.path.name}: case {case.name} has no [out]; write it with pytest --update-golden and read it")
    assert text == case.expected, f"{case.path.name}: case {case.name} differs; if that is meant, use --update-golden"


def _write(changed: Case, text: str) -> None:
    preamble = changed.path.read_text(encoding="utf-8").partition("[case ")[0]
    parts = [preamble]
    for case in cases(changed.path):
        expected = text if case.name == changed.name else case.expected
        out = "" if expected is None else f"{_OUT}\n{expected}"
        parts.append(f"[case {case.name}]\n{case.source}{out}\n")
    changed.path.write_text("".join(parts).rstrip("\n") + "\n", encoding="utf-8")
