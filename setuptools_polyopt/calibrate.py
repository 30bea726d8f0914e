"""`polyopt calibrate`: measures the constants of `runtime/machine.py` on this machine and leaves them in the user's cache.

A package of two functions is built as any other, and its kernels are run by name: a stencil whose arrays stay in the cache, and a copy
of arrays that lie in memory, on one thread and on all. The best of several runs counts, since everything else that the machine does
only makes a run longer. What is not measured (a GPU that is not there, a cluster that nobody started) keeps its default.
"""

from __future__ import annotations

import importlib
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from setuptools_polyopt import toolchain
from setuptools_polyopt.config import Settings
from setuptools_polyopt.diagnostics import PolyoptError
from setuptools_polyopt.pipeline import ModuleSource, compile_package
from setuptools_polyopt.runtime.environment import cache_folder
from setuptools_polyopt.runtime.machine import Machine

PACKAGE = "polyopt_calibration"
SOURCE = '''\
import numpy as np
from numpy.typing import NDArray


def compute(a: NDArray[np.float64], b: NDArray[np.float64]):
    for i in range(1, a.shape[0] - 1):
        for j in range(1, a.shape[1] - 1):
            b[i, j] = 0.2 * (a[i, j] + a[i, j - 1] + a[i, j + 1] + a[i - 1, j] + a[i + 1, j])


def move(a: NDArray[np.float64], b: NDArray[np.float64]):
    for i in range(a.shape[0]):
        b[i] = a[i] + 1.0
'''
CACHED = (160, 320)
"""Rows and columns of the first function: both arrays stay in the second-level cache."""
LARGE = 1 << 24
"""Elements of each array of the second function: beyond any cache."""
REPEATS = 25


@dataclass(frozen=True)
class Offered:
    """A run as the hook saw it."""

    symbol: str
    args: bytes
    work: float


def calibrate(say: Callable[[str], object]) -> Machine:
    """The constants of this machine. Raises PolyoptError where there is no compiler."""
    with _built() as (module, native):
        import numpy as np

        most = int(native.status()["threads"])
        a, b = np.ones(CACHED), np.ones(CACHED)
        busy = _offered(native, lambda: module.compute(a, b))
        alone = _seconds(native, busy, 1)
        operation = alone / busy.work
        say(f"one core: {1e9 * operation:.3f} ns for a unit of work")
        large, result = np.ones(LARGE), np.ones(LARGE)
        moving = _offered(native, lambda: module.move(large, result))
        moved = float(large.nbytes + result.nbytes)
        memory, all_memory = (moved / _seconds(native, moving, threads) for threads in (1, most))
        say(f"memory: {memory / 1e9:.1f} GB/s from one core, {all_memory / 1e9:.1f} GB/s from {most}")
        start = max(0.0, _seconds(native, busy, most, idle=True) - alone / most) if most > 1 else 0.0
        say(f"threads: {most}, {1e6 * start:.1f} us until all run")
        defaults = Machine()
        return defaults._replace(
            operation=operation,
            memory=memory,
            all_memory=max(memory, all_memory),
            threads=most,
            thread_start=start or defaults.thread_start,
        )


def _offered(native: Any, call: Callable[[], object]) -> Offered:
    """What a call asks the native code to run. The arrays must live on."""
    seen: list[Offered] = []
    native.offload(lambda symbol, args, arrays, work: seen.append(Offered(symbol, args, work)), 0.0)
    try:
        call()
    finally:
        native.offload(None, 0.0)
    if len(seen) != 1:
        raise PolyoptError("calibration: the functions were not optimised as expected; please report it")
    return seen[0]


def _seconds(native: Any, run: Offered, threads: int, idle: bool = False) -> float:
    """The least time of a run. idle: the threads sleep before each run, as between the calls of a program."""
    best = float("inf")
    for _ in range(REPEATS):
        if idle:
            time.sleep(0.002)
        start = time.perf_counter()
        native.run(run.symbol, run.args, -(2**63), 2**63 - 1, threads)
        best = min(best, time.perf_counter() - start)
    return best


@contextmanager
def _built() -> Iterator[tuple[ModuleType, Any]]:
    """The two functions as a package that polyopt has built, and its extension."""
    cache = Path(cache_folder(os.environ))
    compiler = toolchain.find_compiler(os.environ, cache)
    if isinstance(compiler, toolchain.NoCompiler):
        raise PolyoptError(f"{compiler.reason}: nothing can be measured, the defaults stay")
    with tempfile.TemporaryDirectory() as folder:
        package = Path(folder) / PACKAGE
        inner = package / "_polyopt"
        inner.mkdir(parents=True)
        source = ModuleSource(f"{PACKAGE}.kernels", f"{PACKAGE}/kernels.py", SOURCE)
        compiled = compile_package(f"{PACKAGE}._polyopt", [source], None, Settings(), True)
        toolchain.build_extension(
            compiler,
            compiled.kernel_sources,
            compiled.entry_sources,
            compiled.headers,
            compiler.levels(),
            "_native",
            inner,
            cache,
        )
        (package / "__init__.py").write_text("", encoding="utf-8")
        (package / "kernels.py").write_text(compiled.modules[source.name], encoding="utf-8")
        for name, content in compiled.runtime_files.items():
            (inner / name).write_bytes(content)
        sys.path.insert(0, folder)
        try:
            module = importlib.import_module(f"{PACKAGE}.kernels")
            yield module, importlib.import_module(f"{PACKAGE}._polyopt._native")
        finally:
            sys.path.remove(folder)
            for name in [name for name in sys.modules if name.partition(".")[0] == PACKAGE]:
                del sys.modules[name]
