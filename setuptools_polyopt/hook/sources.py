"""Which modules a build optimises, their texts, and the `_polyopt` package that each of them uses.

What: pure functions over the list of modules that setuptools' build_py knows. `_polyopt` lies inside the topmost regular package that
the distribution owns, because a package of another name could collide, and importing one top-level package must not import another;
beside modules that lie in no regular package of the distribution it is called `_polyopt_<dist>`.
"""

from __future__ import annotations

import ast
import difflib
import io
import re
import tokenize
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from setuptools_polyopt.config import ConfigError, Settings


@dataclass(frozen=True)
class SourceModule:
    """A module of the distribution: dotted name, file in the source tree, file in the build tree (relative to its root)."""

    name: str
    source: Path
    output: str
    is_package: bool


@dataclass(frozen=True)
class SourceText:
    """A module's text with `\\n` as line end, and how to write it back: encoding and line end of the file."""

    text: str
    encoding: str
    newline: str

    def encode(self, text: str) -> bytes:
        """Bytes of a file with `text` in the same encoding and with the same line ends."""
        return text.replace("\n", self.newline).encode(self.encoding)


class UnreadableModule(Exception):
    """A module's text cannot be decoded or parsed: line (0 if unknown) and reason."""

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(reason)
        self.line = line
        self.reason = reason


def list_modules(found: Iterable[tuple[str, str, str]]) -> list[SourceModule]:
    """The importable modules among build_py's (package, module, file) triples, sorted by name."""
    modules = []
    for package, module, path in found:
        parts = [*filter(None, package.split(".")), module]
        is_package = module == "__init__"
        name = ".".join(parts[:-1] if is_package else parts)
        if name and all(part.isidentifier() for part in parts):
            modules.append(SourceModule(name, Path(path), "/".join(parts) + ".py", is_package))
    return sorted(modules, key=lambda module: module.name)


def choose_modules(modules: Sequence[SourceModule], settings: Settings) -> list[SourceModule]:
    """Those that the settings want. Raises `ConfigError` for an entry of `modules` that names nothing."""
    names = [module.name for module in modules]
    for pattern in settings.modules:
        if not any(fnmatchcase(name, pattern) for name in names):
            close = difflib.get_close_matches(pattern, names, n=1)
            hint = f"did you mean {close[0]!r}?" if close else "its modules are " + (", ".join(names[:8]) or "none")
            raise ConfigError(f"pyproject.toml: [tool.polyopt] modules: {pattern!r} names no module of this distribution; {hint}")
    return [module for module in modules if settings.wants_module(module.name)]


def polyopt_package(module: SourceModule, regular: Collection[str], dist_name: str) -> str:
    """The dotted name of the `_polyopt` package that the module uses; `regular` are the distribution's packages with `__init__`."""
    parts = module.name.split(".")
    ancestors = parts if module.is_package else parts[:-1]
    for length in range(1, len(ancestors) + 1):
        prefix = ".".join(ancestors[:length])
        if prefix in regular:
            return f"{prefix}._polyopt"
    own = "_polyopt_" + re.sub(r"\W+", "_", dist_name).strip("_").lower()
    return ".".join([*parts[:-1], own])


def group_by_package(chosen: Sequence[SourceModule], modules: Sequence[SourceModule], dist_name: str) -> dict[str, list[SourceModule]]:
    """The chosen modules by the `_polyopt` package that they use. Raises `ConfigError` if the project has such a package itself."""
    regular = {module.name for module in modules if module.is_package}
    groups: dict[str, list[SourceModule]] = {}
    for module in chosen:
        groups.setdefault(polyopt_package(module, regular, dist_name), []).append(module)
    for module in modules:
        if module.name in groups:
            raise ConfigError(f"{module.source}: {module.name} is the name of the package that polyopt adds; give yours another one")
    return groups


def read_text(content: bytes) -> SourceText:
    """The text of a source file, parsed once to be sure. Raises `UnreadableModule`."""
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(content).readline)
        raw = content.decode(encoding)
        newline = "\r\n" if "\r\n" in raw else "\n"
        text = raw.replace("\r\n", "\n").replace("\r", "\n")
        ast.parse(text)
    except SyntaxError as error:
        raise UnreadableModule(error.lineno or 0, error.msg) from None
    except (UnicodeDecodeError, ValueError) as error:
        raise UnreadableModule(0, str(error)) from None
    except RecursionError:
        raise UnreadableModule(0, "too deeply nested") from None
    return SourceText(text, encoding, newline)
