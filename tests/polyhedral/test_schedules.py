"""What the stage makes of well-known kernels: golden schedules and loops, and properties that must hold however they are written."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from polyhedral_kernels import CORPUS, assert_same

from setuptools_polyopt.ir.expressions import integer
from setuptools_polyopt.ir.kernel import Kernel, Role
from setuptools_polyopt.ir.statements import Alloc, Assign, For, walk
from setuptools_polyopt.ir.verifier import verify
from setuptools_polyopt.ir.visitors import map_block_exprs, substitute
from setuptools_polyopt.polyhedral import Optimised, Options, optimise

GOLDEN = Path(__file__).parent / "golden"


def done(name: str) -> Optimised:
    return optimise(CORPUS[name]())


def kinds(kernel: Kernel) -> list[str]:
    return [s.kind for s in walk(kernel.body) if isinstance(s, For)]


@pytest.mark.parametrize("name", CORPUS)
def test_golden(name: str, golden: Callable[[Path, str], None]) -> None:
    result = done(name)
    verify(result.kernel, scheduled=True)
    golden(GOLDEN / f"{name}.txt", result.dumps["schedule"] + "\n" + result.dumps["loops"])


@pytest.mark.parametrize("name", CORPUS)
def test_same_input_same_output(name: str) -> None:
    assert done(name).dumps == done(name).dumps


def test_matrix_product_runs_along_rows() -> None:
    loops = [s for s in walk(done("matmul").kernel.body) if isinstance(s, For)]
    assert [s.var for s in loops if s.kind == "vector"] == ["j"]
    assert loops[0].kind == "parallel"
    assert loops[-1].var == "j"


def test_accumulator_becomes_a_tile_buffer() -> None:
    kernel = done("matmul_with_accumulator").kernel
    extents = [e.value for e in kernel.array("s").extents]  # type: ignore[union-attr]
    assert 1 < len(extents) <= 2
    assert "parallel" in kinds(kernel)
    assert "vector" in kinds(kernel)


def test_columns_are_shared_by_threads_and_run_along_rows() -> None:
    loops = [s for s in walk(done("gram_schmidt").kernel.body) if isinstance(s, For)]
    deepest = [s for s in loops if s.kind == "vector" and any(item.label in ("S5", "S6") for item in s.body if isinstance(item, Assign))]
    assert [s.var for s in deepest] == ["j", "j"]
    assert any(s.kind == "parallel" and s.var == "j_block" for s in loops)


def test_softmax_is_one_parallel_loop_over_rows() -> None:
    kernel = done("softmax").kernel
    loops = [s for s in kernel.body if isinstance(s, For)]
    assert [s.kind for s in loops] == ["parallel"]
    assert {a.name: a.rank for a in kernel.arrays if a.role is Role.TEMPORARY} == {"h": 0, "d": 1, "e": 1, "s": 0}


def test_axes_that_a_reduction_takes_as_one_stay_whole() -> None:
    kernel = done("planes").kernel
    extents = [getattr(e, "value", None) for e in kernel.array("d").extents]
    assert extents == [1, None]
    assert [s.kind for s in kernel.body if isinstance(s, For)] == ["parallel"]


def test_every_numpy_call_is_alone_in_its_loop() -> None:
    for name in ("softmax", "chain"):
        for loop in walk(done(name).kernel.body):
            if isinstance(loop, For) and loop.kind == "vector" and any("exp" in str(s) for s in loop.body):
                assert len(loop.body) == 1


def test_plain_chains_stay_in_registers() -> None:
    kernel = done("diffusion").kernel
    scalars = [a.name for a in kernel.arrays if a.role is Role.TEMPORARY and not a.rank]
    assert len(scalars) >= 10


def test_time_steps_run_in_a_wavefront() -> None:
    for name in ("jacobi2d", "seidel2d", "lu"):
        loops = [s for s in walk(done(name).kernel.body) if isinstance(s, For)]
        assert loops[0].note == "wavefront"
        assert loops[1].kind == "parallel"


def test_everything_off_is_the_program() -> None:
    kernel = optimise(CORPUS["lu"](), Options(reorder=False, parallel=False, vector=False)).kernel
    assert set(kinds(kernel)) == {"serial"}
    assert [s.var for s in walk(kernel.body) if isinstance(s, For)] == ["k", "i", "j"]


def test_temporaries_are_allocated_once_each() -> None:
    for build in CORPUS.values():
        kernel = optimise(build()).kernel
        allocated = [s.array for s in walk(kernel.body) if isinstance(s, Alloc)]
        assert sorted(allocated) == sorted(a.name for a in kernel.arrays if a.role is Role.TEMPORARY)


def test_windows_in_loops_of_one_iteration() -> None:
    """isl leaves the loop over blocks out where there is one block; what lies at an offset from it must not mention it."""
    for extent in (1, 10, 1500):
        whole = CORPUS["chain"]()
        fixed = map_block_exprs(whole.body, lambda e, n=extent: substitute(e, {"n": integer(n)}))
        arrays = tuple(replace(a, extents=(integer(extent),)) for a in whole.arrays)
        case = replace(whole, params=(), arrays=arrays, body=fixed)
        assert_same(case, optimise(case).kernel, {})


def test_a_scheduler_out_of_budget_keeps_the_order() -> None:
    result = optimise(CORPUS["lu"](), Options(max_operations=10))
    assert any(d.kind == "schedule-cost" for d in result.diagnostics)
    assert [s.label for s in walk(result.kernel.body) if isinstance(s, Assign)] == ["S0", "S1"]
