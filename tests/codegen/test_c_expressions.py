"""Printed expressions against the interpreter: every operator, every type, adversarial values, every instruction-set level."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest
from codegen_harness import Library, cpu_levels, same
from random_expressions import Generator, one, values

from setuptools_polyopt.ir.dtypes import DType
from setuptools_polyopt.ir.expressions import Expr, Load, Sym, integer
from setuptools_polyopt.ir.interpreter import KernelFailed, collecting, evaluate
from setuptools_polyopt.ir.kernel import Array, Kernel, Param, Role
from setuptools_polyopt.ir.printer import print_expr
from setuptools_polyopt.ir.statements import Assign, For
from setuptools_polyopt.ir.verifier import verify
from setuptools_polyopt.ir.visitors import loads, walk_expr

COUNT = 16


def kernel_of(name: str, expr: Expr, kind: Any) -> Kernel:
    """`for i in 0..n: out[i] = expr`."""
    used = {load.array: load for load in loads(expr)}
    arrays = [
        Array(array, load.dtype, (Sym("n"),) if load.indices else (), Role.ARGUMENT if load.indices else Role.INPUT)
        for array, load in sorted(used.items())
    ]
    arrays.append(Array("out", expr.dtype, (Sym("n"),), Role.RESULT))
    body = For("i", integer(0), Sym("n"), 1, (Assign(Load("out", (Sym("i"),), expr.dtype), expr),), kind)
    kernel = Kernel(name, (Param("n"),), tuple(arrays), (body,))
    verify(kernel)
    return kernel


def reference(expr: Expr, memory: dict[str, Any], i: int) -> tuple[Any, bool, set[str]]:
    """Value, whether it failed, flags, of one element."""
    flags: set[str] = set()
    try:
        with collecting(flags):
            return evaluate(expr, {**memory, "i": i}), False, flags
    except KernelFailed:
        return None, True, flags


def check_expression(library: Library, name: str, expr: Expr, rng: random.Random) -> None:
    """All elements at once (values), then one by one (values, failures, flags)."""
    memory = {}
    for array in library.kernels[name].arrays:
        if array.role is Role.ARGUMENT:
            memory[array.name] = values(array.dtype, COUNT, rng)
        elif array.role is Role.INPUT:
            memory[array.name] = np.array(one(array.dtype, rng), dtype=array.dtype.value)[()]
    expected = [reference(expr, memory, i) for i in range(COUNT)]
    whole = dict(memory)
    result = library.call(name, whole, {"n": COUNT})
    message = f"{name}: {print_expr(expr)}"
    assert bool(result.failed) == any(failed for _, failed, _ in expected), message
    uses_i = "i" in {node.name for node in _symbols(expr)}
    for i, (value, failed, flags) in enumerate(expected):
        at = f"{message}\nat {i}: { {key: array[i] if array.ndim else array for key, array in memory.items()} }"
        if not failed:
            assert same(whole["out"][i], value), f"{at}\nC {whole['out'][i]!r}, IR {value!r}"
        if uses_i:
            continue
        alone = {key: array[i : i + 1] if array.ndim else array for key, array in memory.items()}
        single = library.call(name, alone, {"n": 1})
        assert bool(single.failed) == failed, at
        if not failed:
            assert same(alone["out"][0], value), f"{at}\nC {alone['out'][0]!r}, IR {value!r}"
            assert single.flags - {"under"} == flags - {"under"}, f"{at}\nC {single.flags}, IR {flags}"


def _symbols(expr: Expr) -> list[Sym]:
    return [node for node in walk_expr(expr) if isinstance(node, Sym)]


def expressions(seed: int, count: int, depth: int) -> dict[str, Expr]:
    """Named random expressions."""
    rng = random.Random(seed)
    dtypes = list(DType)
    return {f"k{number}": Generator(rng).expr(dtypes[number % len(dtypes)], depth) for number in range(count)}


@pytest.mark.parametrize("kind", ["serial", "vector"])
@pytest.mark.parametrize("seed", [1, 2])
def test_random_expressions(seed: int, kind: str) -> None:
    exprs = expressions(seed, 91, 3)
    library = Library([kernel_of(name, expr, kind) for name, expr in exprs.items()], (cpu_levels() or [None])[-1])
    rng = random.Random(seed)
    for name, expr in exprs.items():
        check_expression(library, name, expr, rng)
