"""The documents against the tree: tests, targets of make and rooms that they name exist, and each part of the language has its tests."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
DOCUMENTS = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]
LANGUAGE = ROOT / "docs" / "reference" / "language.md"


def named_tests(text: str) -> list[Path]:
    """Files and folders of tests in backticks; a bare name lies in the folder of the one before."""
    found: list[Path] = []
    folder = ROOT / "tests"
    for name in re.findall(r"`((?:tests/)?[\w/]*\w(?:\.py|\.test)?)`", text):
        if name.startswith("tests/"):
            found.append(ROOT / name)
            folder = found[-1].parent if found[-1].suffix else found[-1]
        elif re.fullmatch(r"test_\w+\.py|\w+\.test", name):
            found.append(folder / name)
    return found


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_what_a_document_names_is_there(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    assert not [path for path in named_tests(text) if not path.exists()]
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE))
    assert {name for name in re.findall(r"\bmake ([a-z-]+)", text) if f"`make {name}" in text} <= targets


def test_each_part_of_the_language_names_its_tests() -> None:
    parts = re.split(r"^## ", LANGUAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    assert len(parts) > 8
    assert not [part.partition("\n")[0] for part in parts if not named_tests(part)]


def test_each_kind_of_reason_in_the_language_has_a_case() -> None:
    part = LANGUAGE.read_text(encoding="utf-8").partition("## Reasons")[2]
    kinds = re.findall(r"`([a-z]+(?:-[a-z]+)+|global)`", part)
    cases = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests" / "frontend").glob("*.test"))
    assert kinds
    assert not [kind for kind in kinds if f"[{kind}]" not in cases and f"[case {kind}]" not in cases]


def test_each_room_is_in_the_architecture() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    rooms = [path.parent.name for path in (ROOT / "setuptools_polyopt").glob("*/__init__.py")]
    rooms += [path.stem for path in (ROOT / "setuptools_polyopt").glob("*.py") if path.stem not in ("__init__",)]
    assert not [room for room in rooms if not re.search(rf"\b{room}\b", text)]
