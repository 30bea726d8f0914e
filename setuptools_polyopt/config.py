"""`[tool.polyopt]` of pyproject.toml, and the environment variables that override it for one build, as one frozen dataclass.

Setuptools checks only `project` and `tool.setuptools`, so a misspelt key of ours would pass unseen: every key and value is checked
here, and an error names the file, the line and the key, and says what to write instead. The hook runs `read_settings` before anything
is built, several times a build, so this module imports the standard library only.

The docstrings under the fields are the reference page and the JSON schema (`settings_schema.py`).
"""

from __future__ import annotations

import dataclasses
import difflib
import re
import sys
import types
from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ENVIRONMENT_PREFIX = "POLYOPT_BUILD_"
MAX_BYTES = 2**20

Fp = Literal["strict", "bounded", "fast"]
Rng = Literal["sequential", "independent"]
Target = Literal["cpu", "gpu", "ray"]
Dtype = Literal["bool", "int32", "int64", "float32", "float64", "complex64", "complex128"]
Isa = Literal["x86-64-v2", "x86-64-v3", "x86-64-v4", "aarch64"]


class ConfigError(Exception):
    """The settings cannot be used; the text names the place, the problem and the way out."""


@dataclass(frozen=True)
class FunctionSettings:
    """What can be set for one function, in `[tool.polyopt.functions."package.module:function"]`."""

    fp: Fp | None = None
    """As the key of the same name above, for this function."""

    rng: Rng | None = None
    """As the key of the same name above, for this function."""

    targets: tuple[Target, ...] | None = None
    """As the key of the same name above, for this function."""

    also_dtypes: tuple[Dtype, ...] | None = None
    """As the key of the same name above, for this function."""


@dataclass(frozen=True)
class Settings:
    """All of `[tool.polyopt]`. In TOML and in the environment a field's name is written with `-` and `_` respectively."""

    modules: tuple[str, ...] = ()
    """The modules to optimise: dotted names or patterns such as `"radar.*"`. Without it, every module whose functions have types, from
    the profile or from array annotations."""

    exclude: tuple[str, ...] = ()
    """Modules (`"radar.plots"`, `"radar.*"`) and functions (`"radar.stap:weights"`, methods as `"radar.stap:Filter.apply"`) to leave
    alone. Wins over `modules`."""

    profile: str = field(default="polyopt-profile.json", metadata={"inside": True})
    """The profile file that `polyopt-profile run` writes, relative to pyproject.toml. It travels in the sdist."""

    targets: tuple[Target, ...] = ("cpu",)
    """What to generate code for."""

    fp: Fp = "strict"
    """What floating-point results may differ in. `strict`: the bits of CPython and NumPy. `bounded`: transcendental functions within
    4 ULP, reductions with an error bound no worse than NumPy's. `fast`: reassociation and fused multiply-add as well."""

    also_dtypes: tuple[Dtype, ...] = ()
    """Element types to generate variants for although the profile never saw them."""

    isa: tuple[Isa, ...] = ()
    """Instruction-set levels to compile kernels for; the best one that the running CPU has is taken at load time. Without it, all
    levels of the architecture that the wheel is built for. Levels of other architectures are ignored."""

    gpu_architectures: tuple[str, ...] = field(default=(), metadata={"pattern": r"sm_[0-9]{2,3}a?"})
    """GPU architectures to compile cubins for, such as `"sm_90"`; PTX of the newest serves all later ones. Without it sm_75, sm_80 and
    sm_90."""

    rng: Rng = "sequential"
    """`sequential` keeps the random stream exactly. `independent` gives each iteration of a parallel loop a stream of its own, the same
    in every variant and in the fallback."""

    strict: bool = False
    """A hot function that could not be optimised, or a missing compiler, fails the build."""

    report: str | None = field(default=None, metadata={"inside": True})
    """Where to write the report (JSON), relative to pyproject.toml. A wheel with optimised code holds it too: see `polyopt explain`."""

    jobs: int = field(default=0, metadata={"minimum": 0, "maximum": 256})
    """How many compiler processes to run at a time; 0 for one per CPU that the build may use."""

    editable: bool = False
    """Whether an editable install (`pip install -e .`) builds the optimised modules too. Without it the plain source runs, so that an
    edit shows at once."""

    functions: Mapping[str, FunctionSettings] = field(default_factory=dict)
    """Settings for single functions, by `"package.module:function"` (methods as `"package.module:Class.method"`)."""

    def for_function(self, name: str) -> Settings:
        """The settings that hold in the function `name` ("package.module:Class.method")."""
        own = self.functions.get(name)
        if own is None:
            return self
        changes = {f.name: getattr(own, f.name) for f in dataclasses.fields(own) if getattr(own, f.name) is not None}
        return dataclasses.replace(self, **changes)

    def wants_module(self, module: str) -> bool:
        """Whether the module (dotted name) is named by `modules` (or nothing is) and not excluded."""
        chosen = not self.modules or any(fnmatchcase(module, pattern) for pattern in self.modules)
        return chosen and not any(fnmatchcase(module, pattern) for pattern in self.exclude)

    def wants_function(self, name: str) -> bool:
        """Whether the function ("package.module:Class.method") is to be optimised: its module is wanted and it is not excluded."""
        return self.wants_module(name.partition(":")[0]) and not any(fnmatchcase(name, p) for p in self.exclude)


def inside(root: Path, path: str) -> Path:
    """The file `path` of the project at `root`. Raises `ConfigError` where links lead out of the project."""
    found = root / path
    if not found.resolve().is_relative_to(root.resolve()):
        raise ConfigError(f"{path}: leads out of the project")
    return found


def read_settings(pyproject: Path, environ: Mapping[str, str]) -> Settings | None:
    """The settings of the project whose pyproject.toml is at `pyproject`, or None if it has no `[tool.polyopt]`.

    `environ` holds the overrides (`POLYOPT_BUILD_FP=fast`; lists with commas). Raises `ConfigError`.
    """
    try:
        with pyproject.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError:
        return None
    if len(content) > MAX_BYTES:
        raise ConfigError(f"{pyproject.name}: is larger than {MAX_BYTES >> 20} MiB")
    try:
        text = content.decode()
        tools = tomllib.loads(text).get("tool", {})
    except (ValueError, RecursionError) as error:  # ValueError: also bytes that are no text, and integers of too many digits
        raise ConfigError(f"{pyproject.name}: not valid TOML: {error}") from None
    table = tools.get("polyopt") if isinstance(tools, dict) else None
    if table is None:
        return None
    source = _Source(pyproject.name, text)
    if not isinstance(table, dict):
        raise ConfigError(f"{source.place(())}: is not a table; write [tool.polyopt]")
    return Settings(**(_read_table(Settings, table, source, ()) | _read_environment(environ)))


@dataclass(frozen=True)
class _Source:
    """Where values come from: a TOML text, or (`text` is None) an environment variable called `file`."""

    file: str
    text: str | None

    def place(self, path: tuple[str, ...]) -> str:
        """`path` (keys below `[tool.polyopt]`) as the head of a message: file, line where it is found, table and key."""
        if self.text is None:
            return " ".join((f"environment variable {self.file}", *path[1:]))
        line = _find_line(self.text, path)
        table = ".".join(["tool.polyopt", *(_quoted(key) for key in path[:-1])])
        key = f" {path[-1]}" if path else ""
        return f"{self.file}{'' if line is None else f':{line}'}: [{table}]{key}"


def _quoted(key: str) -> str:
    return key if re.fullmatch(r"[\w-]+", key) else f'"{key}"'


def _find_line(text: str, path: tuple[str, ...]) -> int | None:
    """The 1-based line of the assignment or table header of `path`, by a search in the text; None if it is written unusually."""
    wanted = ("tool", "polyopt", *path)
    header: tuple[str, ...] = ()
    for number, line in enumerate(text.splitlines(), start=1):
        row = line.partition("#")[0].strip()  # no patterns here: they may take time with the square of a line's length
        if row.startswith("[") and row.endswith("]"):
            header = _split_key(row.strip("[]"))
            if header == wanted:
                return number
        elif "=" in row and header + _split_key(row.partition("=")[0]) == wanted:
            return number
    return None


def _split_key(text: str) -> tuple[str, ...]:
    """The parts of a dotted TOML key: `tool."a.b".c` is tool, a.b, c."""
    return tuple(a or b or c for a, b, c in re.findall(r'"([^"]*)"|\'([^\']*)\'|([\w-]+)', text))


def _read_table(kind: type, table: Mapping[str, Any], source: _Source, path: tuple[str, ...]) -> dict[str, Any]:
    """Arguments for the dataclass `kind` from a TOML table at `path`."""
    hints = get_type_hints(kind)
    fields = {f.name.replace("_", "-"): f for f in dataclasses.fields(kind)}
    values = {}
    for key, value in table.items():
        if key not in fields:
            raise ConfigError(f"{source.place((*path, key))}: there is no such key; {_suggestion(key, fields)}")
        name = fields[key].name
        values[name] = _convert(value, hints[name], fields[key].metadata, source, (*path, key))
    return values


def _suggestion(wrong: str, known: Mapping[str, object]) -> str:
    """What to write instead of `wrong`: the nearest known name, else all of them."""
    close = difflib.get_close_matches(wrong.replace("_", "-").lower(), [name.lower() for name in known], n=1)
    by_lower = {name.lower(): name for name in known}
    return f"did you mean {by_lower[close[0]]!r}?" if close else f"known are {', '.join(known)}"


def _convert(value: object, hint: Any, limits: Mapping[str, Any], source: _Source, path: tuple[str, ...]) -> Any:
    """`value` as the field type `hint` asks, checked against the field's `limits`; raises `ConfigError` otherwise."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        (hint,) = (argument for argument in arguments if argument is not type(None))
        return _convert(value, hint, limits, source, path)
    if origin is tuple:
        if not isinstance(value, list):
            raise _wrong(value, 'a list, such as ["..."]', source, path)
        return tuple(_convert(item, arguments[0], limits, source, path) for item in value)
    if origin is Literal:
        if value in arguments and isinstance(value, str):
            return value
        hint_text = _suggestion(value, dict.fromkeys(arguments)) if isinstance(value, str) else ""
        raise _wrong(value, f"one of {', '.join(map(repr, arguments))}", source, path, hint_text)
    if dataclasses.is_dataclass(hint) or origin is not None:
        return _convert_functions(value, source, path)
    if type(value) is not hint:
        names = {str: "a string", bool: "true or false", int: "a whole number"}
        raise _wrong(value, names[hint], source, path)
    if "pattern" in limits and not re.fullmatch(limits["pattern"], str(value)):
        raise _wrong(value, f"of the form {limits['pattern']}", source, path)
    if limits.get("inside") and (Path(str(value)).is_absolute() or ".." in Path(str(value)).parts):
        raise _wrong(value, "a path inside the project", source, path)
    if isinstance(value, int) and value < limits.get("minimum", value):
        raise _wrong(value, f"at least {limits['minimum']}", source, path)
    if isinstance(value, int) and value > limits.get("maximum", value):
        raise _wrong(value, f"at most {limits['maximum']}", source, path)
    return value


def _convert_functions(value: object, source: _Source, path: tuple[str, ...]) -> dict[str, FunctionSettings]:
    """The table of per-function overrides."""
    if not isinstance(value, dict):
        raise _wrong(value, 'a table of tables, such as {"package.module:function" = {fp = "fast"}}', source, path)
    functions = {}
    for name, table in value.items():
        where = (*path, name)
        if not re.fullmatch(r"[\w.]+:[\w.<>]+", name):
            raise ConfigError(f'{source.place(where)}: name a function as "package.module:function" or "package.module:Class.method"')
        if not isinstance(table, dict):
            raise _wrong(table, 'a table, such as {fp = "fast"}', source, where)
        functions[name] = FunctionSettings(**_read_table(FunctionSettings, table, source, where))
    return functions


def _wrong(value: object, wanted: str, source: _Source, path: tuple[str, ...], hint: str = "") -> ConfigError:
    end = f"; {hint}" if hint and not hint.startswith("known are") else ""
    shown = repr(value)
    shown = shown if len(shown) <= 100 else f"{shown[:97]}..."
    return ConfigError(f"{source.place(path)}: is {shown}, but has to be {wanted}{end}")


def _read_environment(environ: Mapping[str, str]) -> dict[str, Any]:
    """Arguments for `Settings` from the `POLYOPT_BUILD_<KEY>` variables."""
    hints = get_type_hints(Settings)
    fields = {ENVIRONMENT_PREFIX + f.name.upper(): f for f in dataclasses.fields(Settings)}
    values = {}
    for variable in sorted(name for name in environ if name.startswith(ENVIRONMENT_PREFIX)):
        if variable not in fields:
            close = difflib.get_close_matches(variable, fields, n=1)
            hint = f"did you mean {close[0]}?" if close else f"known are {', '.join(fields)}"
            raise ConfigError(f"environment variable {variable}: there is no such setting; {hint}")
        own = fields[variable]
        source = _Source(variable, None)
        value = _parse_text(environ[variable].strip(), hints[own.name], source, own.name)
        values[own.name] = _convert(value, hints[own.name], own.metadata, source, (own.name,))
    return values


def _parse_text(text: str, hint: Any, source: _Source, name: str) -> object:
    """The text of an environment variable as the TOML value that the field type `hint` wants."""
    if get_origin(hint) is tuple:
        return [item.strip() for item in text.split(",") if item.strip()]
    if hint is bool:
        words = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False, "": False}
        if text.lower() not in words:
            raise _wrong(text, "1 or 0", source, (name,))
        return words[text.lower()]
    if hint is int:
        return int(text) if re.fullmatch(r"-?[0-9]+", text) else text
    if name == "functions":
        try:
            return tomllib.loads(f"functions = {text}")["functions"]
        except tomllib.TOMLDecodeError as error:
            raise ConfigError(f"{source.place((name,))}: not a TOML table: {error}") from None
    return text
