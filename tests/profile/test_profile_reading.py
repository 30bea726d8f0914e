"""The profile file: what is written is what is read, the same each time, and nothing else is accepted."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from profile_strategies import profiles, unhurried

from setuptools_polyopt.profile import reading
from setuptools_polyopt.profile.errors import ProfileError
from setuptools_polyopt.profile.reading import format_profile, parse_profile, read_profile, write_profile
from setuptools_polyopt.profile.schema import (
    ArrayProfile,
    FunctionProfile,
    OtherProfile,
    Profile,
    Range,
    ScalarProfile,
    Variant,
)

WHERE = Path("polyopt-profile.json")
SMALL = Profile(
    {
        "radar:Filter.apply": FunctionProfile(
            hash="ab" * 16,
            calls=12,
            share=0.1,
            variants=(
                Variant(
                    calls=12,
                    share=0.1,
                    arguments={
                        "self": OtherProfile("radar.Filter"),
                        "x": ArrayProfile("bool", (Range(4, 4), Range(5, 8)), ("C", "strided"), writable=False),
                        "n": ScalarProfile("int", Range(-1, 5)),
                    },
                    attributes={"self.gain": ScalarProfile("float")},
                    equal=(("n", "x.0"),),
                ),
            ),
        )
    }
)
TEXT = """\
{
  "format": "polyopt-profile",
  "functions": {
    "radar:Filter.apply": {
      "calls": 12,
      "hash": "abababababababababababababababab",
      "share": 0.1,
      "variants": [
        {
          "arguments": {
            "n": {"kind": "scalar", "range": "-1..5", "type": "int"},
            "self": {"kind": "other", "type": "radar.Filter"},
            "x": {"dtype": "bool", "extents": ["4", "5..8"], "kind": "array", "layouts": ["C", "strided"], "writable": false}
          },
          "attributes": {"self.gain": {"kind": "scalar", "type": "float"}},
          "calls": 12,
          "equal": [["n", "x.0"]],
          "share": 0.1
        }
      ]
    }
  },
  "version": 1
}
"""


def test_file_is_readable_and_exact() -> None:
    assert format_profile(SMALL).decode() == TEXT
    assert parse_profile(TEXT.encode(), WHERE) == SMALL


@given(profiles())
@unhurried
def test_what_is_written_is_read(profile: Profile) -> None:
    data = format_profile(profile)
    again = parse_profile(data, WHERE)
    assert again == profile
    assert format_profile(again) == data
    assert data.endswith(b"}\n")


def test_write_is_atomic(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "polyopt-profile.json"
    write_profile(SMALL, path)
    before = path.read_bytes()

    def fail(*_: object) -> None:
        raise OSError("no space")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError, match="no space"):
        write_profile(Profile(), path)
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == [path.name]


def test_file_mode_follows_umask(tmp_path: Path) -> None:
    old = os.umask(0o027)
    try:
        write_profile(SMALL, tmp_path / "p.json")
    finally:
        os.umask(old)
    assert (tmp_path / "p.json").stat().st_mode & 0o777 == 0o640


def changed(old: str, new: str) -> bytes:
    assert old in TEXT
    return TEXT.replace(old, new).encode()


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "p.json:1: not JSON"),
        (b'{\n  "format": \n', "p.json:3: not JSON"),
        (b"\n\xff", "p.json:2: not UTF-8"),
        (b"[]", '"format" is not "polyopt-profile"'),
        (b'{"format": "something", "version": 1}', '"format" is not "polyopt-profile"'),
        (changed('"version": 1', '"version": 2'), "format version 2, and this release reads version 1"),
        (changed('"version": 1', '"version": 1, "extra": 0'), "unknown key 'extra'"),
        (changed('"calls": 12,\n          "equal"', '"equal"'), "variants[0] has no 'calls'"),
        (changed('"share": 0.1,', '"share": 7,'), "share should be a number from 0 to 1, not 7"),
        (changed('"4", "5..8"', '"4", "8..5"'), "extents[1] should be a range that does not fall, not '8..5'"),
        (changed('"4", "5..8"', '"4", "1e3"'), "extents[1] should be a range"),
        (changed('"4", "5..8"', f'"4", "{"9" * 30}"'), "extents[1] should be a range"),
        (changed('"kind": "other"', '"kind": "othre"'), "kind should be one of array, scalar"),
        (changed('"strided"', '"columns"'), 'layouts[1] should be "C", "F" or "strided"'),
        (changed('"writable": false', '"writable": 0'), "writable should be true or false"),
        (changed("radar:Filter.apply", "radar.Filter.apply"), "the key 'radar.Filter.apply', which is not a name"),
        (changed("abab", "ABAB"), "hash should be a string like"),
        (changed('"calls": 12,\n      "hash"', '"calls": true,\n      "hash"'), "calls should be a count, not True"),
        (changed('"calls": 12,\n      "hash"', '"calls": NaN,\n      "hash"'), "NaN is no number"),
        (changed('"calls": 12,\n      "hash"', '"calls": 1, "calls": 2,\n      "hash"'), "the key 'calls' comes twice"),
        (changed('"calls": 12,\n      "hash"', f'"calls": {"9" * 5000},\n      "hash"'), "number cannot be read"),
        (b"[" * 200_000, "nested too deeply"),
    ],
)
def test_what_is_wrong_is_said(data: bytes, message: str) -> None:
    with pytest.raises(ProfileError) as caught:
        parse_profile(data, Path("p.json"))
    text = str(caught.value)
    assert message in text
    assert text.startswith("p.json:")
    assert "polyopt-profile run" in text or "install" in text
    assert len(text) < 500


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(ProfileError, match=r"p\.json: the profile cannot be read: No such file"):
        read_profile(tmp_path / "p.json")


def test_too_large_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MAX_BYTES", 1 << 20)
    path = tmp_path / "p.json"
    path.write_bytes(b" " * ((1 << 20) + 1))
    with pytest.raises(ProfileError, match="larger than 1 MiB"):
        read_profile(path)


def test_unknown_nested_values_name_their_place() -> None:
    data = json.loads(TEXT)
    data["functions"]["radar:Filter.apply"]["variants"][0]["arguments"]["x"]["dtype"] = 5
    with pytest.raises(ProfileError) as caught:
        parse_profile(json.dumps(data).encode(), WHERE)
    assert "functions['radar:Filter.apply'].variants[0].arguments['x'].dtype should be a string" in str(caught.value)


def test_the_room_imports_nothing_heavy() -> None:
    code = (
        "import sys, setuptools_polyopt.profile.staleness, setuptools_polyopt.profile.reading\n"
        "found = {'numpy', 'islpy', 'setuptools', 'monkeytype'} & set(sys.modules)\n"
        "sys.exit(', '.join(sorted(found)) or None)"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_what_is_no_file_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.json")
    for path in (tmp_path / "pipe.json", tmp_path, Path(os.devnull)):
        with pytest.raises(ProfileError, match="it is no file"):
            read_profile(path)


def test_a_key_that_comes_twice_among_many_is_found_soon() -> None:
    names = [*map(str, range(200_000)), "twice", "twice"]
    data = "{" + ", ".join(f'"{name}": 0' for name in names) + "}"
    with pytest.raises(ProfileError, match="'twice' comes twice"):
        parse_profile(data.encode(), WHERE)
