"""The time model: monotone where it must be, crossing over where the constants say so; the file of measured constants."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from setuptools_polyopt.runtime import costs, machine
from setuptools_polyopt.runtime.machine import Machine, Run, on_gpu, on_ray, on_threads

BIG = st.floats(1.0, 1e15)
MACHINE = Machine(operation=1e-9, memory=1e10, all_memory=2e10, threads=4, thread_start=1e-5)


@given(BIG, BIG, BIG, st.integers(1, 64))
def test_more_work_never_takes_less_time(work: float, read: float, written: float, threads: int) -> None:
    less, more = Run(work, read, written, pieces=100.0), Run(2.0 * work, read, written, pieces=100.0)
    assert on_threads(less, MACHINE, threads) <= on_threads(more, MACHINE, threads)
    assert on_gpu(less, MACHINE) <= on_gpu(more, MACHINE)
    assert on_ray(less, MACHINE, 2, threads) <= 1.001 * on_ray(more, MACHINE, 2, threads)


def test_threads_pay_from_the_work_that_covers_their_start() -> None:
    start = MACHINE.thread_start / MACHINE.operation
    two = MACHINE._replace(threads=2)
    small, large = Run(1.9 * start, 0.0, 0.0), Run(2.1 * start, 0.0, 0.0)
    assert on_threads(small, two, 1) < on_threads(small, two, 2)
    assert on_threads(large, two, 1) > on_threads(large, two, 2)


def test_waking_a_thread_takes_more_work_than_using_one() -> None:
    share, wake = machine.thread_work(MACHINE)
    assert 1.0 <= share < wake
    assert machine.thread_work(MACHINE._replace(operation=1.0)) == (1.0, 1.0)


def test_memory_bounds_what_threads_gain() -> None:
    moving = Run(1.0, 1e9, 0.0)
    assert on_threads(moving, MACHINE, 1) == pytest.approx(0.1)
    assert on_threads(moving, MACHINE, 4) == pytest.approx(0.05, rel=1e-3)


def test_no_more_threads_than_there_are() -> None:
    assert on_threads(Run(1e9, 0.0, 0.0), MACHINE, 99) == on_threads(Run(1e9, 0.0, 0.0), MACHINE, 4)


@pytest.mark.parametrize("intensity", [0.1, 1000.0])
def test_the_gpu_pays_for_transfers_only_where_much_is_computed(intensity: float) -> None:
    moved = 1e8
    run = Run(intensity * moved, moved, moved)
    assert (on_gpu(run, MACHINE) < on_threads(run, MACHINE, 4)) is (intensity > 1.0)
    assert on_gpu(run._replace(resident=True), MACHINE) < on_threads(run, MACHINE, 4)


def test_a_cluster_pays_for_long_runs_only() -> None:
    short, long = Run(1e6, 1e3, 1e3, pieces=64.0), Run(1e10, 1e6, 1e6, pieces=64.0)
    assert on_ray(short, MACHINE, 8) > on_threads(short, MACHINE, 4)
    assert on_ray(long, MACHINE, 8) < on_threads(long, MACHINE, 4)
    assert on_ray(long._replace(pieces=0.0), MACHINE, 8) == float("inf")
    assert on_ray(long, MACHINE, 0) == float("inf")


@given(st.floats(1e-9, 1e4), st.integers(1, 10**6), st.integers(1, 64))
def test_tasks_become_shorter_but_not_too_short(seconds: float, pieces: int, workers: int) -> None:
    run = Run(seconds / MACHINE.operation, 0.0, 0.0, pieces=float(pieces))
    cuts = machine.ray_cuts(run, MACHINE, workers)
    sizes = [b - a for a, b in pairwise(cuts)]
    assert (cuts[0], cuts[-1]) == (0, pieces)
    assert min(sizes) >= 1
    assert sizes == sorted(sizes, reverse=True)
    assert len(sizes) >= min(workers, pieces) // 2, "work for half of the workers at least"
    assert len(sizes) <= 12 * workers + seconds
    each = seconds / pieces
    assert sizes[0] * each <= machine.LONGEST_TASK or sizes[0] == 1
    usual = min(machine.TASK_WAYS * MACHINE.ray_task, seconds / workers)
    assert len(sizes) == 1 or sizes[-2] * each >= 0.5 * usual - each, "all but the last are worth their way"


def test_nobody_waits_long_for_the_last_task() -> None:
    cuts = machine.ray_cuts(Run(6.0 / MACHINE.operation, 0.0, 0.0, pieces=640.0), MACHINE, 2)
    assert cuts[1] == 160
    assert 640 - cuts[-2] <= 10
    assert len(cuts) < 20


def test_what_is_not_shipped_costs_nothing() -> None:
    quick, slow = MACHINE._replace(ray_store=1e12), MACHINE._replace(ray_store=1e6)
    here, there = Run(1e10, 0.0, 0.0, pieces=64.0), Run(1e10, 1e9, 0.0, pieces=64.0)
    assert on_ray(here, quick, 4) == on_ray(here, slow, 4)
    assert on_ray(there, slow, 4) > 999.0
    assert on_ray(there, quick, 4, threads=4) < on_ray(there, quick, 4)


def test_the_file(tmp_path: Path) -> None:
    environ = {"POLYOPT_CACHE_DIR": str(tmp_path)}
    assert machine.load(environ) is None
    measured = Machine(operation=2e-9, threads=7, costs={"libm.sin": 2e-8})
    Path(machine.path(environ)).write_text(machine.text(measured), encoding="utf-8")
    assert machine.load(environ) == measured


@pytest.mark.parametrize(
    "content",
    ["", "[]", "{", '{"version": 1}', '{"version": 0, "machine": {"threads": 3}}', '{"version": 1, "machine": {"threads": "many"}}'],
)
def test_a_file_that_cannot_be_used_is_as_good_as_none(tmp_path: Path, content: str) -> None:
    environ = {"POLYOPT_CACHE_DIR": str(tmp_path)}
    Path(machine.path(environ)).write_text(content, encoding="utf-8")
    assert machine.load(environ) is None


def test_what_makes_no_sense_keeps_its_default(tmp_path: Path) -> None:
    environ = {"POLYOPT_CACHE_DIR": str(tmp_path)}
    listed = {"libm.sin": -1.0, "libm.cos": 1e-9, "x": 1.0}
    text = json.dumps({"version": 1, "machine": {"operation": -1.0, "memory": 5e9, "unknown": 3.0, "costs": listed}})
    Path(machine.path(environ)).write_text(text, encoding="utf-8")
    assert machine.load(environ) == Machine()._replace(memory=5e9, costs={"libm.cos": 1e-9})


def test_costs_are_units_of_this_machine() -> None:
    quick, slow = Machine(operation=1e-11, costs={"libm.sin": 1e-8}), Machine(operation=1e-9, costs={"libm.sin": 1e-8})
    assert machine.units(quick)["libm.sin"] == pytest.approx(1000.0)
    assert machine.units(slow)["libm.sin"] == pytest.approx(10.0)
    assert tuple(machine.units(slow)) == costs.NAMES
    assert machine.units(slow)["reduce.add"] == 1.0, "nothing is less than a unit"
    assert set(costs.GPU) == set(costs.NAMES)


def product_of(size: float) -> Run:
    """A product of square matrices."""
    return Run(6.0 * size**3, 2.0 * 8.0 * size**2, 8.0 * size**2, pieces=size / 32.0)


def crossover(known: Machine, seconds: Callable[[Run, Machine], float]) -> float:
    """The size from which on a place is quicker than all threads; infinite for never. Above it, it stays so."""
    sizes = [2.0 ** (k / 2.0) for k in range(6, 40)]
    better = [seconds(product_of(size), known) < on_threads(product_of(size), known, known.threads) for size in sizes]
    assert better == sorted(better), "once it pays, it pays for all larger sizes"
    return next((size for size, pays in zip(sizes, better, strict=True) if pays), float("inf"))


@pytest.mark.parametrize(
    ("constant", "factor"),
    [("gpu_bus", 0.1), ("gpu_launch", 1e3), ("gpu_transfer", 1e3), ("gpu_operation", 30.0), ("gpu_memory", 1e-3), ("threads", 16)],
)
def test_worse_constants_of_a_gpu_move_its_crossover_up(constant: str, factor: float) -> None:
    usual = Machine(threads=4)
    worse = usual._replace(**{constant: type(getattr(usual, constant))(getattr(usual, constant) * factor)})
    assert 16.0 < crossover(usual, on_gpu) < 1024.0
    assert crossover(worse, on_gpu) > crossover(usual, on_gpu)


@pytest.mark.parametrize(("constant", "factor"), [("ray_start", 100.0), ("ray_task", 30.0), ("ray_store", 0.1), ("threads", 3)])
def test_worse_constants_of_a_cluster_move_its_crossover_up(constant: str, factor: float) -> None:
    usual = Machine(threads=4)
    worse = usual._replace(**{constant: type(getattr(usual, constant))(getattr(usual, constant) * factor)})

    def on_sixteen(run: Run, known: Machine) -> float:
        return on_ray(run, known, 16)

    assert 256.0 < crossover(usual, on_sixteen) < 8192.0
    assert crossover(worse, on_sixteen) > crossover(usual, on_sixteen)
    assert crossover(usual, lambda run, known: on_ray(run, known, 4)) == float("inf"), "as many processors as here"
