"""Reading and writing `polyopt-profile.json`.

The file is committed and reviewed, so the same profile always gives the same bytes: keys sorted, two spaces a level,
what fits in a line in one line, a newline at the end. It may also come from elsewhere, so it is read strictly and
within limits of size.
"""

from __future__ import annotations

import json
import os
import stat
import tempfile
from collections import Counter
from pathlib import Path

from setuptools_polyopt.profile.encoding import decode, encode
from setuptools_polyopt.profile.errors import ProfileError
from setuptools_polyopt.profile.schema import Profile

FILE_NAME = "polyopt-profile.json"
MAX_BYTES = 64 * 2**20
_WIDTH = 120


def read_profile(path: Path) -> Profile:
    """The profile in a file. Raises `ProfileError` if it is missing, too large or malformed."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):  # a pipe would be waited for
            raise ProfileError("the profile cannot be read: it is no file", path)
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise ProfileError(f"the profile cannot be read: {error.strerror or error}", path) from error
    if len(data) > MAX_BYTES:
        raise ProfileError(f"the profile is larger than {MAX_BYTES >> 20} MiB", path)
    return parse_profile(data, path)


def parse_profile(data: bytes, path: Path) -> Profile:
    """The profile that `data` says; `path` is for messages. Raises `ProfileError`."""
    try:
        return decode(json.loads(data.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_no_constant))
    except json.JSONDecodeError as error:
        raise ProfileError(f"not JSON: {error.msg}", path, error.lineno) from error
    except UnicodeDecodeError as error:
        raise ProfileError("not UTF-8 text", path, 1 + data.count(b"\n", 0, error.start)) from error
    except ProfileError as error:
        raise ProfileError(error.message, path, remedy=error.remedy) from error
    except RecursionError as error:
        raise ProfileError("values are nested too deeply", path) from error
    except ValueError as error:  # an integer of more digits than Python converts
        raise ProfileError(f"a number cannot be read: {error}", path) from error


def write_profile(profile: Profile, path: Path) -> None:
    """Write the file atomically."""
    replace_file(path, format_profile(profile))


def replace_file(path: Path, data: bytes) -> None:
    """A reader sees the old file or the new one, and a write that fails leaves the old one. Raises `OSError`."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        os.chmod(name, 0o666 & ~_umask())
        os.replace(name, path)
    except BaseException:
        os.unlink(name)
        raise


def format_profile(profile: Profile) -> bytes:
    """The bytes of the file."""
    return (_layout(encode(profile), "") + "\n").encode("utf-8")


def _layout(value: object, indent: str) -> str:
    line = json.dumps(value, sort_keys=True, ensure_ascii=True)
    if not isinstance(value, (dict, list)) or not value or (indent and len(indent) + len(line) <= _WIDTH):
        return line
    inner = indent + "  "
    if isinstance(value, dict):
        rows = [f"{json.dumps(key)}: {_layout(value[key], inner)}" for key in sorted(value)]
        opening, closing = "{", "}"
    else:
        rows = [_layout(item, inner) for item in value]
        opening, closing = "[", "]"
    body = ",\n".join(inner + row for row in rows)
    return f"{opening}\n{body}\n{indent}{closing}"


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        twice, _ = Counter(name for name, _ in pairs).most_common(1)[0]
        raise ProfileError(f"the key {twice[:80]!r} comes twice in one object, as after a merge of versions gone wrong")
    return found


def _no_constant(name: str) -> object:
    raise ProfileError(f"{name} is no number that a profile can hold")


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
