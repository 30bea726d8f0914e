"""Files of ours in the build tree: written at the end and all together, remembered, and taken away again by the next build.

`build/lib` is never cleaned by setuptools, and pip builds in the project's folder, so what an earlier build left there would get into
the wheel. A list of our files lies in the folder for temporary files. A rewritten module is made to look older than its source, so
that build_py copies the source over it in the next build, also when polyopt has been switched off in between.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

RECORD = "polyopt-outputs.json"


@dataclass(frozen=True)
class OutputFile:
    """A file to write: its content, and for a rewritten module the source file that it stands for."""

    content: bytes
    source: Path | None = None


def digest(content: bytes) -> str:
    """The hash of a file's content in records and manifests."""
    return hashlib.sha256(content).hexdigest()


def recorded(build_temp: Path, build_lib: Path) -> dict[str, str]:
    """What the last build into `build_lib` wrote: path relative to it -> hash.

    The list may have come with the sources, so what leads elsewhere is passed over.
    """
    try:
        known = json.loads((build_temp / RECORD).read_text(encoding="utf-8"))
        files = known.get(os.path.abspath(build_lib), {})
        return {path: str(value) for path, value in files.items() if _is_below(build_lib, path)}
    except (OSError, ValueError, AttributeError, RecursionError):
        return {}


def _is_below(folder: Path, path: str) -> bool:
    """Whether the file lies in the folder, links followed up to the file itself."""
    return "\0" not in path and (folder / path).parent.resolve().is_relative_to(folder.resolve())


def remove_recorded(build_temp: Path, build_lib: Path) -> None:
    """Take away what the last build added. Rewritten modules stay: build_py has replaced them, or the caller does."""
    folders = set()
    for path in recorded(build_temp, build_lib):
        target = build_lib / path
        if "_polyopt" in path.rpartition("/")[0]:
            target.unlink(missing_ok=True)
            folders.add(target.parent)
    for folder in sorted(folders, key=lambda folder: len(folder.parts), reverse=True):
        try:
            folder.rmdir()
        except OSError:  # something of somebody else's is in it, or it is gone
            pass


def write_outputs(build_temp: Path, build_lib: Path, files: Mapping[str, OutputFile]) -> None:
    """Write the files (paths relative to `build_lib`) and the record of them.

    All are written under other names first, and take their places at the end: what goes wrong before leaves the plain build.
    """
    staged: list[tuple[Path, Path]] = []
    try:
        for path, file in sorted(files.items()):
            target = build_lib / path
            if not _is_below(build_lib, path):
                raise FileExistsError(f"{target} leads out of the build tree")
            target.parent.mkdir(parents=True, exist_ok=True)
            aside = target.with_name(f"{target.name}.polyopt-new")
            aside.unlink(missing_ok=True)  # a link would be followed
            staged.append((aside, target))
            aside.write_bytes(file.content)
            if file.source is not None:
                status = file.source.stat()
                os.chmod(aside, status.st_mode | 0o200)
                os.utime(aside, (status.st_atime, status.st_mtime - 2))
        _record(build_temp, build_lib, files)
    except BaseException:
        for aside, _ in staged:
            aside.unlink(missing_ok=True)
        raise
    for aside, target in staged:
        os.replace(aside, target)


def _record(build_temp: Path, build_lib: Path, files: Mapping[str, OutputFile]) -> None:
    build_temp.mkdir(parents=True, exist_ok=True)
    try:
        known = json.loads((build_temp / RECORD).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        known = {}
    if not isinstance(known, dict):
        known = {}
    (build_temp / RECORD).unlink(missing_ok=True)
    known[os.path.abspath(build_lib)] = {path: digest(file.content) for path, file in files.items()}
    (build_temp / RECORD).write_text(json.dumps(known, indent=1, sort_keys=True), encoding="utf-8")


def package_manifest(
    files: Mapping[str, bytes], modules: Mapping[str, tuple[bytes, bytes]], levels: tuple[str, ...], version: str
) -> bytes:
    """The text of `_polyopt/manifest.json`: hashes of the package's files, and of each module's source and rewritten text."""
    content = {
        "format": 1,
        "polyopt": version,
        "levels": list(levels),
        "files": {path: digest(data) for path, data in files.items()},
        "modules": {name: {"source": digest(old), "built": digest(new)} for name, (old, new) in modules.items()},
    }
    return (json.dumps(content, indent=1, sort_keys=True) + "\n").encode()
