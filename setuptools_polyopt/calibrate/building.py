"""A module of a few functions as a package that polyopt has built, whose kernels can be run by name and timed."""

from __future__ import annotations

import importlib
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from setuptools_polyopt import toolchain
from setuptools_polyopt.config import Settings, Target
from setuptools_polyopt.diagnostics import PolyoptError
from setuptools_polyopt.pipeline import ModuleSource, compile_package
from setuptools_polyopt.runtime import costs, gpu_plan
from setuptools_polyopt.runtime.environment import cache_folder

PACKAGE = "polyopt_calibration"
REPEATS = 25
PATIENCE = 1.0
"""Seconds after which a measurement is not repeated."""


@dataclass(frozen=True)
class Offered:
    """A run as the hook saw it: what the native code can be asked to do. The arrays live on with it."""

    symbol: str
    args: bytes
    arrays: tuple[Any, ...]
    work: float


@dataclass(frozen=True)
class Kernels:
    """The functions, and the package's extension."""

    module: ModuleType
    native: Any

    def part(self, name: str) -> ModuleType:
        """A module of the package's runtime."""
        return importlib.import_module(f"{PACKAGE}._polyopt.{name}")

    def offered(self, name: str, *args: Any, cost: str = "") -> Offered:
        """What a call of a function asks the native code to run. cost: the one slow operation that counts, as one unit."""
        self.native.tune(1.0, 1.0, tuple(float(each == cost) for each in costs.NAMES))
        seen: list[Offered] = []
        self.native.offload(lambda symbol, struct, arrays, work: seen.append(Offered(symbol, struct, (arrays, args), work)), 0.0)
        try:
            getattr(self.module, name)(*args)
        finally:
            self.native.offload(None, 0.0)
        if len(seen) != 1:
            raise PolyoptError(f"calibration: {name} was not optimised as expected; please report it")
        return seen[0]

    def seconds(self, run: Offered, threads: int, idle: bool = False) -> float:
        """The least time of a run. idle: the threads sleep before each run, as between the calls of a program."""
        return least(lambda: self.native.run(run.symbol, run.args, -(2**63), 2**63 - 1, threads), 0.002 if idle else 0.0)


def least(call: Callable[[], object], pause: float = 0.0) -> float:
    """The least seconds of a call: whatever else the machine does only makes it longer."""
    best, started = float("inf"), time.perf_counter()
    for _ in range(REPEATS):
        if pause:
            time.sleep(pause)
        start = time.perf_counter()
        call()
        end = time.perf_counter()
        best = min(best, end - start)
        if end - started > PATIENCE:
            break
    return best


@contextmanager
def built(source: str, targets: Sequence[Target] = ("cpu",), levels: Sequence[str] = ()) -> Iterator[Kernels]:
    """The functions of a module, built for some targets and instruction-set levels (none: all of the machine's).

    Raises PolyoptError where there is no compiler.
    """
    cache = Path(cache_folder(os.environ))
    compiler = toolchain.find_compiler(os.environ, cache)
    if isinstance(compiler, toolchain.NoCompiler):
        raise PolyoptError(f"{compiler.reason}: nothing can be measured, the defaults stay")
    with tempfile.TemporaryDirectory() as folder:
        package = Path(folder) / PACKAGE
        inner = package / "_polyopt"
        inner.mkdir(parents=True)
        module = ModuleSource(f"{PACKAGE}.kernels", f"{PACKAGE}/kernels.py", source)
        compiled = compile_package(f"{PACKAGE}._polyopt", [module], None, Settings(targets=tuple(targets)), True)
        sources = (compiled.kernel_sources, compiled.entry_sources, compiled.headers)
        toolchain.build_extension(compiler, *sources, compiler.levels(levels), "_native", inner, cache)
        (package / "__init__.py").write_text("", encoding="utf-8")
        (package / "kernels.py").write_text(compiled.modules[module.name], encoding="utf-8")
        for name, content in compiled.runtime_files.items():
            (inner / name).write_bytes(content)
        device = {name: compiled.headers[name] for name in gpu_plan.HEADERS} if "gpu" in targets else {}
        for name, text in {**device, **compiled.gpu_sources}.items():  # CuPy compiles them at the first run
            (inner / name).write_text(text, encoding="utf-8")
        sys.path.insert(0, folder)
        importlib.invalidate_caches()
        try:
            loaded = importlib.import_module(f"{PACKAGE}.kernels")
            yield Kernels(loaded, importlib.import_module(f"{PACKAGE}._polyopt._native"))
        finally:
            sys.path.remove(folder)
            for name in [name for name in sys.modules if name.partition(".")[0] == PACKAGE]:
                del sys.modules[name]
