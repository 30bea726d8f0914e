"""Finder for an editable install with optimised code (this file is copied into it; standard library only).

A module that the index names is loaded from its rewritten text as long as its source file is the one that was compiled; the
`_polyopt` packages are found beside this file.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import spec_from_file_location
from types import CodeType, ModuleType

_HOME = os.path.dirname(os.path.abspath(__file__))


class _Loader(SourceFileLoader):
    """Runs the rewritten text in place of the source file, whose path the module keeps."""

    def __init__(self, name: str, path: str, built: str) -> None:
        super().__init__(name, path)
        self._built = built

    def get_code(self, fullname: str) -> CodeType:
        with open(self._built, "rb") as file:
            return compile(file.read(), self._built, "exec", dont_inherit=True)


class _Finder(MetaPathFinder):
    def __init__(self, modules: dict[str, dict[str, str]], packages: dict[str, str]) -> None:
        self._modules = modules
        self._packages = packages
        self._busy = False

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        if name in self._packages:
            file = os.path.join(_HOME, "built", self._packages[name])
            return spec_from_file_location(name, file, submodule_search_locations=[os.path.dirname(file)])
        if name not in self._modules:
            return None
        spec = self._plain_spec(name, path, target)
        if spec is not None and spec.origin is not None and self._is_current(name, spec.origin):
            spec.loader = _Loader(name, spec.origin, os.path.join(_HOME, "built", self._modules[name]["file"]))
        return spec

    def _plain_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None) -> ModuleSpec | None:
        for finder in sys.meta_path:
            if finder is not self and hasattr(finder, "find_spec"):
                spec = finder.find_spec(name, path, target)
                if spec is not None:
                    return spec
        return None

    def _is_current(self, name: str, origin: str) -> bool:
        try:
            with open(origin, "rb") as file:
                return hashlib.sha256(file.read()).hexdigest() == self._modules[name]["source"]
        except OSError:
            return False


def install() -> None:
    """Put the finder in front of the others, once."""
    if not any(getattr(finder, "polyopt_home", None) == _HOME for finder in sys.meta_path):
        with open(os.path.join(_HOME, "index.json"), encoding="utf-8") as file:
            index = json.load(file)
        finder = _Finder(index["modules"], index["packages"])
        finder.polyopt_home = _HOME  # type: ignore[attr-defined]
        sys.meta_path.insert(0, finder)
