"""Compiles printed kernels and calls them: the bridge between the differential tests and gcc.

Kernels of a test are put into one translation unit, compiled once, and called through ctypes with a context that a shim in C fills:
NumPy's own inner loops, an arena of a few bytes (so that the slow path runs too), and a `parallel_for` that runs many small pieces in
reverse order (so that what a piece wrongly shares or keeps shows).
"""

from __future__ import annotations

import ctypes
import functools
import hashlib
import platform
import subprocess
import tempfile
from collections.abc import Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from setuptools_polyopt.codegen.c import kernel_source, loop_table, translation_unit
from setuptools_polyopt.codegen.source import KernelSource, LoopKey, Options
from setuptools_polyopt.ir.interpreter import evaluate
from setuptools_polyopt.ir.kernel import Kernel, Layout, Role

SUPPORT = Path(__file__).resolve().parents[2] / "setuptools_polyopt" / "codegen" / "support"
FLAGS = [
    "-std=c11", "-O3", "-fPIC", "-ffp-contract=off", "-fno-builtin", "-fno-math-errno", "-fno-strict-aliasing",
    "-Wall", "-Wextra", "-Werror", "-Wno-type-limits",
]  # fmt: skip
SANITIZE = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-g", "-O1", "-Wno-maybe-uninitialized"]

SHIM = r"""
#define _GNU_SOURCE
#include <fenv.h>
#include <stdlib.h>
#include "polyopt_pool.h"

static int64_t pieces;
typedef int32_t (*kernel_fn)(const void *args, struct polyopt_ctx *ctx);

static int32_t pieces_for(struct polyopt_ctx *ctx, int64_t lo, int64_t hi, int64_t grain, polyopt_body body, void *env)
{
    (void)grain;
    int64_t count = pieces < hi - lo ? pieces : hi - lo;
    for (int64_t k = count - 1; k >= 0; k--) {
        int64_t a = lo + (hi - lo) * k / count, b = lo + (hi - lo) * (k + 1) / count;
        struct polyopt_ctx inner = *ctx;
        char bytes[256];
        struct polyopt_block block;
        struct polyopt_arena arena;
        polyopt_arena_init(&arena, &block, bytes, sizeof bytes);
        inner.arena = &arena;
        inner.nthreads = 1;
        inner.failed = 0;
        body(env, a, b, &inner);
        if (!inner.failed && (arena.cursor != bytes || arena.current != &block)) abort();
        polyopt_arena_clear(&arena);
        ctx->failed |= inner.failed;
    }
    return ctx->failed;
}

int32_t shim_call(void *kernel, const void *args, const struct polyopt_loop *loops, int64_t wanted, int64_t chunk_lo,
                  int64_t chunk_hi, int32_t cancel, uint32_t *flags)
{
    static struct polyopt_functions functions;
    struct polyopt_ctx ctx = {0};
    char bytes[256];
    struct polyopt_block block;
    struct polyopt_arena arena;
    polyopt_libm_fill(&functions.libm);
    functions.loops = loops;
    functions.reduce_span = INT64_MAX;
    polyopt_arena_init(&arena, &block, bytes, sizeof bytes);
    ctx.abi = POLYOPT_ABI;
    ctx.nthreads = wanted > 1 ? 2 : 1;
    ctx.chunk_lo = chunk_lo;
    ctx.chunk_hi = chunk_hi;
    ctx.cancel = &cancel;
    ctx.fn = &functions;
    ctx.arena = &arena;
    ctx.parallel_for = pieces_for;
    ctx.poll_left = ctx.poll_step = 1;
    pieces = wanted;
    feclearexcept(FE_ALL_EXCEPT);
    int32_t failed = ((kernel_fn)kernel)(args, &ctx);
    int raised = fetestexcept(FE_ALL_EXCEPT);
    feclearexcept(FE_ALL_EXCEPT);
    *flags = (raised & FE_INVALID ? 1u : 0) | (raised & FE_DIVBYZERO ? 2u : 0) | (raised & FE_OVERFLOW ? 4u : 0)
             | (raised & FE_UNDERFLOW ? 8u : 0);
    polyopt_arena_clear(&arena);
    return failed;
}
"""

FLAG_NAMES = {1: "invalid", 2: "divide", 4: "over", 8: "under"}


class _UFunc(ctypes.Structure):
    """The public head of PyUFuncObject."""

    _fields_ = (
        ("refcount", ctypes.c_ssize_t), ("type", ctypes.c_void_p), ("nin", ctypes.c_int), ("nout", ctypes.c_int),
        ("nargs", ctypes.c_int), ("identity", ctypes.c_int), ("functions", ctypes.POINTER(ctypes.c_void_p)),
        ("data", ctypes.POINTER(ctypes.c_void_p)), ("ntypes", ctypes.c_int), ("reserved", ctypes.c_int),
        ("name", ctypes.c_char_p), ("types", ctypes.POINTER(ctypes.c_ubyte)),
    )  # fmt: skip


class _Loop(ctypes.Structure):
    _fields_ = (("call", ctypes.c_void_p), ("data", ctypes.c_void_p))


def numpy_loop(key: LoopKey) -> _Loop:
    """NumPy's own inner loop for the types."""
    ufunc = getattr(np, key.ufunc)
    head = _UFunc.from_address(id(ufunc))
    wanted = [np.dtype(name) for name in key.dtypes]
    for number in range(head.ntypes):
        codes = [head.types[number * head.nargs + k] for k in range(head.nargs)]
        if all(code < 17 for code in codes) and [np.dtype(chr_of(code)) for code in codes] == wanted:
            return _Loop(head.functions[number], head.data[number] if head.data else None)
    raise LookupError(f"NumPy has no loop {key}")


def chr_of(code: int) -> str:
    """The type character of a type number."""
    return "?bBhHiIlLqQfdgFDG"[code]


def cpu_levels() -> list[str]:
    """The x86-64 levels that this machine runs."""
    if platform.machine() != "x86_64":
        return []
    flags = set(Path("/proc/cpuinfo").read_text(encoding="utf-8").split())
    levels = ["x86-64-v2"]
    if {"avx2", "bmi2", "fma"} <= flags:
        levels.append("x86-64-v3")
    if {"avx512f", "avx512dq", "avx512bw", "avx512vl"} <= flags:
        levels.append("x86-64-v4")
    return levels


@functools.cache
def _directory() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="polyopt-codegen-")


def compile_shared(sources: Mapping[str, str], march: str | None, extra: Sequence[str] = ()) -> Path:
    """A shared library of C texts by file name."""
    digest = hashlib.sha256(repr((sorted(sources.items()), march, extra)).encode()).hexdigest()[:16]
    folder = Path(_directory().name) / digest
    folder.mkdir(exist_ok=True)
    files = []
    for name, text in sources.items():
        (folder / name).write_text(text, encoding="utf-8")
        files.append(str(folder / name))
    target = folder / "kernels.so"
    arch = [f"-march={march}"] if march else []
    command = ["gcc", *FLAGS, *arch, *extra, "-shared", f"-I{SUPPORT}", *files, str(SUPPORT / "polyopt_base.c"), "-o", str(target), "-lm"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{done.stderr}\n{folder}"
    return target


@dataclass
class Result:
    """What a call left: failure bits, floating-point flags."""

    failed: int
    flags: set[str]


class Library:
    """Compiled kernels, by name."""

    def __init__(
        self, kernels: Sequence[Kernel], march: str | None = None, options: Options | None = None, extra: Sequence[str] = ()
    ) -> None:
        self.kernels = {kernel.name: kernel for kernel in kernels}
        self.sources = {kernel.name: kernel_source(kernel, options) for kernel in kernels}
        self.text = translation_unit(list(self.sources.values()))
        self.path = compile_shared({"kernels.c": self.text + exports(list(self.sources.values())), "shim.c": SHIM}, march, extra)
        self.library = ctypes.CDLL(str(self.path))
        self.loops = (_Loop * max(1, len(loop_table(self.sources.values()))))(*map(numpy_loop, loop_table(self.sources.values())))

    def call(
        self,
        name: str,
        arrays: MutableMapping[str, Any],
        params: Mapping[str, int],
        *,
        pieces: int = 1,
        chunk: tuple[int, int] = (-(2**63), 2**63 - 1),
        cancel: int = 0,
    ) -> Result:
        """Run a kernel as `interpreter.run` does: arguments in place, results added to `arrays`."""
        kernel, source = self.kernels[name], self.sources[name]
        args, results = argument_struct(kernel, source, arrays, params)
        flags = ctypes.c_uint32()
        address = getattr(self.library, f"test_{source.symbol}")
        address.restype = ctypes.c_void_p
        self.library.shim_call.restype = ctypes.c_int32
        failed = self.library.shim_call(
            ctypes.c_void_p(address()), ctypes.byref(args), self.loops, ctypes.c_int64(pieces),
            ctypes.c_int64(chunk[0]), ctypes.c_int64(chunk[1]), ctypes.c_int32(cancel), ctypes.byref(flags),
        )  # fmt: skip
        for key, value in results.items():
            arrays[key] = value if kernel.array(key).rank else value[()]
        return Result(failed, {text for bit, text in FLAG_NAMES.items() if flags.value & bit})


def exports(sources: Sequence[KernelSource]) -> str:
    """Visible functions that answer the addresses of the kernels, which are hidden."""
    return "\n#pragma GCC visibility push(default)\n" + "".join(
        f"void *test_{source.symbol}(void);\nvoid *test_{source.symbol}(void) {{ return (void *)POLYOPT_KERNEL({source.symbol}); }}\n"
        for source in sources
    )


def argument_struct(
    kernel: Kernel, source: KernelSource, arrays: Mapping[str, Any], params: Mapping[str, int]
) -> tuple[ctypes.Structure, dict[str, Any]]:
    """The filled struct of arguments and the fresh results."""
    results: dict[str, Any] = {}
    for array in kernel.arrays:
        if array.role is Role.RESULT:
            shape = tuple(max(0, int(evaluate(extent, params))) for extent in array.extents)
            order = "F" if array.layout is Layout.FORTRAN else "C"
            fresh = np.empty(shape, dtype=array.dtype.value, order=order)
            fresh.reshape(-1, order="A").view(np.uint8).fill(1 if array.dtype.value == "bool" else 0x5A)
            results[array.name] = fresh
    values: list[tuple[str, Any, Any]] = []
    for field in source.args:
        if field.kind == "param":
            values.append((field.name, ctypes.c_int64, int(params[field.source])))
        elif field.kind in ("data", "result"):
            array = results[field.source] if field.source in results else arrays[field.source]
            values.append((field.name, ctypes.c_void_p, array.ctypes.data))
        elif field.kind == "stride":
            array = results[field.source] if field.source in results else arrays[field.source]
            values.append((field.name, ctypes.c_int64, array.strides[field.axis] // array.itemsize))
        else:
            scalar = np.array(arrays[field.source], dtype=field.dtype.value)
            real = np.ctypeslib.as_ctypes_type(field.dtype.real.value)
            ctype = real * 2 if field.dtype.is_complex else real
            values.append((field.name, ctype, ctype.from_buffer_copy(scalar.tobytes())))
    struct = type("Args", (ctypes.Structure,), {"_fields_": [(name, ctype) for name, ctype, _ in values] or [("x", ctypes.c_int64)]})
    filled = struct()
    for name, _, value in values:
        setattr(filled, name, value)
    return filled, results


def same(a: Any, b: Any) -> bool:
    """The same bits, any NaN like any other."""
    a, b = np.asarray(a), np.asarray(b)
    if a.dtype != b.dtype or a.shape != b.shape:
        return False
    if a.dtype.kind in "fc":
        a, b = (np.ascontiguousarray(x).reshape(-1).view(a.real.dtype) for x in (a, b))
        return bool(np.all((np.isnan(a) & np.isnan(b)) | ((a == b) & (np.signbit(a) == np.signbit(b)))))
    return bool(np.array_equal(a, b))
