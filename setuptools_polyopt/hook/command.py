"""`build_polyopt`, the sub-command of `build` that compiles the chosen modules.

It runs after build_py and build_ext, takes the modules' texts from the build tree (so that a project's own build_py keeps its say),
compiles everything in memory and in a temporary folder, and only then writes: the rewritten modules over build_py's copies, and the
`_polyopt` packages. A failure therefore leaves the plain build behind, never half of an optimised one.

It is a sub-command of its own, not a subclass of build_py, because setuptools swallows exceptions of a customised build_py in editable
installs. In such an install it does nothing unless the settings ask for it: the plain source runs, so that an edit shows at once.
"""

from __future__ import annotations

import logging
import os
import tempfile
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from setuptools import Command
from setuptools.errors import SetupError

from setuptools_polyopt import __version__
from setuptools_polyopt.config import ConfigError, Settings, inside
from setuptools_polyopt.diagnostics import PolyoptError, Severity
from setuptools_polyopt.hook import editable, outputs, sources
from setuptools_polyopt.hook.install import BuildState
from setuptools_polyopt.hook.outputs import OutputFile
from setuptools_polyopt.hook.sources import SourceModule, SourceText
from setuptools_polyopt.hook.strictness import hot_functions_left

if TYPE_CHECKING:
    from setuptools_polyopt.pipeline import CompiledPackage
    from setuptools_polyopt.profile.schema import Profile


@dataclass(frozen=True)
class _Input:
    """A module to compile: where it comes from, its bytes and its text."""

    module: SourceModule
    content: bytes
    text: SourceText


@dataclass(frozen=True)
class _Extension:
    """An extension module: its file's name and content, and the instruction-set levels that it holds."""

    name: str
    content: bytes
    levels: tuple[str, ...]


class build_polyopt(Command):  # type: ignore[misc]
    """Compile the modules of `[tool.polyopt]` and put the result into the build tree."""

    description = "optimise the modules that [tool.polyopt] names"
    user_options = [  # noqa: RUF012 (setuptools wants a list here)
        ("build-lib=", "d", "directory of the build tree"),
        ("build-temp=", "t", "directory for temporary files"),
    ]

    editable_mode: bool
    build_lib: str | None
    build_temp: str | None

    def initialize_options(self) -> None:
        """Called by setuptools."""
        self.editable_mode = False
        self.build_lib = None
        self.build_temp = None

    def finalize_options(self) -> None:
        """Called by setuptools."""
        self.set_undefined_options("build", ("build_lib", "build_lib"), ("build_temp", "build_temp"))

    def get_source_files(self) -> list[str]:
        """The profile, so that it travels in the sdist: without it, a wheel that is built from the sdist would lose all types."""
        state = self._state()
        if state is None or not (state.root / state.settings.profile).is_file():
            return []
        return [state.settings.profile]

    def get_outputs(self) -> list[str]:
        """The files that the last build into this build tree wrote or rewrote."""
        if self.editable_mode or self.build_lib is None or self.build_temp is None:
            return []
        return [os.path.join(self.build_lib, path) for path in sorted(outputs.recorded(Path(self.build_temp), Path(self.build_lib)))]

    def get_output_mapping(self) -> dict[str, str]:
        """Nothing of ours is a copy of a source file."""
        return {}

    def run(self) -> None:
        """Compile and write. Raises `SetupError`, which setuptools shows as one line."""
        state = self._state()
        if state is None:  # called by its name in a project without [tool.polyopt]
            return
        if self.editable_mode and not state.settings.editable:
            self._say("this editable install runs the plain source (POLYOPT_BUILD_EDITABLE=1 builds the optimised modules)")
            return
        try:
            self._build(state)
        except (ConfigError, PolyoptError) as error:
            raise SetupError(f"polyopt: {error}") from None
        except (SetupError, OSError):
            raise
        except Exception as error:
            raise _internal_error(error) from error

    def _state(self) -> BuildState | None:
        state: BuildState | None = getattr(self.distribution, "polyopt", None)
        return state

    def _say(self, text: str, level: int = logging.INFO) -> None:
        for line in text.splitlines():
            self.announce(f"polyopt: {line}", level)

    def _build(self, state: BuildState) -> None:
        assert self.build_lib is not None
        assert self.build_temp is not None
        build_lib, build_temp, settings = Path(self.build_lib), Path(self.build_temp), state.settings
        build_py = self.get_finalized_command("build_py")
        modules = sources.list_modules(build_py.find_all_modules())
        chosen = sources.choose_modules(modules, settings)
        inputs = self._read(state, chosen, outputs.recorded(build_temp, build_lib), build_lib)
        groups = sources.group_by_package([item.module for item in inputs], modules, self.distribution.get_name())
        profile = self._read_profile(state)
        by_name = {item.module.name: item for item in inputs}
        with tempfile.TemporaryDirectory(prefix="polyopt-") as scratch:
            members = {name: [by_name[module.name] for module in group] for name, group in sorted(groups.items())}
            files = self._compile_all(state, members, profile, Path(scratch))
        outputs.remove_recorded(build_temp, build_lib)
        if self.editable_mode:
            folder = Path(self.get_finalized_command("install").install_lib)
            editable.write(folder, self.distribution.get_name(), files, {item.module.output: item.module.name for item in inputs})
        else:
            outputs.write_outputs(build_temp, build_lib, files)
        state.has_native_code = any("/_native." in path for path in files)
        self._settle_tag()

    def _settle_tag(self) -> None:
        """Make a wheel that turned out to hold no native code pure; setuptools has asked before the build."""
        wheel = self.distribution.get_command_obj("bdist_wheel", create=False)
        if wheel is not None and not self.editable_mode:
            wheel.root_is_pure = not (self.distribution.has_ext_modules() or self.distribution.has_c_libraries())

    def _read(self, state: BuildState, chosen: Sequence[SourceModule], last: Mapping[str, str], build_lib: Path) -> list[_Input]:
        """The chosen modules' texts; a module that does not parse is named and left alone, or an error in strict mode."""
        inputs = []
        for module in chosen:
            path = module.source if self.editable_mode else build_lib / module.output
            try:
                content = path.read_bytes()
                if last.get(module.output) == outputs.digest(content):  # ours, because build_py did not copy the source again
                    content = module.source.read_bytes()
                inputs.append(_Input(module, content, sources.read_text(content)))
            except sources.UnreadableModule as error:
                place = f"{self._shown(state, module)}:{error.line}" if error.line else self._shown(state, module)
                self._problem(state.settings, f"{place}: does not parse ({error.reason}); the module stays as it is")
            except FileNotFoundError:
                self._problem(state.settings, f"{module.name}: the build has not put {path} into place; the module stays as it is")
        return inputs

    def _shown(self, state: BuildState, module: SourceModule) -> str:
        """A module's path as messages show it: relative to the project, with `/`."""
        return Path(os.path.relpath(module.source, state.root)).as_posix()

    def _problem(self, settings: Settings, text: str) -> None:
        """A warning, or an error in strict mode."""
        if settings.strict:
            raise SetupError(f"polyopt: {text} (an error because of strict = true)")
        self._say(text, logging.WARNING)

    def _read_profile(self, state: BuildState) -> Profile | None:
        from setuptools_polyopt.profile.reading import read_profile

        path = inside(state.root, state.settings.profile)
        if path.exists():
            return read_profile(path)
        advice = "run `polyopt-profile run -- -m pytest` and commit the file"
        self._say(f"there is no {state.settings.profile}: only functions with array annotations are optimised ({advice})", logging.WARNING)
        return None

    def _compile_all(
        self, state: BuildState, groups: Mapping[str, Sequence[_Input]], profile: Profile | None, scratch: Path
    ) -> dict[str, OutputFile]:
        """All output files; without a compiler, or when it fails, those of a pure build. The report is written, too, if asked for."""
        from setuptools_polyopt.toolchain import NoCompiler, ToolchainError

        compiler = state.find_compiler()
        native = not isinstance(compiler, NoCompiler)
        if isinstance(compiler, NoCompiler):
            self._problem(state.settings, f"{compiler.reason}: the wheel is pure Python")
        try:
            return self._compile_groups(state, groups, profile, scratch, native)
        except ToolchainError as error:
            self._problem(state.settings, f"{error}\nthe wheel is pure Python")
        return self._compile_groups(state, groups, profile, scratch, False)

    def _compile_groups(
        self, state: BuildState, groups: Mapping[str, Sequence[_Input]], profile: Profile | None, scratch: Path, native: bool
    ) -> dict[str, OutputFile]:
        files: dict[str, OutputFile] = {}
        reports: list[str] = []
        for package, inputs in groups.items():
            compiled, extension = self._compile_package(state, package, inputs, profile, scratch, native)
            reports.append(compiled.report.to_json())
            self._say(compiled.summary)
            for diagnostic in compiled.diagnostics:
                if diagnostic.severity in (Severity.WARNING, Severity.ERROR):
                    self._problem(state.settings, str(diagnostic))
            if state.settings.strict and profile is not None and (left := hot_functions_left(compiled.report, profile, state.settings)):
                raise SetupError("polyopt: " + "\n".join(left))
            if compiled.modules:
                files |= self._package_files(state, package, inputs, compiled, extension)
            elif any(module.missed for module in compiled.report.modules):  # the reasons are wanted most where nothing could be done
                files[f"{package.replace('.', '/')}/report.json"] = OutputFile(reports[-1].encode())
        if state.settings.report is not None:
            target = inside(state.root, state.settings.report)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(reports[0] if len(reports) == 1 else "[" + ",\n".join(reports) + "]\n", encoding="utf-8")
        return files

    def _compile_package(
        self, state: BuildState, package: str, inputs: Sequence[_Input], profile: Profile | None, scratch: Path, native: bool
    ) -> tuple[CompiledPackage, _Extension | None]:
        """One package and its extension module. Regions whose C the compiler refuses stay Python, and everything is compiled again."""
        from setuptools_polyopt.hook.remembered import compile_remembered
        from setuptools_polyopt.pipeline import ModuleSource, compile_package
        from setuptools_polyopt.runtime.environment import cache_folder
        from setuptools_polyopt.toolchain import UnitsRefused

        cache = Path(cache_folder(os.environ))
        texts = [ModuleSource(item.module.name, self._shown(state, item.module), item.text.text) for item in inputs]
        refused: dict[str, str] = {}
        while True:
            compiled = compile_remembered(compile_package, cache, package, texts, profile, state.settings, native, refused)
            if not compiled.entry_sources:
                return compiled, None
            try:
                return compiled, self._native(state, package, compiled, scratch)
            except UnitsRefused as error:
                if not error.units.keys() <= compiled.kernel_sources.keys() - refused.keys():
                    raise
                self._say(str(error), logging.WARNING)
                refused |= error.units

    def _package_files(
        self,
        state: BuildState,
        package: str,
        inputs: Sequence[_Input],
        compiled: CompiledPackage,
        extension: _Extension | None,
    ) -> dict[str, OutputFile]:
        """The rewritten modules that use `package`, and the package itself."""
        folder = package.replace(".", "/")
        inside = {**compiled.runtime_files, "report.json": compiled.report.to_json().encode()}
        if extension is not None:
            inside[extension.name] = extension.content
        inside |= self._gpu(state, package, compiled)
        rewritten = {}
        for item in inputs:
            text = compiled.modules.get(item.module.name)
            if text is not None:
                compile(text, str(item.module.source), "exec", dont_inherit=True)  # a wheel must never hold a module that does not load
                rewritten[item] = item.text.encode(text)
        changed = {item.module.name: (item.content, content) for item, content in rewritten.items()}
        inside["manifest.json"] = outputs.package_manifest(inside, changed, extension.levels if extension else (), __version__)
        files = {f"{folder}/{path}": OutputFile(content) for path, content in inside.items()}
        return files | {item.module.output: OutputFile(content, item.module.source) for item, content in rewritten.items()}

    def _native(self, state: BuildState, package: str, compiled: CompiledPackage, scratch: Path) -> _Extension:
        from setuptools_polyopt import toolchain
        from setuptools_polyopt.runtime.environment import cache_folder

        compiler = state.find_compiler()
        assert isinstance(compiler, toolchain.Compiler)
        built = toolchain.build_extension(
            compiler,
            compiled.kernel_sources,
            compiled.entry_sources,
            compiled.headers,
            compiler.levels(state.settings.isa),
            "_native",
            scratch / package,
            Path(cache_folder(os.environ)),
            state.settings.jobs,
            os.environ,
        )
        self._say(
            f"{package}._native: {', '.join(built.levels)}; {built.compiled} objects compiled, {built.reused} from the cache, "
            f"{built.seconds:.1f} s"
        )
        return _Extension(built.path.name, built.path.read_bytes(), built.levels)

    def _gpu(self, state: BuildState, package: str, compiled: CompiledPackage) -> dict[str, bytes]:
        """CUDA sources with what they include, and what NVRTC makes of them."""
        if not compiled.gpu_sources:
            return {}
        from setuptools_polyopt import nvrtc
        from setuptools_polyopt.runtime.environment import cache_folder
        from setuptools_polyopt.toolchain import ToolchainError

        headers = {name: compiled.headers[name] for name in nvrtc.HEADERS}
        files = {name: text.encode() for name, text in {**headers, **compiled.gpu_sources}.items()}
        compiler = nvrtc.find_nvrtc(os.environ)
        if isinstance(compiler, nvrtc.NoNvrtc):
            self._problem(state.settings, f"{compiler.reason}: the wheel holds CUDA source only, which CuPy compiles at the first run")
            return files
        wanted = state.settings.gpu_architectures
        try:
            made = nvrtc.build_cubins(compiler, compiled.gpu_sources, headers, wanted, Path(cache_folder(os.environ)), state.settings.jobs)
        except nvrtc.Refused as error:
            self._problem(state.settings, f"{error}\nthe regions of these files have no GPU variant (please report it)")
            files = {name: content for name, content in files.items() if name not in error.refused}
            made = error.made
        except ToolchainError as error:
            self._problem(state.settings, f"{error}\nthe wheel holds CUDA source only, which CuPy compiles at the first run")
            return files
        targets = sorted({name.split(".")[-2] for name in made})
        self._say(f"{package}: {len(compiled.gpu_sources)} CUDA sources for {', '.join(targets)}, {sum(map(len, made.values())) >> 10} KiB")
        return files | made


def _internal_error(error: Exception) -> SetupError:
    """A fault of polyopt as one clear line; with DISTUTILS_DEBUG set, setuptools shows the traceback as well."""
    frames: list[Any] = traceback.extract_tb(error.__traceback__)
    place = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    return SetupError(
        f"polyopt: internal error{place}: {type(error).__name__}: {error} (please report it; name the module in [tool.polyopt] exclude, "
        "or set POLYOPT_BUILD_EXCLUDE, to build without it)"
    )
