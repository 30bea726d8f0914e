"""The processor's constants: what a unit of work takes, memory, the start of threads, and what slow operations and functions cost.

A stencil whose arrays stay in the cache says what a unit is, a copy of arrays that lie in memory how fast memory is. A function for each
slow operation and for each function of libm does little else; its time less that of its other units, by how often the estimate counts
it, is its cost. NumPy's own loops are called as they are.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from setuptools_polyopt.calibrate.building import Kernels, least
from setuptools_polyopt.runtime import costs
from setuptools_polyopt.runtime.machine import Machine

_HEAD = """\
import math
import numpy as np
from numpy.typing import NDArray
"""
_FUNCTIONS = '''\
def compute(a: NDArray[np.float64], b: NDArray[np.float64]):
    for i in range(1, a.shape[0] - 1):
        for j in range(1, a.shape[1] - 1):
            b[i, j] = 0.2 * (a[i, j] + a[i, j - 1] + a[i, j + 1] + a[i - 1, j] + a[i + 1, j])


def move(a: NDArray[np.float64], b: NDArray[np.float64]):
    for i in range(a.shape[0]):
        b[i] = a[i] + 1.0


def scalar(a: NDArray[np.float64], b: NDArray[np.float64]):
    for i in range(a.shape[0]):
        for j in range(1, a.shape[1]):
            b[i, j] = 0.5 * a[i, j] + 0.25 * b[i, j - 1]
'''
_ELEMENTS = {"div": "1.5 / a + 1.0", "sqrt": "np.sqrt(a) + 1.0", "floordiv": "1.5 // a + 1.0", "mod": "1.5 % a + 1.0"}
"""Slow operations on arrays (as scalars, Python checks them), with another one, since one alone is left to NumPy."""
_LIBM = [name for name in costs.LIBM if hasattr(math, name) and name != "hypot"]
"""Functions that `math` hands to libm."""
_PAIRS = frozenset({"atan2", "fmod", "pow", "remainder"})


_ARGUMENTS = "(a: NDArray[np.float64], b: NDArray[np.float64])"


def _libm(name: str) -> str:
    args = "a[i], a[i]" if name in _PAIRS else "a[i]"
    return f"def {name}{_ARGUMENTS}:\n    for i in range(a.shape[0]):\n        b[i] = math.{name}({args})\n"


SOURCE = "\n\n".join([_HEAD, _FUNCTIONS, *(f"def {name}{_ARGUMENTS}:\n    b[:] = {text}\n" for name, text in _ELEMENTS.items())])
LIBM_SOURCE = "\n\n".join([_HEAD, *map(_libm, _LIBM)])

CACHED = (160, 320)
"""Rows and columns of the first function: both arrays stay in the second-level cache."""
LARGE = 1 << 24
"""Elements of each array of the second function: beyond any cache."""
ELEMENTS = 8192
"""Of a slow operation: arrays that stay in the first-level cache."""


def measure(kernels: Kernels, known: Machine, say: Callable[[str], object]) -> Machine:
    """The processor's constants, over those that are known."""
    most = int(kernels.native.status()["threads"])
    a, b = np.ones(CACHED), np.ones(CACHED)
    busy = kernels.offered("compute", a, b)
    alone = kernels.seconds(busy, 1)
    operation = alone / busy.work
    say(f"one core: {1e9 * operation:.3f} ns for a unit of work")
    large, result = np.ones(LARGE), np.ones(LARGE)
    moving = kernels.offered("move", large, result)
    moved = float(large.nbytes + result.nbytes)
    memory, all_memory = (moved / kernels.seconds(moving, threads) for threads in (1, most))
    say(f"memory: {memory / 1e9:.1f} GB/s from one core, {all_memory / 1e9:.1f} GB/s from {most}")
    start = max(0.0, kernels.seconds(busy, most, idle=True) - alone / most) if most > 1 else 0.0
    say(f"threads: {most}, {1e6 * start:.1f} us until all run")
    slow = {**_operations(kernels, operation), **_loops()}
    _tell(slow, ("scalar", "div", "numpy.exp.float64"), say)
    return known._replace(
        operation=operation,
        memory=memory,
        all_memory=max(memory, all_memory),
        threads=most,
        thread_start=start or known.thread_start,
        costs={**known.costs, **slow},
    )


def measure_libm(kernels: Kernels, known: Machine, say: Callable[[str], object]) -> Machine:
    """What the functions of libm cost, over what is known."""
    a, b = np.linspace(0.2, 0.9, ELEMENTS), np.ones(ELEMENTS)
    usual = {name: _cost(kernels, known.operation, name, f"libm.{name}", a + 1.0 if name == "acosh" else a, b) for name in _LIBM}
    found = {f"libm.{name}": seconds for name, seconds in usual.items() if seconds > 0.0}
    _tell(found, ("libm.sin", "libm.pow"), say)
    return known._replace(costs={**known.costs, **found})


def _tell(found: dict[str, float], some: tuple[str, ...], say: Callable[[str], object]) -> None:
    shown = ", ".join(f"{name} {1e9 * found[name]:.2f} ns" for name in some if name in found)
    say(f"slow operations: {shown}, and {max(0, len(found) - len(some))} more")


def _operations(kernels: Kernels, operation: float) -> dict[str, float]:
    """Seconds of slow operations."""
    a, b = np.linspace(0.2, 0.9, ELEMENTS), np.ones(ELEMENTS)
    rows = (64, ELEMENTS // 64)
    found = {"scalar": _cost(kernels, operation, "scalar", "scalar", a.reshape(rows), b.reshape(rows))}
    found |= {name: _cost(kernels, operation, name, name, a, b) for name in _ELEMENTS}
    return {name: seconds for name, seconds in found.items() if seconds > 0.0}


def _cost(kernels: Kernels, operation: float, function: str, name: str, *args: np.ndarray) -> float:
    """Seconds of what a function does more than its other units."""
    usual, with_one = kernels.offered(function, *args), kernels.offered(function, *args, cost=name)
    times = with_one.work - usual.work
    return (kernels.seconds(usual, 1) - usual.work * operation) / times if times > 0.0 else 0.0


def _loops() -> dict[str, float]:
    """Seconds of an element of NumPy's own loops."""
    found = {}
    with np.errstate(all="ignore"):
        for kind in costs.KINDS:
            values = np.linspace(0.2, 0.9, ELEMENTS) * (1.0 + 0.5j if kind.startswith("complex") else 1.0)
            for name in costs.UFUNCS:
                x = (values + 1.0 if name == "arccosh" else values).astype(kind)
                seconds = _element(getattr(np, name), x)
                if seconds > 0.0:
                    found[f"numpy.{name}.{kind}"] = seconds
        x = np.linspace(0.2, 0.9, ELEMENTS)
        for name in costs.REDUCTIONS:
            reduce = getattr(np, name).reduce
            found[f"reduce.{name}"] = max(1e-12, (least(lambda: reduce(x)) - least(lambda: reduce(x[:1]))) / ELEMENTS)  # noqa: B023
    return found


def _element(ufunc: np.ufunc, x: np.ndarray) -> float:
    """Seconds of an element; zero where the ufunc has no loop for the type."""
    try:
        out = ufunc(*(x,) * ufunc.nin)
    except TypeError:
        return 0.0
    one = (x[:1],) * ufunc.nin
    return (least(lambda: ufunc(*(x,) * ufunc.nin, out=out)) - least(lambda: ufunc(*one, out=out[:1]))) / x.size
