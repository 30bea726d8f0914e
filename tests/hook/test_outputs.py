"""Files of a build are all there, or none of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from setuptools_polyopt.hook.outputs import OutputFile, recorded, write_outputs


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
