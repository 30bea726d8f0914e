"""NVRTC, CUDA's compiler as a library: found, and its output kept by content. It needs neither a GPU nor a driver nor CuPy.

What: `find_nvrtc` answers an `Nvrtc` or a `NoNvrtc` with the reason; `build_cubins` compiles CUDA C++ for each architecture (a cubin
runs on that architecture and its minor successors) and once as PTX, from which drivers make code for everything newer.

Where it is looked for: the packages `nvidia-cuda-nvrtc-cu12` (or -cu13) in the build's environment, then `CUDA_HOME` and `CUDA_PATH`,
then the system's library path.

No FMA contraction, no flushing of subnormal numbers, IEEE division and square roots: results have the bits of the CPU's arithmetic.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import hashlib
import importlib.util
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from setuptools_polyopt.runtime.gpu_plan import FLAGS, HEADERS
from setuptools_polyopt.toolchain import ToolchainError, forget_old, write_atomically

__all__ = ["DEFAULT_ARCHITECTURES", "FLAGS", "HEADERS", "NoNvrtc", "Nvrtc", "Refused", "build_cubins", "compile_cuda", "find_nvrtc"]

DEFAULT_ARCHITECTURES = ("sm_75", "sm_80", "sm_90")


@dataclass(frozen=True)
class Nvrtc:
    """The library, by path or name, its version, and the architectures that it compiles for (`sm_75`, ...)."""

    path: str
    version: tuple[int, int]
    architectures: tuple[str, ...]


@dataclass(frozen=True)
class NoNvrtc:
    """Why there is none, as a clause that ends a sentence."""

    reason: str


class Refused(ToolchainError):
    """Sources that NVRTC does not compile. made: what it has made of the others. refused: the message for each."""

    def __init__(self, made: dict[str, bytes], refused: Mapping[str, str]) -> None:
        super().__init__("\n".join(refused.values()))
        self.made, self.refused = made, refused


def find_nvrtc(environ: Mapping[str, str]) -> Nvrtc | NoNvrtc:
    """The first NVRTC that loads."""
    reason = "NVRTC was not found (the package nvidia-cuda-nvrtc-cu12 has it)"
    for candidate in _candidates(environ):
        try:
            return _describe(candidate)
        except (OSError, AttributeError) as error:
            reason = f"{candidate} cannot be loaded: {error}"
    return NoNvrtc(reason)


def _candidates(environ: Mapping[str, str]) -> Iterator[str]:
    for name in ("nvidia.cuda_nvrtc", "nvidia.cu13"):
        try:
            spec = importlib.util.find_spec(name)
        except (ImportError, ValueError):
            spec = None
        for folder in (spec.submodule_search_locations or ()) if spec else ():
            yield from _libraries(Path(folder) / "lib")
    for variable in ("CUDA_HOME", "CUDA_PATH"):
        if environ.get(variable):
            yield from _libraries(Path(environ[variable]) / "lib64")
    found = ctypes.util.find_library("nvrtc")
    if found:
        yield found


def _libraries(folder: Path) -> Iterator[str]:
    """`libnvrtc.so.12`, but not `libnvrtc.alt.so.12` or the builtins beside it."""
    yield from (str(path) for path in sorted(folder.glob("libnvrtc.so*"), reverse=True))


def _describe(path: str) -> Nvrtc:
    library = ctypes.CDLL(path)
    major, minor, count = ctypes.c_int(), ctypes.c_int(), ctypes.c_int()
    _check(library, library.nvrtcVersion(ctypes.byref(major), ctypes.byref(minor)), "tell its version")
    _check(library, library.nvrtcGetNumSupportedArchs(ctypes.byref(count)), "tell its architectures")
    known = (ctypes.c_int * count.value)()
    _check(library, library.nvrtcGetSupportedArchs(known), "tell its architectures")
    return Nvrtc(path, (major.value, minor.value), tuple(f"sm_{number}" for number in known))


def build_cubins(
    nvrtc: Nvrtc,
    sources: Mapping[str, str],
    headers: Mapping[str, str],
    architectures: Sequence[str] = (),
    cache_dir: Path | None = None,
    jobs: int = 0,
) -> dict[str, bytes]:
    """Compile CUDA C++ (by file name, `f.cu`): `f.sm_80.cubin` for each architecture, and `f.compute_90.ptx` for the newest.

    architectures: none for the usual ones; those that this NVRTC does not know are left out. Raises ToolchainError, `Refused` where some
    of the sources are at fault.
    """
    wanted = [name for name in architectures or DEFAULT_ARCHITECTURES if name.rstrip("a") in nvrtc.architectures]
    if not wanted:
        raise ToolchainError(f"NVRTC {nvrtc.version[0]}.{nvrtc.version[1]} compiles for none of {', '.join(architectures)}")
    newest = max(wanted, key=lambda name: int(name.rstrip("a").removeprefix("sm_")))
    targets = [*((name, "cubin") for name in wanted), (newest.replace("sm_", "compute_"), "ptx")]
    work = [(file, text, name, form) for file, text in sorted(sources.items()) for name, form in targets]

    def make(item: tuple[str, str, str, str]) -> tuple[str, bytes | ToolchainError]:
        file, text, name, form = item
        try:
            return f"{file.removesuffix('.cu')}.{name}.{form}", _object(nvrtc, file, text, headers, name, form, cache_dir)
        except ToolchainError as error:
            return file, error

    with ThreadPoolExecutor(jobs or os.cpu_count() or 1) as pool:
        done = list(pool.map(make, work))
    if cache_dir is not None:
        forget_old(cache_dir / "cubins")
    refused = {name: str(error) for name, error in reversed(done) if isinstance(error, ToolchainError)}
    stems = tuple(f"{name.removesuffix('.cu')}." for name in refused)
    found = {name: content for name, content in done if isinstance(content, bytes) and not name.startswith(stems)}
    if refused:
        raise Refused(found, refused)
    return found


def _object(
    nvrtc: Nvrtc, file: str, text: str, headers: Mapping[str, str], architecture: str, form: str, cache_dir: Path | None
) -> bytes:
    content = json.dumps([nvrtc.version, FLAGS, file, text, sorted(headers.items()), architecture, form])
    key = hashlib.sha256(content.encode()).hexdigest()
    kept = cache_dir / "cubins" / key[:2] / f"{key}.{form}" if cache_dir is not None else None
    if kept is not None:
        try:
            found = kept.read_bytes()
            os.utime(kept)
            return found
        except OSError:
            pass
    made = compile_cuda(nvrtc, file, text, headers, architecture, form)
    if kept is not None:
        write_atomically(kept, made)
    return made


def compile_cuda(nvrtc: Nvrtc, file: str, text: str, headers: Mapping[str, str], architecture: str, form: str) -> bytes:
    """One source for one architecture (`sm_80` gives a cubin, `compute_80` PTX). Raises ToolchainError with the compiler's messages."""
    library = ctypes.CDLL(nvrtc.path)
    program = ctypes.c_void_p()
    names = (ctypes.c_char_p * len(headers))(*(name.encode() for name in headers))
    texts = (ctypes.c_char_p * len(headers))(*(content.encode() for content in headers.values()))
    created = library.nvrtcCreateProgram(ctypes.byref(program), text.encode(), file.encode(), len(headers), texts, names)
    _check(library, created, f"take {file}")
    try:
        options = [f"--gpu-architecture={architecture}".encode(), *(flag.encode() for flag in FLAGS)]
        status = library.nvrtcCompileProgram(program, len(options), (ctypes.c_char_p * len(options))(*options))
        if status:
            log = _read(library, program, "ProgramLog").rstrip(b"\0").decode(errors="replace").strip().splitlines()
            errors = [line for line in log if "error" in line] or log
            raise ToolchainError("\n  ".join([f"NVRTC could not compile {file} for {architecture}:", *errors[:3]]))
        made = _read(library, program, "CUBIN" if form == "cubin" else "PTX")
        return made.rstrip(b"\0") if form == "ptx" else made
    finally:
        library.nvrtcDestroyProgram(ctypes.byref(program))


def _read(library: ctypes.CDLL, program: ctypes.c_void_p, what: str) -> bytes:
    size = ctypes.c_size_t()
    _check(library, getattr(library, f"nvrtcGet{what}Size")(program, ctypes.byref(size)), f"give its {what}")
    content = ctypes.create_string_buffer(size.value)
    _check(library, getattr(library, f"nvrtcGet{what}")(program, content), f"give its {what}")
    return content.raw


def _check(library: ctypes.CDLL, status: int, what: str) -> None:
    if status:
        library.nvrtcGetErrorString.restype = ctypes.c_char_p
        raise ToolchainError(f"NVRTC could not {what}: {library.nvrtcGetErrorString(status).decode()}")
