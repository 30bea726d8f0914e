"""The C compiler: found, checked once, run in parallel, its objects kept by content.

What: `find_compiler` answers a `Compiler` that has compiled and linked a small extension module, or a `NoCompiler` with the reason;
`build_extension` turns C text into one extension module. *Kernel* units are compiled once per instruction-set level, with
`-DPOLYOPT_LEVEL=v3` and so on making their symbols distinct; *entry* units, which include Python.h, are compiled once for the baseline
and told by `-DPOLYOPT_HAVE_V3` which levels exist. Python.h is used through the limited API from Python 3.11 on.

Why own objects instead of setuptools' build_ext: one source needs several sets of flags, and an unchanged build has to take seconds.

Nothing of the build machine gets in: no `-march=native`, the user's CFLAGS and LDFLAGS are not read, units are compiled under relative
names in a directory of their own, no debug information, no build id. `-ffp-contract=off` holds everywhere and no relative of
`-ffast-math` is used at any place, because linking with it switches the whole process to flush-to-zero. `-fno-math-errno` is safe: it
changes no bits, only `errno`, which nobody reads after a kernel. `-ftrapping-math` (the default) stays, because kernels report
floating-point flags.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from setuptools_polyopt.diagnostics import PolyoptError

COMMON_FLAGS = (
    *("-std=c11", "-fPIC", "-fvisibility=hidden", "-pthread", "-ffp-contract=off", "-fno-strict-aliasing", "-g0"),
    "-Werror=implicit-function-declaration",  # otherwise a function outside the limited API fails only when it is called
)
KERNEL_FLAGS = ("-O3", "-fno-builtin", "-fno-math-errno")
ENTRY_FLAGS = ("-O2",)
OPTIONAL_FLAGS = ("-fopenmp-simd", "-fno-semantic-interposition", "-frandom-seed=polyopt")
OPTIONAL_LINK_FLAGS = ("-Wl,--build-id=none", "-Wl,--as-needed")
LIMITED_API = "0x030B0000"
KEPT_SECONDS = 30 * 24 * 3600.0

# Spelt out instead of -march=x86-64-v3, which compilers before gcc 11 and clang 12 do not know.
_V2 = ("-msse3", "-mssse3", "-msse4.1", "-msse4.2", "-mpopcnt", "-mcx16")
_V3 = (*_V2, "-mavx", "-mavx2", "-mbmi", "-mbmi2", "-mf16c", "-mfma", "-mlzcnt", "-mmovbe")
_V4 = (*_V3, "-mavx512f", "-mavx512bw", "-mavx512cd", "-mavx512dq", "-mavx512vl")

_TRIVIAL = """#include <Python.h>
static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, "trivial", 0, 0, 0, 0, 0, 0, 0};
PyMODINIT_FUNC PyInit_trivial(void) { return PyModule_Create(&definition); }
"""


class ToolchainError(PolyoptError):
    """The compiler refused or could not be run; the text says which unit and shows the compiler's first errors."""


class UnitsRefused(ToolchainError):
    """The compiler refused units: file name -> which unit it was, and the compiler's first errors."""

    def __init__(self, units: Mapping[str, str]) -> None:
        super().__init__("\n".join(units.values()))
        self.units = units


@dataclass(frozen=True)
class Level:
    """An instruction-set level: its name in `[tool.polyopt] isa`, the suffix of its symbols, the compiler's flags."""

    name: str
    suffix: str
    flags: tuple[str, ...]


BASELINE = Level("baseline", "base", ())
LEVELS: Mapping[str, tuple[Level, ...]] = {
    "x86_64": (Level("x86-64-v2", "v2", _V2), Level("x86-64-v3", "v3", _V3), Level("x86-64-v4", "v4", _V4)),
    "aarch64": (Level("aarch64", "base", ()),),
}


@dataclass(frozen=True)
class Compiler:
    """A compiler that works: command line head, target machine, accepted optional flags, and a hash of what it is."""

    command: tuple[str, ...]
    machine: str
    flags: tuple[str, ...]
    link_flags: tuple[str, ...]
    identity: str

    def levels(self, wanted: Sequence[str] = ()) -> tuple[Level, ...]:
        """The levels to build, all of the machine's or those of them that are `wanted`; never none."""
        known = LEVELS.get(self.machine, (BASELINE,))
        return tuple(level for level in known if not wanted or level.name in wanted) or (BASELINE,)


@dataclass(frozen=True)
class NoCompiler:
    """Why no native code can be built, as a clause that ends a sentence."""

    reason: str


@dataclass(frozen=True)
class BuiltExtension:
    """What `build_extension` made: the module's file, its levels, how many objects were compiled and how many came from the cache."""

    path: Path
    levels: tuple[str, ...]
    compiled: int
    reused: int
    seconds: float


def uses_limited_api() -> bool:
    """Whether extensions are built against the limited API: its buffer protocol came with 3.11, free threading excludes it."""
    return sys.version_info >= (3, 11) and not sysconfig.get_config_var("Py_GIL_DISABLED")


def module_file_name(name: str) -> str:
    """The file name of the extension module called `name` (last component)."""
    suffix = ".abi3.so" if uses_limited_api() else sysconfig.get_config_var("EXT_SUFFIX")
    return f"{name}{suffix}"


def find_compiler(environ: Mapping[str, str], cache_dir: Path) -> Compiler | NoCompiler:
    """The first C compiler that can build an extension module: `CC` (with arguments), Python's own, cc, gcc, clang.

    The answer is kept in `cache_dir`, keyed by the compiler and the Python that asks, so that asking again costs some milliseconds.
    A `CC` that is set is the only one that is tried.
    """
    if os.name == "nt":
        return NoCompiler("native code is not built on Windows yet")
    if environ.get("CC"):
        candidates = [environ["CC"]]
    else:
        candidates = list(dict.fromkeys([*filter(None, [sysconfig.get_config_var("CC")]), "cc", "gcc", "clang"]))
    reasons = []
    for candidate in candidates:
        match _check(candidate, environ, cache_dir):
            case Compiler() as found:
                return found
            case NoCompiler(reason):
                reasons.append(reason)
    missing = all(reason.endswith("was not found") for reason in reasons)
    return NoCompiler("no C compiler was found (tried " + ", ".join(candidates) + ")" if missing else reasons[0])


def _check(candidate: str, environ: Mapping[str, str], cache_dir: Path) -> Compiler | NoCompiler:
    """Look at one compiler command: from the cache, or by compiling and linking a small extension module."""
    try:
        command = shlex.split(candidate)
    except ValueError:
        command = []
    if not command:
        return NoCompiler(f"CC={candidate!r} cannot be split into words")
    program = shutil.which(command[0], path=environ.get("PATH"))
    if program is None:
        return NoCompiler(f"{command[0]} was not found")
    if os.path.dirname(command[0]):
        command[0] = os.path.abspath(program)
    if sys.platform == "darwin":
        command += shlex.split(environ.get("ARCHFLAGS", ""))
    try:
        version = _run([*command, "--version"], environ, Path.cwd())
        machine = _run([*command, "-dumpmachine"], environ, Path.cwd()).stdout.partition("-")[0]
    except OSError as error:
        return NoCompiler(f"{candidate} cannot be run: {error.strerror}")
    if command.count("-arch") > 1:
        machine = "universal"
    status = os.stat(program)
    facts = [command, os.path.realpath(program), status.st_size, status.st_mtime_ns, version.stdout, machine, *_python_facts()]
    identity = _digest(json.dumps(facts))
    kept = cache_dir / "compilers" / f"{identity}.json"
    try:
        known = json.loads(kept.read_text(encoding="utf-8"))
        return Compiler(tuple(command), known["machine"], tuple(known["flags"]), tuple(known["link_flags"]), identity)
    except (OSError, ValueError, KeyError):
        pass
    plain = Compiler(tuple(command), {"arm64": "aarch64", "amd64": "x86_64"}.get(machine, machine), (), (), identity)
    found = _try_out(plain, candidate, environ)
    if isinstance(found, Compiler):
        content = {"machine": found.machine, "flags": found.flags, "link_flags": found.link_flags}
        write_atomically(kept, json.dumps(content).encode())
    return found


def _python_facts() -> list[str]:
    return [sys.version, sysconfig.get_path("include"), sysconfig.get_path("platinclude")]


def _try_out(plain: Compiler, candidate: str, environ: Mapping[str, str]) -> Compiler | NoCompiler:
    """Build a small extension module, with all optional flags, else with those that are accepted one by one."""
    full = Compiler(plain.command, plain.machine, OPTIONAL_FLAGS, OPTIONAL_LINK_FLAGS, plain.identity)
    if not _trial(full, environ):
        return full
    if error := _trial(plain, environ):
        if "Python.h" in error:
            return NoCompiler(f"{candidate} does not find Python.h (is Python's development package installed?)")
        return NoCompiler(f"{candidate} cannot build an extension module: {error}")

    def variant(flags: tuple[str, ...], link_flags: tuple[str, ...]) -> Compiler:
        return Compiler(plain.command, plain.machine, flags, link_flags, plain.identity)

    flags = tuple(flag for flag in OPTIONAL_FLAGS if not _trial(variant((flag,), ()), environ))
    return variant(flags, tuple(flag for flag in OPTIONAL_LINK_FLAGS if not _trial(variant((), (flag,)), environ)))


def _trial(compiler: Compiler, environ: Mapping[str, str]) -> str:
    """Build the small module; nothing, or the first error line."""
    with tempfile.TemporaryDirectory(prefix="polyopt-") as name:
        folder = Path(name)
        unit = _Unit("trivial.c", _TRIVIAL, (*COMMON_FLAGS, *ENTRY_FLAGS, *_python_flags(), *compiler.flags, "-Werror"))
        try:
            (folder / "trivial.o").write_bytes(_compile(compiler, unit, {}, environ))
            _link(compiler, [folder / "trivial.o"], folder / "trivial.so", environ)
        except ToolchainError as error:
            return str(error).splitlines()[-1].strip()
    return ""


def build_extension(
    compiler: Compiler,
    kernel_sources: Mapping[str, str],
    entry_sources: Mapping[str, str],
    headers: Mapping[str, str],
    levels: Sequence[Level],
    module: str,
    output_dir: Path,
    cache_dir: Path,
    jobs: int = 0,
    environ: Mapping[str, str] = os.environ,
) -> BuiltExtension:
    """Compile C text (by file name) into the extension module `module` (last component of its name) in `output_dir`.

    `headers` lie beside every unit. `jobs` compilers run at a time (0: one per usable CPU). Raises `UnitsRefused`, which names all units
    that do not compile, or another `ToolchainError`; then nothing has been written to `output_dir`.
    """
    start = time.monotonic()
    have = tuple(f"-DPOLYOPT_HAVE_{level.suffix.upper()}=1" for level in levels)
    common = (*COMMON_FLAGS, *compiler.flags)
    units = [
        _Unit(name, text, (*common, *KERNEL_FLAGS, *level.flags, f"-DPOLYOPT_LEVEL={level.suffix}"), level.name)
        for name, text in sorted(kernel_sources.items())
        for level in levels
    ]
    units += [_Unit(name, text, (*common, *ENTRY_FLAGS, *have, *_python_flags())) for name, text in sorted(entry_sources.items())]
    objects = cache_dir / "objects"
    with _scratch(output_dir) as folder, ThreadPoolExecutor(jobs or _usable_cpus()) as pool:

        def make(unit: _Unit, path: Path) -> bool | _Refused:
            try:
                return _object(compiler, unit, headers, objects, path, environ)
            except _Refused as refused:
                return refused

        paths = [folder / f"{number:04}.o" for number in range(len(units))]
        made = list(pool.map(make, units, paths))
        if refused := {unit.name: str(what) for unit, what in zip(units, made, strict=True) if isinstance(what, _Refused)}:
            raise UnitsRefused(refused)
        target = folder / module_file_name(module)
        _link(compiler, paths, target, environ)
        os.replace(target, output_dir / target.name)
    forget_old(objects)
    reused = made.count(True)
    names = tuple(level.name for level in levels)
    return BuiltExtension(output_dir / target.name, names, len(made) - reused, reused, time.monotonic() - start)


class _Refused(ToolchainError):
    """The compiler ran, and did not like what it was given."""


@dataclass(frozen=True)
class _Unit:
    """A translation unit: its file name, its text, its flags, and the level it is for (in messages)."""

    name: str
    text: str
    flags: tuple[str, ...]
    level: str = ""


@contextmanager
def _scratch(output_dir: Path) -> Iterator[Path]:
    """A temporary directory on the file system of `output_dir`, so that the result can be moved in one step."""
    output_dir.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".polyopt-", dir=output_dir) as name:
        yield Path(name)


def _object(
    compiler: Compiler, unit: _Unit, headers: Mapping[str, str], cache: Path, target: Path, environ: Mapping[str, str]
) -> bool:
    """Write the unit's object file to `target`; whether it came from the cache."""
    key = _digest(json.dumps([compiler.identity, unit.flags, unit.name, unit.text, sorted(headers.items())]))
    kept = cache / key[:2] / f"{key}.o"
    try:
        content = kept.read_bytes()
        os.utime(kept)
        hit = True
    except OSError:
        content = _compile(compiler, unit, headers, environ)
        write_atomically(kept, content)
        hit = False
    target.write_bytes(content)
    return hit


def _python_flags() -> tuple[str, ...]:
    folders = dict.fromkeys([sysconfig.get_path("include"), sysconfig.get_path("platinclude")])
    limited = (f"-DPy_LIMITED_API={LIMITED_API}",) if uses_limited_api() else ()
    return (*(f"-I{folder}" for folder in folders), *limited)


def _compile(compiler: Compiler, unit: _Unit, headers: Mapping[str, str], environ: Mapping[str, str]) -> bytes:
    """The unit's object code, compiled under its own name in a directory that holds nothing else but the headers."""
    with tempfile.TemporaryDirectory(prefix="polyopt-") as name:
        folder = Path(name)
        for file, text in {**headers, unit.name: unit.text}.items():
            (folder / file).write_text(text, encoding="utf-8")
        what = f"compile {unit.name}" + (f" for {unit.level}" if unit.level else "")
        _run_or_raise([*compiler.command, *unit.flags, "-c", unit.name, "-o", "unit.o"], environ, folder, what)
        return (folder / "unit.o").read_bytes()


def _link(compiler: Compiler, objects: Sequence[Path], target: Path, environ: Mapping[str, str]) -> None:
    shared = ("-bundle", "-undefined", "dynamic_lookup") if sys.platform == "darwin" else ("-shared",)
    arguments = [*shared, "-pthread", *compiler.link_flags, "-o", target.name, *(path.name for path in objects), "-lm"]
    _run_or_raise([*compiler.command, *arguments], environ, target.parent, f"link {target.name}")


def _run(command: Sequence[str], environ: Mapping[str, str], folder: Path) -> subprocess.CompletedProcess[str]:
    """Run with messages in English; raises `OSError` if the program cannot be started."""
    return subprocess.run(
        command, cwd=folder, env={**environ, "LC_ALL": "C"}, capture_output=True, text=True, errors="replace", check=False
    )


def _run_or_raise(command: Sequence[str], environ: Mapping[str, str], folder: Path, what: str) -> None:
    try:
        run = _run(command, environ, folder)
    except OSError as error:
        raise ToolchainError(f"{command[0]} could not be started to {what}: {error.strerror}") from None
    if run.returncode:
        lines = [line for line in run.stderr.splitlines() if re.search(r"error|undefined|fatal|cannot|not supported|unknown", line)]
        told = (lines or run.stderr.splitlines() or [f"it ended with status {run.returncode}"])[:3]
        raise _Refused("\n  ".join([f"{command[0]} could not {what}:", *told]))


def _usable_cpus() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def write_atomically(path: Path, content: bytes) -> None:
    """Put `content` at `path` in one step; a cache that cannot be written is no error."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent)
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        os.replace(temporary, path)
    except OSError:
        pass


def forget_old(folder: Path) -> None:
    """Remove files of a cache (two levels deep) that no build has asked for in a month."""
    limit = time.time() - KEPT_SECONDS
    for path in folder.glob("*/*"):
        try:
            if path.stat().st_mtime < limit:
                path.unlink()
        except OSError:
            pass
