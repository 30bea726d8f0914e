"""Where a run takes place: what is forced, what the model says, what happens where a place declines."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from setuptools_polyopt.runtime.machine import Machine
from setuptools_polyopt.runtime.targets import LEAST_SECONDS, Call, Targets

MACHINE = Machine(operation=1e-9, memory=1e12, all_memory=1e12, threads=2, ray_task=1e-3, ray_store=1e12)
RAY = "setuptools_polyopt.runtime.ray_target"


@dataclass
class Native:
    """The extension's side: remembers what was asked for."""

    threads: int = 2
    asked: list[tuple[object, float]] = field(default_factory=list)

    def status(self) -> dict[str, int]:
        return {"threads": self.threads}

    def offload(self, hook: object, work: float) -> None:
        self.asked.append((hook, work))


@dataclass
class World:
    """A package with one plan, and two places that answer what a test wants."""

    native: Native = field(default_factory=Native)
    processors: int = 0
    ray_seconds: float = 0.1
    devices: tuple[int, bool] = (0, False)
    ray_answer: tuple[int, int] | None = (0, 0)
    gpu_answer: tuple[int, int] | None = (0, 0)
    ran: list[str] = field(default_factory=list)

    def targets(self, **environ: str) -> Targets:
        return Targets("fake_polyopt", self.native, environ, MACHINE)

    def run_ray(self, plan: object, call: Call, native: object, package: str, on_devices: bool) -> tuple[int, int] | None:
        self.ran.append("ray's gpus" if on_devices else "ray")
        if self.ray_answer is None:
            call.note("the cluster is gone")
        return self.ray_answer

    def run_gpu(self, plan: object, call: Call) -> tuple[int, int] | None:
        self.ran.append("gpu")
        if self.gpu_answer is None:
            call.note("there is no GPU")
        return self.gpu_answer


def plan(stages: tuple[object, ...] = (object(),), why_not: str = "") -> Any:
    def work(cost: dict[str, float]) -> float:
        return cost["libm.sin"] * 1e7

    given = {"touched": lambda *values: (8.0, 8.0), "values": lambda args: (), "work": work}
    return SimpleNamespace(**given, stages=stages, why_not=why_not, devices=stages and SimpleNamespace())


def gpu_plan() -> Any:
    return SimpleNamespace(values=lambda args: (), launches=lambda: 1.0, chain=lambda: 0.0)


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    made = World()

    def module(name: str, **content: object) -> None:
        found = ModuleType(name)
        vars(found).update(content)
        monkeypatch.setitem(sys.modules, name, found)

    module("fake_polyopt")
    module("fake_polyopt.plans", PLANS={"heat": plan(), "serial": plan((), "its outermost loop is not parallel")})
    module("fake_polyopt.gpu_plans", PLANS={"heat": gpu_plan()})

    def predicted(plan: object, values: object, known: Machine, workers: int) -> float:
        return made.ray_seconds

    ray = {"run": made.run_ray, "processors": lambda wanted, call: made.processors, "devices": lambda: made.devices}
    module(RAY, CHUNKS_PER_DEVICE=2, predicted=predicted, **ray)
    module("setuptools_polyopt.runtime.gpu_target", run=made.run_gpu)
    for name in ("ray", "cupy"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    return made


@pytest.fixture
def imported(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Makes it look as if the program had imported a module."""
    return lambda name: monkeypatch.setitem(sys.modules, name, ModuleType(name))


def test_short_runs_are_not_even_offered(world: World) -> None:
    targets = world.targets()
    targets.install(always=False)
    assert world.native.asked == [(targets, LEAST_SECONDS / MACHINE.operation)]


@pytest.mark.parametrize("environ", [{"POLYOPT_DEVICE": "gpu"}, {"POLYOPT_RAY": "auto"}])
def test_all_runs_are_offered_where_a_place_is_forced(world: World, environ: dict[str, str]) -> None:
    world.targets(**environ).install(always=False)
    assert world.native.asked[0][1] == 0.0


def test_nothing_else_is_thought_of_without_cupy_and_ray(world: World) -> None:
    world.processors = 8
    assert world.targets()("heat", b"", (), 1e9) is None
    assert world.ran == []


def test_a_gpu_that_saves_more_than_its_start_takes(world: World) -> None:
    assert world.targets()("heat", b"", (), 1e11) == (0, 0)
    assert world.ran == ["gpu"]
    assert world.targets(POLYOPT_DEVICE="cpu")("heat", b"", (), 1e11) is None


def test_where_the_program_uses_cupy_the_start_costs_nothing(world: World, imported: Callable[[str], None]) -> None:
    imported("cupy")
    targets = world.targets()
    assert targets("heat", b"", (), 1e9) == (0, 0)
    assert targets.last.place == "gpu"
    assert "predicted cpu 500030.0 us, gpu " in targets.last.text


def test_a_cluster_that_the_program_started(world: World, imported: Callable[[str], None]) -> None:
    imported("ray")
    world.processors = 8
    targets = world.targets(POLYOPT_DEVICE="cpu")
    assert targets("heat", b"", (), 1e9) == (0, 0)
    world.ray_seconds = 1.0
    assert targets("heat", b"", (), 1e9) is None, "too long a way"
    assert world.ran == ["ray"]
    assert world.targets(POLYOPT_DEVICE="cpu", POLYOPT_RAY="off")("heat", b"", (), 1e9) is None


def test_the_gpus_of_a_cluster(world: World, imported: Callable[[str], None]) -> None:
    imported("ray")
    world.processors, world.devices = 8, (4, True)
    assert world.targets()("heat", b"", (), 1e9) == (0, 0)
    assert world.targets(POLYOPT_DEVICE="cpu")("heat", b"", (), 1e9) == (0, 0)
    assert world.ran == ["ray's gpus", "ray"]
    world.devices = (4, False)  # no worker has imported CuPy yet
    assert world.targets()("heat", b"", (), 1e9) == (0, 0)
    assert world.targets(POLYOPT_DEVICE="gpu", POLYOPT_RAY="auto")("heat", b"", (), 1.0) == (0, 0)
    assert world.ran[2:] == ["ray", "ray's gpus"]


def test_what_is_forced_needs_no_gain(world: World) -> None:
    world.processors = 1
    assert world.targets(POLYOPT_RAY="auto", POLYOPT_DEVICE="cpu")("heat", b"", (), 1.0) == (0, 0)
    assert world.targets(POLYOPT_DEVICE="gpu")("heat", b"", (), 1.0) == (0, 0)
    assert world.ran == ["ray", "gpu"]


def test_a_place_that_declines_leaves_the_run_to_the_next(world: World) -> None:
    world.gpu_answer = None
    targets = world.targets(POLYOPT_DEVICE="gpu")
    assert targets("heat", b"", (), 1.0) is None
    assert targets.last.place == ""
    assert targets.last.text.endswith("there is no GPU")


def test_a_failed_run_is_an_answer(world: World) -> None:
    world.gpu_answer = (1, 0)
    assert world.targets(POLYOPT_DEVICE="gpu")("heat", b"", (), 1.0) == (1, 0)


def test_a_kernel_without_stages_says_why(world: World) -> None:
    world.processors = 8
    targets = world.targets(POLYOPT_RAY="auto")
    assert targets("serial", b"", (), 1e9) is None
    assert "its outermost loop is not parallel" in targets.last.text
    assert targets("unknown", b"", (), 1e9) is None


def test_what_a_gpu_variant_says_of_itself_counts(world: World, imported: Callable[[str], None]) -> None:
    imported("cupy")
    plans = sys.modules["fake_polyopt.gpu_plans"]
    plans.PLANS["heat"].launches = lambda: 1e9  # type: ignore[attr-defined]
    assert world.targets()("heat", b"", (), 1e9) is None
    plans.PLANS["heat"].launches = lambda: 1.0  # type: ignore[attr-defined]
    assert world.targets()("heat", b"", (), 1e9) == (0, 0)
    plans.PLANS["heat"].chain = lambda: 1e9  # type: ignore[attr-defined]
    assert world.targets()("heat", b"", (), 1e9) is None
