"""Generated kernels under the address and undefined behaviour sanitizers, and the threads' pool under these and the thread sanitizer.

`make sanitize` runs them. The programs are those of `benchmarks/`: each is built with the sanitizers' flags, called in a process of its own
in which their library is loaded first, and compared with the plain one.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.coverage import Program, programs

ROOT = Path(__file__).parents[2]
SUPPORT = ROOT / "setuptools_polyopt" / "codegen" / "support"
FLAGS = ("-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-g")

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not sys.platform.startswith("linux"), reason="gcc's sanitizers on Linux")]

CHILD = """
import dataclasses, importlib, os, sys
from pathlib import Path

from benchmarks.coverage import HERE, Program, arguments, load_file
from benchmarks.equality import difference
from built import build, profile_of
from setuptools_polyopt import toolchain

flags = {flags!r}
find = toolchain.find_compiler

def sanitizing(*given):
    found = find(*given)
    own = {{"flags": (*found.flags, *flags), "link_flags": (*found.link_flags, *flags), "identity": found.identity + "sanitized"}}
    return dataclasses.replace(found, **own)

toolchain.find_compiler = sanitizing
folder, name, entries = {program!r}
source = HERE / folder / f"{{name}}.py"
module = load_file(name, source)
calls = {{entry: [list(arguments(module, Program(folder, name, entry), 0).values())] for entry in entries}}
text = source.read_text(encoding="utf-8")
built = build(Path({work!r}), "sanitized", text, profile_of(text, "sanitized.mod", calls))
for entry in entries:
    for index in (0, 1):
        left, right = (arguments(module, Program(folder, name, entry), index) for _ in range(2))
        results = getattr(built.plain, entry)(**left), getattr(built.built, entry)(**right)
        assert difference(*results) is None and difference(left, right) is None, entry
print("clean")
"""


def library(name: str) -> Path:
    """gcc's library of a sanitizer; skips where there is none."""
    try:
        done = subprocess.run(["gcc", f"-print-file-name={name}"], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("no gcc")
    path = Path(done.stdout.strip())
    if not path.is_absolute():
        pytest.skip(f"no {name}")
    return path


def by_module() -> dict[tuple[str, str], list[str]]:
    found: dict[tuple[str, str], list[str]] = {}
    for program in programs(["*"]):
        assert isinstance(program, Program)
        found.setdefault((program.folder, program.module), []).append(program.entry)
    return found


@pytest.mark.parametrize(("folder", "name"), sorted(by_module()), ids=lambda part: part)
def test_program(folder: str, name: str, tmp_path: Path) -> None:
    text = CHILD.format(flags=FLAGS, program=(folder, name, by_module()[folder, name]), work=str(tmp_path))
    environ = {
        **os.environ,
        "LD_PRELOAD": f"{library('libasan.so')} {library('libstdc++.so.6')}",  # without the second, no exception of islpy's gets through
        "ASAN_OPTIONS": "detect_leaks=0",
        "PYTHONPATH": os.pathsep.join(map(str, (ROOT, ROOT / "profiler", ROOT / "tests"))),
        "POLYOPT_NUM_THREADS": "3",
    }
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, env=environ, check=False)
    assert done.stdout.strip().endswith("clean"), done.stderr[-4000:]


@pytest.mark.parametrize("kind", ["thread", "address,undefined"])
def test_the_pool(kind: str, tmp_path: Path) -> None:
    library("libtsan.so" if kind == "thread" else "libasan.so")
    program = tmp_path / "stress"
    support = [SUPPORT / name for name in ("polyopt_pool.c", "polyopt_base.c", "polyopt_cpu.c")]
    sources = [Path(__file__).with_name("pool_stress.c"), *support]
    options = ["-std=gnu11", "-O1", "-g", "-pthread", f"-fsanitize={kind}", "-fno-sanitize-recover=all", f"-I{SUPPORT}"]
    subprocess.run(["gcc", *options, *map(str, sources), "-o", str(program), "-lm"], check=True, capture_output=True)
    environ = {**os.environ, "POLYOPT_NUM_THREADS": "4", "TSAN_OPTIONS": "halt_on_error=1"}
    forks = [] if kind == "thread" else ["fork"]  # its run time cannot follow threads through a fork
    done = subprocess.run([str(program), *forks], capture_output=True, text=True, env=environ, check=False)
    assert done.returncode == 0, done.stdout + done.stderr[-6000:]
    wrong, jobs = (int(part.split()[0]) for part in done.stdout.split(","))
    assert wrong == 0
    assert jobs > 100
