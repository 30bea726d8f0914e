"""Printed kernels against the interpreter: random loop nests, on one thread and in pieces, at every level that the machine runs."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest
from codegen_harness import Library, cpu_levels, same
from random_kernels import random_kernel

from setuptools_polyopt.ir.interpreter import KernelFailed, run
from setuptools_polyopt.ir.kernel import Kernel, Layout, Role
from setuptools_polyopt.ir.printer import print_kernel


def laid_out(shape: tuple[int, ...], layout: Layout, rng: random.Random) -> Any:
    """An array of small values with strides that the layout allows."""
    grow = [extent + rng.randint(0, 2) for extent in shape]
    match layout:
        case Layout.C:
            base = np.zeros((grow[0], grow[1] + 1))[: shape[0], : shape[1]]
        case Layout.FORTRAN:
            base = np.zeros((grow[1], grow[0] + 1)).T[: shape[0], : shape[1]]
        case Layout.STRIDED:
            base = np.zeros((3 * grow[0], 2 * grow[1]))[::-1, ::2][: shape[0], : shape[1]]
    base[...] = np.array([[rng.choice([0.0, 1.0, -2.5, 0.125, 3.0, -0.0]) for _ in range(shape[1])] for _ in range(shape[0])])
    return base


def check(library: Library, kernel: Kernel, seed: int, pieces: int) -> None:
    """One run of the kernel on random data, all arrays and results compared."""
    rng = random.Random(seed)
    params = {"n": rng.randint(1, 7), "m": rng.randint(1, 7)}
    mine: dict[str, Any] = {"c": 0.75}
    for array in kernel.arrays:
        if array.role is Role.ARGUMENT:
            mine[array.name] = laid_out((params["n"], params["m"]), array.layout, rng)
    theirs = {name: value.copy() if isinstance(value, np.ndarray) else value for name, value in mine.items()}
    message = f"{print_kernel(kernel)}\n{params}"
    try:
        outcome = run(kernel, theirs, params, seed=seed)
    except KernelFailed:
        assert library.call(kernel.name, mine, params, pieces=pieces).failed, message
        return
    result = library.call(kernel.name, mine, params, pieces=pieces)
    assert not result.failed, message
    for name, value in theirs.items():
        assert same(mine[name], value), f"{message}\n{name}: C {mine[name]}\nIR {value}"
    assert result.flags == outcome.flags, message


def nests(seed: int, count: int) -> list[Kernel]:
    return [random_kernel(f"nest{number}", seed + number) for number in range(count)]


@pytest.mark.parametrize("seed", [0, pytest.param(1000, marks=pytest.mark.slow), pytest.param(2000, marks=pytest.mark.slow)])
def test_random_loop_nests(seed: int) -> None:
    kernels = nests(seed, 20)
    library = Library(kernels, (cpu_levels() or [None])[-1])
    for number, kernel in enumerate(kernels):
        for trial in range(3):
            check(library, kernel, seed + 7 * number + trial, pieces=1 + 2 * (trial % 2))
