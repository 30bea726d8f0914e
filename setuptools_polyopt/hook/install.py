"""Prepare a distribution: read its settings, put `build_polyopt` into its build, decide whether its wheel holds native code.

Why wrapping methods of the instance: this runs before pyproject.toml is applied, and `[tool.setuptools.cmdclass]` replaces
`dist.cmdclass` as a whole afterwards, so classes put there would vanish; and a command object must not be created yet, because it
would miss the options that are still to come. Wrapping `get_command_class` works on whatever class the project ends up with.

Before: a stock distribution. After: `dist.polyopt` holds the `BuildState`; `build` has one more sub-command; `bdist_wheel` knows the
limited API; `has_ext_modules` is true where native code is to be expected.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from setuptools.errors import SetupError

from setuptools_polyopt.config import ConfigError, Settings, read_settings

if TYPE_CHECKING:
    from setuptools_polyopt.toolchain import Compiler, NoCompiler

LIMITED_API_TAG = "cp311"


@dataclass
class BuildState:
    """What one build knows: kept on the distribution, because setuptools makes command objects anew within a build."""

    root: Path
    settings: Settings
    project_has_ext_modules: Callable[[], bool]
    compiler: Compiler | NoCompiler | None = None
    """What was found when somebody asked; None before."""
    has_native_code: bool | None = None
    """Whether the build made native code; None before it ran."""
    command_classes: dict[str, type] = field(default_factory=dict)

    def find_compiler(self) -> Compiler | NoCompiler:
        """The C compiler, looked for once."""
        from setuptools_polyopt.runtime.environment import cache_folder
        from setuptools_polyopt.toolchain import find_compiler

        if self.compiler is None:
            self.compiler = find_compiler(os.environ, Path(cache_folder(os.environ)))
        return self.compiler

    def expects_native_code(self, is_editable: bool) -> bool:
        """Whether this build makes native code, as far as is known: a cheap check before the build, the fact after it.

        setuptools asks before anything is built and chooses folders and tag by the answer.
        """
        from setuptools_polyopt.toolchain import Compiler

        if is_editable and not self.settings.editable:
            return False
        if self.has_native_code is not None:
            return self.has_native_code
        return isinstance(self.find_compiler(), Compiler)


def install(dist: Any, root: str) -> None:
    """Prepare `dist`, whose project lies in `root`; nothing happens without `[tool.polyopt]`. Raises `SetupError`."""
    if hasattr(dist, "polyopt"):
        return
    try:
        settings = read_settings(Path(root, "pyproject.toml"), os.environ)
    except ConfigError as error:
        raise SetupError(str(error)) from None
    if settings is None:
        return
    state = BuildState(Path(root), settings, dist.has_ext_modules)
    get_command_class = dist.get_command_class

    def wrapped_get_command_class(command: str) -> type:
        base = get_command_class(command)
        return _wrapped_class(command, base, state)

    dist.polyopt = state
    dist.get_command_class = wrapped_get_command_class
    dist.has_ext_modules = lambda: state.project_has_ext_modules() or state.expects_native_code(is_editable(dist))


def is_editable(dist: Any) -> bool:
    """Whether an editable install is being built."""
    return "editable_wheel" in dist.command_obj or "editable_wheel" in getattr(dist, "commands", ())


def _wrapped_class(command: str, base: type, state: BuildState) -> type:
    """The class for a command: `base`, or a subclass of it for the two commands that need to know about us."""
    makers: Mapping[str, Callable[[Any], type]] = {"build": _build_class, "bdist_wheel": _bdist_wheel_class}
    if command not in makers:
        return base
    known = state.command_classes.get(command)
    if known is None or known.__mro__[1] is not base:
        known = state.command_classes[command] = makers[command](base)
    return known


def _build_class(base: Any) -> type:
    return type(base.__name__, (base,), {"sub_commands": [*base.sub_commands, ("build_polyopt", None)], "__doc__": base.__doc__})


def _bdist_wheel_class(base: Any) -> type:
    def finalize_options(self: Any) -> None:
        state: BuildState = self.distribution.polyopt
        if state.expects_native_code(is_editable(self.distribution)):
            others = state.project_has_ext_modules() or self.distribution.has_c_libraries()
            self.py_limited_api = limited_api_tag(self.py_limited_api, others)
        base.finalize_options(self)

    return type(base.__name__, (base,), {"finalize_options": finalize_options, "__doc__": base.__doc__})


def limited_api_tag(projects: str | bool, others: bool) -> str | bool:
    """The `py_limited_api` option of the wheel, given the project's own one and whether it has other native parts.

    Our extension uses the limited API of 3.11 from there on. Other extensions may limit themselves to a later version, or not at all,
    and only the project's own option tells.
    """
    from setuptools_polyopt.toolchain import uses_limited_api

    if not uses_limited_api():
        # a tag for older versions would be wrong for our extension, which is for this version only
        return False
    if not others:
        return LIMITED_API_TAG
    match = re.fullmatch(r"cp3(\d+)", str(projects))
    if match is None or int(match[1]) > sys.version_info[1]:
        return projects
    return f"cp3{max(int(match[1]), 11)}"
