"""The few calls of CuPy that the host code uses, on a CPU: installed as `cupy`, it compiles the CUDA source beside a cubin as C++ and
runs it.

Device memory is memory of its own, so that what was not copied is not there (fresh memory is filled with a pattern). Every call is
counted, so that tests can say what was copied and launched.
"""

from __future__ import annotations

import ctypes
import hashlib
import re
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

HERE = Path(__file__).parent
SUPPORT = HERE.parents[1] / "setuptools_polyopt" / "codegen" / "support"
FLAGS = ("-std=c++14", "-O0", "-w", "-fPIC", "-shared", "-ffp-contract=off", "-fno-strict-aliasing", "-frounding-math")
COUNTS: Counter[str] = Counter()
WRONG: list[str] = []
"""What generated code has done wrong: the host code would take the error for one of the driver's, and go on without a GPU."""
LIMIT = {"bytes": 2**40, "capability": "90", "devices": 1}
_LIBRARIES: dict[str, ctypes.CDLL] = {}
_FOLDER = tempfile.TemporaryDirectory(prefix="polyopt-standin-")
_KERNEL = re.compile(r"POLYOPT_GLOBAL void __launch_bounds__\(\d+\) (\w+)\(([^)]*)\)\n\{(.*?)\n\}\n", re.S)


class OutOfMemoryError(MemoryError):
    pass


class MemoryPointer:
    def __init__(self, ptr: int, owner: Any) -> None:
        self.ptr = ptr
        self.owner = owner


class ndarray:
    """An array in device memory."""

    def __init__(self, shape: Any, dtype: Any = float, memptr: MemoryPointer | None = None, order: str = "C") -> None:
        shape = (shape,) if isinstance(shape, (int, np.integer)) else tuple(shape)
        dtype = np.dtype(dtype)
        if memptr is None:
            size = int(np.prod(shape)) * dtype.itemsize
            if size > LIMIT["bytes"]:
                raise OutOfMemoryError(f"out of memory allocating {size} bytes")
            host = np.frombuffer(bytearray(b"\xa5" * size), dtype=dtype).reshape(shape, order=order)
        else:
            count = int(np.prod(shape)) * dtype.itemsize
            host = np.frombuffer((ctypes.c_char * count).from_address(memptr.ptr), dtype=dtype).reshape(shape)
            self.owner = memptr
        self.host = host

    @classmethod
    def over(cls, host: Any) -> ndarray:
        made = cls.__new__(cls)
        made.host = host
        return made

    shape = property(lambda self: self.host.shape)
    dtype = property(lambda self: self.host.dtype)
    strides = property(lambda self: self.host.strides)
    ndim = property(lambda self: self.host.ndim)
    size = property(lambda self: self.host.size)
    nbytes = property(lambda self: self.host.nbytes)

    @property
    def data(self) -> MemoryPointer:
        return MemoryPointer(self.host.__array_interface__["data"][0], self)

    @property
    def T(self) -> ndarray:
        return ndarray.over(self.host.T)

    def __iadd__(self, other: ndarray) -> ndarray:
        self.host += other.host
        return self

    def all(self) -> ndarray:
        return ndarray.over(np.asarray(self.host.all()))

    def __bool__(self) -> bool:
        return bool(self.host)

    def fill(self, value: Any) -> None:
        self.host.fill(value)

    def set(self, array: Any) -> None:
        assert array.shape == self.shape
        assert array.dtype == self.dtype
        COUNTS["to device"] += array.nbytes
        self.host[...] = array

    def get(self) -> Any:
        COUNTS["to host"] += self.nbytes
        return self.host.copy()

    def reshape(self, shape: Any, order: str = "C") -> ndarray:
        return ndarray.over(self.host.reshape(shape, order=order))

    def copy(self) -> ndarray:
        return ndarray.over(self.host.copy())

    def __getitem__(self, key: Any) -> ndarray:
        return ndarray.over(self.host[key])

    def __setitem__(self, key: Any, value: Any) -> None:
        self.host[key] = value.host if isinstance(value, ndarray) else value


def empty(shape: Any, dtype: Any = float, order: str = "C") -> ndarray:
    return ndarray(shape, dtype, order=order)


def array(host: Any) -> ndarray:
    """A device array as a program makes it."""
    return ndarray.over(np.array(host, order="K"))


def matmul(left: ndarray, right: ndarray) -> ndarray:
    COUNTS["products"] += 1
    return ndarray.over(np.matmul(left.host, right.host))


def isfinite(values: ndarray) -> ndarray:
    return ndarray.over(np.isfinite(values.host))


class Kernel:
    def __init__(self, library: ctypes.CDLL, name: str) -> None:
        self.launch = getattr(library, f"standin_{name}")
        self.name = name

    def __call__(self, grid: Sequence[int], block: Sequence[int], args: Sequence[Any]) -> None:
        COUNTS["launches"] += 1
        values = [np.array(arg) for arg in args]
        pointers = (ctypes.c_void_p * max(1, len(values)))(*(value.ctypes.data for value in values))
        sizes = (ctypes.c_int * max(1, len(values)))(*(value.nbytes for value in values))
        shape = [(ctypes.c_uint * 3)(*numbers) for numbers in (grid, block)]
        wrong = self.launch(*shape, pointers, sizes, len(values))
        check(np.prod(block) <= 256, f"{self.name}: a block has {np.prod(block)} threads")
        check(not wrong, f"{self.name}: argument {wrong - 1} has a wrong size, or their number is wrong")


class RawModule:
    def __init__(self, path: str | None = None, code: str | None = None, options: Sequence[str] = ()) -> None:
        COUNTS["modules"] += 1
        text = code if path is None else Path(re.sub(r"\.(sm|compute)_\d+\.(cubin|ptx)$", ".cu", path)).read_text()
        self.library = library(text)

    def get_function(self, name: str) -> Kernel:
        return Kernel(self.library, name)

    def get_global(self, name: str) -> MemoryPointer:
        return MemoryPointer(ctypes.addressof(ctypes.c_uint.in_dll(self.library, name)), self)


def check(holds: bool, otherwise: str) -> None:
    """Note and raise what is wrong."""
    if not holds:
        WRONG.append(otherwise)
        raise AssertionError(otherwise)


def library(text: str) -> ctypes.CDLL:
    """CUDA source as a library of this machine's code."""
    key = hashlib.sha256(text.encode()).hexdigest()[:24]
    if key not in _LIBRARIES:
        source = Path(_FOLDER.name) / f"{key}.cpp"
        source.write_text(f'#include "{HERE / "standin.h"}"\n{text}\n{"".join(_launchers(text))}')
        target = source.with_suffix(".so")
        command = ["g++", *FLAGS, f"-I{SUPPORT}", str(source), "-o", str(target)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        check(not done.returncode, f"{done.stderr[:3000]}\n{text}")
        _LIBRARIES[key] = ctypes.CDLL(str(target))
    return _LIBRARIES[key]


def _launchers(text: str) -> Iterator[str]:
    """A function for each kernel that takes its arguments as cuLaunchKernel does, by their addresses, and looks at their sizes."""
    for name, parameters, body in _KERNEL.findall(text):
        plain = [re.sub(r"\bPOLYOPT_RESTRICT\b|\bconst\b", "", part).strip() for part in parameters.split(",")]
        types = [head + "*" * tail.count("*") for head, tail in (part.rsplit(" ", 1) for part in plain if part)]
        values = ", ".join(f"*({kind} *)p[{k}]" for k, kind in enumerate(types))
        sizes = " ".join(f"if (sizes[{k}] != (int)sizeof({kind})) return {k + 1};" for k, kind in enumerate(types))
        yield (
            f"static void run_{name}(void **p) {{ {name}({values}); }}\n"
            f'extern "C" int standin_{name}(const unsigned *grid, const unsigned *block, void **p, const int *sizes, int count)\n'
            f"{{ if (count != {len(types)}) return {len(types) + 1}; {sizes}\n"
            f"standin_launch(run_{name}, {int('__syncthreads' in body or 'polyopt_block_' in body)}, grid, block, p); return 0; }}\n"
        )


@contextmanager
def installed() -> Iterator[ModuleType]:
    """The stand-in as `cupy` while the block runs; counts start at zero."""
    with pytest.MonkeyPatch.context() as patch:
        made = module()
        patch.setitem(sys.modules, "cupy", made)
        COUNTS.clear()
        WRONG.clear()
        yield made
        assert not WRONG, WRONG[0]


def module() -> ModuleType:
    made = ModuleType("cupy")
    cuda = ModuleType("cupy.cuda")
    cuda.runtime = type("runtime", (), {"getDeviceCount": staticmethod(lambda: LIMIT["devices"])})
    cuda.Device = type("Device", (), {"id": 0, "compute_capability": property(lambda self: LIMIT["capability"])})
    made.__dict__.update(cuda=cuda, ndarray=ndarray, empty=empty, array=array, matmul=matmul, isfinite=isfinite, RawModule=RawModule)
    return made
