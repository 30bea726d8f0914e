"""Which code belongs to the project that is profiled.

That is every file below the project's root (the directory with `pyproject.toml`), in place, with a `src` folder or installed as
editable; and the installed copy of the project's own distribution, which is what a test run in a fresh environment imports.
It is not: tests, the environment and its site-packages (also where they lie below the root), hidden folders, builds.
"""

from __future__ import annotations

import importlib.metadata
import os
import sys
import sysconfig
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path, PurePath

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

PROJECT_FILE = "pyproject.toml"
_OTHER_FOLDERS = frozenset({"test", "tests", "site-packages", "dist-packages", "build", "__pycache__", "node_modules"})
_OTHER_FILES = ("conftest.py", "setup.py", "test_*.py", "*_test.py")


@dataclass(frozen=True)
class Project:
    """A project on disk. Paths are real paths; `excluded` are folders; `installed` maps files of an installed copy
    to their names inside the distribution; `patterns` restrict the modules ("pkg" means "pkg.*" as well)."""

    root: Path
    excluded: tuple[Path, ...] = ()
    installed: frozenset[Path] = frozenset()
    patterns: tuple[str, ...] = ()

    def owns_file(self, name: str) -> bool:
        """Whether the file (as a code object names it) is code of the project."""
        if not name or name.startswith("<"):
            return False
        path = Path(os.path.realpath(name))
        if _named_like_tests(path.name):
            return False
        if path in self.installed:
            return True
        if not path.is_relative_to(self.root) or any(path.is_relative_to(folder) for folder in self.excluded):
            return False
        return _ordinary(path.relative_to(self.root))

    def wants_module(self, module: str) -> bool:
        """Whether the module was asked for."""
        wanted = self.patterns
        return not wanted or any(fnmatchcase(module, name) or module.startswith(f"{name}.") for name in wanted)

    def source_of(self, module: str) -> Path | None:
        """The file below the root that defines a module, whatever copy of it is running."""
        relative = PurePath(*module.split("."))
        for folder in (self.root / "src", self.root):
            for path in (folder / relative.with_suffix(".py"), folder / relative / "__init__.py"):
                if path.is_file():
                    return path
        return None

    def module_at(self, name: str) -> str:
        """The dotted name of the module in a file below the root."""
        path = Path(os.path.realpath(name))
        for folder in (self.root / "src", self.root):
            if path.is_relative_to(folder):
                parts = path.relative_to(folder).with_suffix("").parts
                return ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts)
        return path.stem


def find_project(start: Path, patterns: tuple[str, ...] = ()) -> Project:
    """The project that `start` lies in: the nearest folder upwards with a `pyproject.toml`, else `start` itself."""
    start = start.resolve()
    root = next((folder for folder in (start, *start.parents) if (folder / PROJECT_FILE).is_file()), start)
    return Project(root, _environment_below(root), _installed_copy(root), patterns)


def _environment_below(root: Path) -> tuple[Path, ...]:
    """The interpreter's and our own folders, as far as they lie below the root."""
    names = {sys.prefix, sys.base_prefix, *sysconfig.get_paths().values(), os.path.dirname(__file__)}
    folders = {Path(os.path.realpath(name)) for name in names}
    return tuple(sorted(folder for folder in folders if folder != root and folder.is_relative_to(root)))


def _installed_copy(root: Path) -> frozenset[Path]:
    """The Python files of the project's distribution in the running environment; empty for an editable install."""
    try:
        metadata = tomllib.loads((root / PROJECT_FILE).read_text("utf-8"))
        files = importlib.metadata.distribution(metadata["project"]["name"]).files or []
    except (OSError, ValueError, KeyError, TypeError, importlib.metadata.PackageNotFoundError):
        return frozenset()
    return frozenset(
        Path(os.path.realpath(str(file.locate()))) for file in files if file.suffix == ".py" and _ordinary(file)
    )


def _ordinary(relative: PurePath) -> bool:
    return not any(part in _OTHER_FOLDERS or part.startswith(".") for part in relative.parts[:-1])


def _named_like_tests(name: str) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in _OTHER_FILES)
