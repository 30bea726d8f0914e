"""Files of a build are all there, or none of them."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from setuptools_polyopt.hook.outputs import RECORD, OutputFile, recorded, remove_recorded, write_outputs


def test_what_goes_wrong_while_writing_leaves_the_plain_build(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lib, temp = tmp_path / "lib", tmp_path / "temp"
    lib.mkdir()
    (lib / "mod.py").write_text("plain")
    files = {"mod.py": OutputFile(b"built"), "z/_polyopt/big": OutputFile(b"too much")}
    write = Path.write_bytes

    def full(path: Path, content: bytes) -> int:
        if content == b"too much":
            raise OSError("the disk is full")
        return write(path, content)

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match="full"):
        write_outputs(temp, lib, files)
    monkeypatch.undo()
    assert (lib / "mod.py").read_text() == "plain"
    assert [path for path in lib.rglob("*") if path.is_file()] == [lib / "mod.py"]
    write_outputs(temp, lib, files)
    assert (lib / "mod.py").read_text() == "built"
    assert recorded(temp, lib).keys() == files.keys()


def test_a_record_that_came_with_the_sources_removes_nothing_elsewhere(tmp_path: Path) -> None:
    lib, temp = tmp_path / "lib", tmp_path / "temp"
    for folder in (lib, temp, tmp_path / "_polyopt"):
        folder.mkdir()
    mine = tmp_path / "_polyopt" / "mine"
    mine.write_text("mine")
    (lib / "_polyopt").symlink_to(tmp_path / "_polyopt")
    paths = ("../_polyopt/mine", "x/../../_polyopt/mine", str(mine), "_polyopt/mine")
    (temp / RECORD).write_text(json.dumps({os.path.abspath(lib): dict.fromkeys(paths, "")}))
    assert not recorded(temp, lib)
    remove_recorded(temp, lib)
    assert mine.read_text() == "mine"


@pytest.mark.parametrize("text", ["[" * 100_000, "[1]", '{"a": 1}', "\0", '{"%s": {"a\\u0000b": ""}}'])
def test_a_record_that_is_none(tmp_path: Path, text: str) -> None:
    lib, temp = tmp_path / "lib", tmp_path / "temp"
    temp.mkdir()
    lib.mkdir()
    (temp / RECORD).write_text(text.replace("%s", os.path.abspath(lib)))
    assert not recorded(temp, lib)
    write_outputs(temp, lib, {"mod.py": OutputFile(b"built")})
    assert recorded(temp, lib).keys() == {"mod.py"}


def test_links_in_the_build_tree_are_not_followed(tmp_path: Path) -> None:
    lib, temp, other = tmp_path / "lib", tmp_path / "temp", tmp_path / "other"
    for folder in (lib, temp, other):
        folder.mkdir()
    for link in (lib / "mod.py", lib / "mod.py.polyopt-new", temp / RECORD):
        link.symlink_to(other / "file")
    (other / "file").write_text("mine")
    write_outputs(temp, lib, {"mod.py": OutputFile(b"built")})
    assert (lib / "mod.py").read_text() == "built"
    assert (other / "file").read_text() == "mine"
    (lib / "_polyopt").symlink_to(other)
    with pytest.raises(FileExistsError, match="leads out of the build tree"):
        write_outputs(temp, lib, {"_polyopt/x": OutputFile(b"built")})
    assert [path.name for path in other.iterdir()] == ["file"]
