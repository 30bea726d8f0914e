"""The compiler found and refused, extensions that load and compute, the cache, reproducibility, errors."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from setuptools_polyopt import toolchain
from setuptools_polyopt.runtime.environment import cache_folder
from setuptools_polyopt.toolchain import (
    BuiltExtension,
    Compiler,
    NoCompiler,
    ToolchainError,
    UnitsRefused,
    build_extension,
    find_compiler,
)

HEADER = """
#define PASTE_(a, b) a##_##b
#define PASTE(a, b) PASTE_(a, b)
#define SCALE 2.0
"""
KERNEL = """
#include "support.h"
void PASTE(scale, POLYOPT_LEVEL)(double *x, long n) { for (long i = 0; i < n; i++) x[i] = SCALE * x[i] + 1.0; }
"""
ENTRY = """
#include <Python.h>
#ifdef POLYOPT_HAVE_V3
extern void scale_v3(double *, long), scale_v2(double *, long);
#define PICK(x, n) (__builtin_cpu_supports("avx2") ? scale_v3(x, n) : scale_v2(x, n))
#else
extern void scale_base(double *, long);
#define PICK(x, n) scale_base(x, n)
#endif
static PyObject *scale(PyObject *self, PyObject *argument) {
    double x[100];
    for (int i = 0; i < 100; i++) x[i] = PyFloat_AsDouble(argument);
    PICK(x, 100);
    return PyFloat_FromDouble(x[99]);
}
static PyMethodDef methods[] = {{"scale", scale, METH_O, 0}, {0, 0, 0, 0}};
static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, "_native", 0, 0, methods, 0, 0, 0, 0};
PyMODINIT_FUNC PyInit__native(void) { return PyModule_Create(&definition); }
"""


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def compiler(cache: Path) -> Compiler:
    found = find_compiler(os.environ, cache)
    if isinstance(found, NoCompiler):
        pytest.skip(found.reason)
    return found


def build(compiler: Compiler, folder: Path, cache: Path, header: str = HEADER, kernel: str = KERNEL, **options: object) -> BuiltExtension:
    levels = compiler.levels(("x86-64-v2", "x86-64-v3"))
    headers = {"support.h": header}
    return build_extension(
        compiler, {"kernel.c": kernel}, {"entry.c": ENTRY}, headers, levels, "_native", folder / "out", cache, **options
    )


def run_python(folder: Path, program: str) -> str:
    return subprocess.run([sys.executable, "-c", program], cwd=folder, check=True, capture_output=True, text=True).stdout


def script(path: Path, text: str) -> Path:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def test_the_extension_loads_and_computes(compiler: Compiler, tmp_path: Path, cache: Path) -> None:
    built = build(compiler, tmp_path, cache)
    assert built.path == tmp_path / "out" / toolchain.module_file_name("_native")
    assert run_python(built.path.parent, "import _native; print(_native.scale(1.5))") == "4.0\n"
    assert os.listdir(built.path.parent) == [built.path.name]


def test_loading_leaves_denormals_alone(compiler: Compiler, tmp_path: Path, cache: Path) -> None:
    built = build(compiler, tmp_path, cache)
    assert run_python(built.path.parent, "x = 2.0**-1022; import _native; print(x / 4 == 2.0**-1024)") == "True\n"


def test_python_is_used_through_the_limited_api(compiler: Compiler, tmp_path: Path, cache: Path) -> None:
    assert ("abi3" in toolchain.module_file_name("_native")) == (sys.version_info >= (3, 11))
    if toolchain.uses_limited_api():
        strange = ENTRY.replace("double x[100];", "double x[100]; PyTuple_GET_ITEM(argument, 0);")
        with pytest.raises(ToolchainError, match="PyTuple_GET_ITEM"):
            build_extension(compiler, {}, {"entry.c": strange}, {}, compiler.levels(), "_native", tmp_path / "o", cache)


def test_one_symbol_per_level(compiler: Compiler, tmp_path: Path, cache: Path) -> None:
    if compiler.machine != "x86_64" or shutil.which("nm") is None:
        pytest.skip("looks at x86-64 symbols with nm")
    built = build(compiler, tmp_path, cache)
    assert built.levels == ("x86-64-v2", "x86-64-v3")
    symbols = subprocess.run(["nm", str(built.path)], check=True, capture_output=True, text=True).stdout
    assert "scale_v2" in symbols
    assert "scale_v3" in symbols
    exported = subprocess.run(["nm", "-D", "--defined-only", str(built.path)], check=True, capture_output=True, text=True).stdout
    assert [line.split()[-1] for line in exported.splitlines()] == ["PyInit__native"]


def test_levels() -> None:
    x86, arm, other = (Compiler(("cc",), machine, (), (), "") for machine in ("x86_64", "aarch64", "riscv64"))
    assert [level.suffix for level in x86.levels()] == ["v2", "v3", "v4"]
    assert [level.name for level in x86.levels(["x86-64-v3", "aarch64"])] == ["x86-64-v3"]
    assert [level.suffix for level in arm.levels()] == ["base"]
    assert [level.suffix for level in other.levels(["x86-64-v3"])] == ["base"]


def test_what_is_unchanged_comes_from_the_cache(compiler: Compiler, tmp_path: Path) -> None:
    own = tmp_path / "cache"
    first, second = build(compiler, tmp_path / "a", own), build(compiler, tmp_path / "b", own)
    assert (first.reused, second.compiled) == (0, 0)
    assert second.reused == first.compiled == len(first.levels) + 1
    assert first.path.read_bytes() == second.path.read_bytes()
    changed = build(compiler, tmp_path / "b", own, kernel=KERNEL.replace("+ 1.0", "+ 2.0"))
    assert (changed.compiled, changed.reused) == (len(first.levels), 1)
    header = build(compiler, tmp_path / "b", own, header=HEADER.replace("2.0", "3.0"))
    assert header.compiled == len(first.levels) + 1
    assert run_python(header.path.parent, "import _native; print(_native.scale(1.5))") == "5.5\n"


def test_nothing_of_the_place_gets_in(compiler: Compiler, tmp_path: Path) -> None:
    kernel = KERNEL + "\nconst char *PASTE(where, POLYOPT_LEVEL)(void) { return __FILE__ SUPPORT_FILE; }"
    header = HEADER + "\n#define SUPPORT_FILE support_file()\nstatic const char *support_file(void) { return __FILE__; }"
    kernel = kernel.replace("__FILE__ SUPPORT_FILE", 'SUPPORT_FILE == 0 ? "" : __FILE__')
    one = build(compiler, tmp_path / "one", tmp_path / "cache1", header, kernel, jobs=1)
    environ = {**os.environ, "CFLAGS": "-ffast-math -march=native", "LDFLAGS": "-nonsense", "SOURCE_DATE_EPOCH": "7"}
    two = build(compiler, tmp_path / "two" / "deeper", tmp_path / "cache2", header, kernel, jobs=4, environ=environ)
    assert (one.reused, two.reused) == (0, 0)
    assert one.path.read_bytes() == two.path.read_bytes()
    assert str(tmp_path).encode() not in one.path.read_bytes()


def test_an_error_names_unit_and_reason_and_leaves_nothing(compiler: Compiler, tmp_path: Path, cache: Path) -> None:
    with pytest.raises(ToolchainError) as caught:
        build(compiler, tmp_path, cache, kernel="int broken(void) { return nonsense; }")
    lines = str(caught.value).splitlines()
    assert "could not compile kernel.c" in lines[0]
    assert "nonsense" in lines[1]
    assert os.listdir(tmp_path / "out") == []


def test_all_units_that_do_not_compile_are_named(compiler: Compiler, tmp_path: Path, cache: Path) -> None:
    units = {"one.c": "int one = nonsense;", "two.c": "int two;", "three.c": "#error oops"}
    with pytest.raises(UnitsRefused, match=r"could not compile one\.c for ") as caught:
        build_extension(compiler, units, {"entry.c": "int three;"}, {}, compiler.levels(), "_native", tmp_path / "out", cache)
    assert caught.value.units.keys() == {"one.c", "three.c"}
    assert "oops" in caught.value.units["three.c"]
    assert os.listdir(tmp_path / "out") == []


def test_a_missing_header_is_an_error(compiler: Compiler, tmp_path: Path, cache: Path) -> None:
    with pytest.raises(ToolchainError, match="could not compile"):
        build(compiler, tmp_path, cache, kernel='#include "nothing.h"')


def test_a_cache_that_cannot_be_written_is_no_error(compiler: Compiler, tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    assert build(compiler, tmp_path, blocked).reused == 0
    assert isinstance(find_compiler(os.environ, blocked), Compiler)


def test_old_objects_are_forgotten(compiler: Compiler, tmp_path: Path) -> None:
    build(compiler, tmp_path / "a", tmp_path / "cache")
    old = list((tmp_path / "cache" / "objects").glob("*/*"))
    for path in old:
        os.utime(path, (0, 0))
    again = build(compiler, tmp_path / "b", tmp_path / "cache", kernel=KERNEL.replace("+ 1.0", "+ 2.0"))
    left = list((tmp_path / "cache" / "objects").glob("*/*"))
    assert len(left) == again.compiled + 1


def test_the_answer_is_kept(cache: Path, compiler: Compiler, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(toolchain, "_try_out", lambda *arguments: pytest.fail("asked again"))
    assert find_compiler(os.environ, cache) == compiler


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('echo "boom: error: cannot do this" >&2; exit 1', "cannot build an extension module: boom: error: cannot do this"),
        ('echo "t.c:1:10: fatal error: Python.h: No such file or directory" >&2; exit 1', "does not find Python.h"),
        ("exit 3", "cannot build an extension module: it ended with status 3"),
    ],
)
def test_a_compiler_that_does_not_work(tmp_path: Path, text: str, reason: str) -> None:
    broken = script(tmp_path / "broken-cc", text)
    found = find_compiler({**os.environ, "CC": str(broken)}, tmp_path / "cache")
    assert isinstance(found, NoCompiler)
    assert reason in found.reason


def test_no_compiler_at_all(tmp_path: Path) -> None:
    found = find_compiler({"PATH": str(tmp_path)}, tmp_path)
    assert isinstance(found, NoCompiler)
    assert found.reason.startswith("no C compiler was found (tried ")
    named = find_compiler({"PATH": str(tmp_path), "CC": "mycc"}, tmp_path)
    assert named == NoCompiler("no C compiler was found (tried mycc)")
    assert "cannot be split" in find_compiler({"PATH": "", "CC": "'"}, tmp_path).reason


def test_cc_may_have_arguments_and_lack_luxuries(compiler: Compiler, tmp_path: Path, cache: Path) -> None:
    real = shutil.which(compiler.command[0])
    poor = script(
        tmp_path / "poor-cc",
        f'for a in "$@"; do case "$a" in *semantic-interposition*|*build-id*) echo "error: unknown $a" >&2; exit 1;; esac; done\n'
        f'test "$1" = -DWORD=1 || exit 9\nexec {real} "$@"',
    )
    found = find_compiler({**os.environ, "CC": f"{poor} -DWORD=1"}, tmp_path / "cache")
    assert isinstance(found, Compiler)
    assert "-fno-semantic-interposition" not in found.flags
    assert set(found.flags) == set(compiler.flags) - {"-fno-semantic-interposition"}
    assert found.identity != compiler.identity
    built = build(found, tmp_path, cache)
    assert run_python(built.path.parent, "import _native; print(_native.scale(0.5))") == "2.0\n"


def test_cache_dir() -> None:
    assert cache_folder({"POLYOPT_CACHE_DIR": "/x"}) == "/x"
    if sys.platform.startswith("linux"):
        assert cache_folder({"HOME": "/h"}) == "/h/.cache/polyopt"
        assert cache_folder({"HOME": "/h", "XDG_CACHE_HOME": "/c"}) == "/c/polyopt"
