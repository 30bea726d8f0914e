"""Chunks of a parallel loop: with only what a chunk is said to read, and taking back only what it is said to write, nothing changes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polyhedral_kernels import CORPUS, array, at, floats, inputs, kernel, loop, minus, number, plus, put
from random_loop_nests import kernels
from test_random_kernels import SMALL

from setuptools_polyopt.codegen.python import python_expression
from setuptools_polyopt.diagnostics import Unsupported
from setuptools_polyopt.ir.dtypes import DType
from setuptools_polyopt.ir.expressions import Compare, Select
from setuptools_polyopt.ir.interpreter import evaluate, run
from setuptools_polyopt.ir.kernel import Kernel, Role
from setuptools_polyopt.ir.printer import print_kernel
from setuptools_polyopt.ir.statements import For
from setuptools_polyopt.polyhedral import optimise
from setuptools_polyopt.polyhedral.chunks import LOWER, UPPER, Box, Chunk, between, chunk
from setuptools_polyopt.polyhedral.stages import Stage, stages


def region(box: Box, values: dict[str, int]) -> tuple[slice, ...]:
    ends = [(int(evaluate(low, values)), int(evaluate(high, values))) for low, high in box]
    return tuple(slice(low, max(low, high)) for low, high in ends)


def run_in_chunks(stage: Stage, found: Chunk, arrays: dict[str, Any], params: dict[str, int], size: int) -> None:
    """Each chunk in memory of its own, the last one first; what they write is copied back when all are done."""
    assert stage.loop is not None
    lower, upper = (int(evaluate(end, params)) for end in (stage.loop.lower, stage.loop.upper))
    first, last = (lower, upper) if stage.loop.step == 1 else (0, -(-(upper - lower) // stage.loop.step))
    results = []
    part = between(stage.kernel, stage.loop)
    part = replace(part, arrays=tuple(replace(a, role=Role.ARGUMENT) if a.role is Role.RESULT else a for a in part.arrays))
    for low in reversed(range(first, last, size)):
        values = {**params, LOWER: low, UPPER: min(last, low + size)}
        own = {name: np.full_like(value, 99) if np.ndim(value) else value for name, value in arrays.items()}
        for name, box in found.reads.items():
            own[name][region(box, values)] = arrays[name][region(box, values)]
        run(part, own, values, seed=low)
        results += [(name, region(box, values), own[name]) for name, boxes in found.writes.items() for box in boxes]
    for name, where, value in results:
        arrays[name][where] = value[where]


def check(before: Kernel, params: dict[str, int], size: int) -> list[Chunk]:
    after = optimise(before).kernel
    staged = stages(after, repeats=False)
    whole, parts = inputs(before, params, 0), inputs(before, params, 0)
    for item in (*staged.temporaries, *staged.scalars, *(a for a in after.arrays if a.role is Role.RESULT and a.rank)):
        parts[item.name] = np.full([max(0, int(evaluate(extent, params))) for extent in item.extents], 77, item.dtype.value)
    run(after, whole, params)
    chunks = []
    for stage in staged.each():
        try:
            chunks.append(chunk(stage))
        except (Unsupported, ValueError):
            held = tuple(replace(a, role=Role.ARGUMENT) if a.role is Role.RESULT else a for a in stage.kernel.arrays)
            run(replace(stage.kernel, arrays=held), parts, params)
        else:
            run_in_chunks(stage, chunks[-1], parts, params, size)
    for item in staged.scalars:
        parts[item.name] = parts[item.name][0]
    for name, value in whole.items():
        np.testing.assert_array_equal(parts[name], value, err_msg=f"{name} {params} {chunks}\n{print_kernel(after)}")
    return chunks


@pytest.mark.parametrize("name", ["matmul_with_accumulator", "softmax", "diffusion", "chain"])
def test_corpus(name: str) -> None:
    before = CORPUS[name]()
    assert check(before, {param.name: 7 for param in before.params}, 2)


@settings(SMALL, max_examples=20)
@given(kernels(), st.integers(0, 5), st.integers(0, 5), st.integers(1, 3))
def test_random_kernels(before: Kernel, n: int, m: int, size: int) -> None:
    check(before, {"n": n, "m": m}, size)


@pytest.mark.slow
@settings(SMALL, max_examples=1500)
@given(kernels(), st.integers(0, 7), st.integers(0, 7), st.integers(1, 4))
def test_many_random_kernels(before: Kernel, n: int, m: int, size: int) -> None:
    check(before, {"n": n, "m": m}, size)


def boxes(found: Chunk) -> tuple[dict[str, str], dict[str, list[str]]]:
    def text(box: Box) -> str:
        return ", ".join(f"{python_expression(low)}:{python_expression(high)}" for low, high in box)

    return {name: text(box) for name, box in found.reads.items()}, {name: [text(b) for b in all_] for name, all_ in found.writes.items()}


def stage_of(loop_: For, params: str, arrays: list[Any]) -> Stage:
    body = replace(loop_, kind="parallel")
    return Stage(kernel("stage", params, arrays, body), body)


def test_a_stencil_reads_its_halo() -> None:
    row = loop("i", 1, minus("n", 1), put(at("b", "i"), floats("add", at("a", minus("i", 1)), at("a", plus("i", 1)))))
    found = chunk(stage_of(row, "n", [array("a", "n"), array("b", "n")]))
    assert boxes(found) == ({"a": "lo - 1:hi + 1"}, {"b": ["lo:hi"]})


def test_a_loop_with_a_step_is_counted() -> None:
    """Only every second element is written, so the old ones are needed."""
    row = loop("i", 1, "n", put(at("b", "i"), number(0)), step=2)
    found = chunk(stage_of(row, "n", [array("b", "n")]))
    assert boxes(found) == ({"b": "2 * lo + 1:2 * hi"}, {"b": ["2 * lo + 1:2 * hi"]})


def test_backwards_and_not_first() -> None:
    column = loop("i", 0, "n", loop("j", 0, "m", put(at("b", "j", minus(minus("n", 1), "i")), at("a", "j", "i"))))
    found = chunk(stage_of(column, "n m", [array("a", "m", "n"), array("b", "m", "n")]))
    assert boxes(found) == ({"a": "0:m, lo:hi"}, {"b": ["0:m, n - hi:n - lo"]})


def test_a_mirror_image_is_two_boxes() -> None:
    body = loop("j", "i", "n", put(at("c", "i", "j"), number(1)), put(at("c", "j", "i"), number(1)))
    found = chunk(stage_of(loop("i", 0, "n", body), "n", [array("c", "n", "n")]))
    assert boxes(found)[1] == {"c": ["lo:hi, lo:n", "lo:n, lo:hi"]}


def test_perhaps_written_is_brought() -> None:
    value = Select(Compare("gt", at("a", "i"), number(0)), at("a", "i"), at("b", "i"), DType.FLOAT64)
    found = chunk(stage_of(loop("i", 0, "n", put(at("b", "i"), value)), "n", [array("a", "n"), array("b", "n")]))
    assert boxes(found)[0] == {"a": "lo:hi", "b": "lo:hi"}


def test_chunks_that_write_among_each_other_are_refused() -> None:
    row = loop("i", 0, "n", loop("j", 0, "n", put(at("c", plus("i", "j"), plus("i", "i")), number(1))))
    interleaved = loop("i", 0, "n", put(at("c", plus("i", "i"), 0), number(1)), put(at("c", plus(plus("i", "i"), "n"), 0), number(1)))
    with pytest.raises(Unsupported) as refused:
        chunk(stage_of(interleaved, "n", [array("c", plus(plus("n", "n"), "n"), 1)]))
    assert refused.value.diagnostic.kind == "ray-overlap"
    assert chunk(stage_of(row, "n", [array("c", plus("n", "n"), plus("n", "n"))])).writes
