"""Tiles in shared memory: which elements isl puts there, and that kernels with tiles and barriers leave the interpreter's bits."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import gpu_harness
import numpy as np
import pytest
from polyhedral_kernels import CORPUS, array, at, floats, inputs, kernel, loop, minus, number, plus, put

from setuptools_polyopt import nvrtc
from setuptools_polyopt.codegen import support
from setuptools_polyopt.ir.expressions import Expr
from setuptools_polyopt.ir.interpreter import run as interpret
from setuptools_polyopt.ir.kernel import Kernel, Role
from setuptools_polyopt.multiversion.gpu import GpuVariant, cuda_source


def window() -> Kernel:
    """A window of constant size: its loops are strips, and nothing of the image is read twice by a thread alone."""
    product = floats("mul", at("x", plus("i", "p"), plus("j", "q")), at("w", "p", "q"))
    update = put(at("o", "i", "j"), floats("add", at("o", "i", "j"), product), "S1")
    body = loop("i", 0, "n", loop("j", 0, "m", put(at("o", "i", "j"), number(0.0), "S0"), loop("p", 0, 3, loop("q", 0, 3, update))))
    shape = [array("x", plus("n", 2), plus("m", 2)), array("w", 3, 3), array("o", "n", "m", role=Role.RESULT)]
    return kernel("window", "n m", shape, body)


def bodies() -> Kernel:
    """Every thread of a block reads every x[j]: one dimension, strips of 128."""
    apart = floats("sub", at("x", "i"), at("x", "j"))
    update = put(at("f", "i"), floats("add", at("f", "i"), floats("mul", apart, apart)), "S1")
    body = loop("i", 0, "n", put(at("f", "i"), number(0.5), "S0"), loop("j", 0, "n", update))
    return kernel("bodies", "n", [array("x", "n"), array("f", "n", role=Role.RESULT)], body)


def seven_points() -> Kernel:
    """Three dimensions."""
    center = ("i", "j", "k")
    total: Expr = at("u", *center)
    for axis in range(3):
        for shift in (plus, minus):
            total = floats("add", total, at("u", *(shift(v, 1) if a == axis else v for a, v in enumerate(center))))
    body = put(at("v", *center), floats("mul", number(0.125), total), "S0")
    for var, size in (("k", "p"), ("j", "m"), ("i", "n")):
        body = loop(var, 1, minus(size, 1), body)  # type: ignore[assignment]
    return kernel("seven_points", "n m p", [array("u", "n", "m", "p"), array("v", "n", "m", "p")], body)


def scaled_steps() -> Kernel:
    """Subscripts with factors: boxes with holes."""
    total = floats("add", floats("add", at("x", ints2("i")), at("x", plus(ints2("i"), 1))), at("x", plus(ints2("i"), 3)))
    body = loop("i", 0, "n", put(at("o", "i"), total, "S0"))
    return kernel("scaled_steps", "n", [array("x", plus(ints2("n"), 3)), array("o", "n", role=Role.RESULT)], body)


def triangle(upper: bool) -> Kernel:
    """Products of columns, each pair once: blocks beside the diagonal have threads without work, and strips of k for all."""
    product = floats("mul", at("d", "k", "i"), at("d", "k", "j"))
    update = put(at("c", "i", "j"), floats("add", at("c", "i", "j"), product), "S1")
    inner = (put(at("c", "i", "j"), number(0.25), "S0"), loop("k", 0, "n", update))
    body = loop("i", 0, "m", loop("j", "i", "m", *inner) if upper else loop("j", 0, plus("i", 1), *inner))
    return kernel("triangle", "n m", [array("d", "n", "m"), array("c", "m", "m")], body)


def ints2(name: str) -> Expr:
    return plus(name, name)


KERNELS = {**{name: CORPUS[name] for name in ("matmul", "matmul_with_accumulator", "jacobi2d", "diffusion")},
           "window": window, "bodies": bodies, "seven_points": seven_points, "scaled_steps": scaled_steps,
           "upper": lambda: triangle(True), "lower": lambda: triangle(False)}  # fmt: skip
TILES = {"matmul": 2, "matmul_with_accumulator": 2, "jacobi2d": 2, "diffusion": 1, "window": 2, "bodies": 1, "seven_points": 1,
         "scaled_steps": 0, "upper": 2, "lower": 2}  # fmt: skip


def outcome(before: Kernel, variant: GpuVariant, folder: Path, params: Mapping[str, int]) -> list[str]:
    """The arrays that differ from the interpreter's."""
    expected, found = inputs(before, params), inputs(before, params)
    interpret(before, expected, params)
    answer = gpu_harness.run(variant, folder, before, found, params)
    assert answer is not None, gpu_harness.NOTES
    assert not answer[0]
    return [name for name, value in expected.items() if np.asarray(found[name]).tobytes() != np.asarray(value).tobytes()]


@pytest.mark.parametrize("name", KERNELS)
@pytest.mark.parametrize("size", [1, 5, 37])
def test_bits_of_the_interpreter(name: str, size: int, tmp_path: Path) -> None:
    before = KERNELS[name]()
    variant = gpu_harness.variant_of(before)
    assert cuda_source([variant]).count("__shared__ double ") == TILES[name]
    params = {param.name: 2 if param.name == "t" else size + 2 * k for k, param in enumerate(before.params)}
    assert outcome(before, variant, tmp_path, params) == []


@pytest.mark.parametrize("name", ["matmul", "jacobi2d"])
def test_barriers_matter_to_the_stand_in(name: str, tmp_path: Path) -> None:
    """Without them, threads read what others have not copied yet."""
    before = KERNELS[name]()
    variant = gpu_harness.variant_of(before)
    kernels = tuple(replace(item, text=item.text.replace("__syncthreads();", ";")) for item in variant.kernels)
    assert outcome(before, replace(variant, kernels=kernels), tmp_path, {param.name: 33 for param in before.params})


def test_names_of_the_program_are_not_those_of_tiles(tmp_path: Path) -> None:
    """Arrays called as generated names are."""
    arrays = [array("e", plus("i_first", 2)), array("e_tile", "i_first", role=Role.RESULT)]
    total = floats("add", floats("add", at("e", "i"), at("e", plus("i", 1))), at("e", plus("i", 2)))
    body = loop("i", 0, "i_first", put(at("e_tile", "i"), floats("add", total, at("e", "i")), "S0"))
    before = kernel("names", "i_first", arrays, body)
    variant = gpu_harness.variant_of(before)
    assert "__shared__" in cuda_source([variant])
    assert outcome(before, variant, tmp_path, {"i_first": 300}) == []


@pytest.mark.slow
def test_nvrtc_compiles_them() -> None:
    compiler = nvrtc.find_nvrtc(os.environ)
    if isinstance(compiler, nvrtc.NoNvrtc):
        pytest.skip(compiler.reason)
    sources = {f"{name}.cu": cuda_source([gpu_harness.variant_of(make())]) for name, make in KERNELS.items()}
    folder = Path(support.__file__).parent
    made = nvrtc.build_cubins(compiler, sources, {name: (folder / name).read_text() for name in nvrtc.HEADERS})
    assert len(made) == 4 * len(sources)
