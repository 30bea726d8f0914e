"""The same programs where Ray is not installed: a stand-in runs each task at once, in this process, on read-only copies of its arrays."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from built import Built, build, profile_of
from ray_programs import CALLS, CASES, TEXT, outcome, same

from setuptools_polyopt.config import Settings


class StandIn(SimpleNamespace):
    """As much of `ray` as the target uses. lost: the number of the task whose answer never comes."""

    SCRIPT_MODE = 0

    def __init__(self, processors: int) -> None:
        worker = SimpleNamespace(mode=self.SCRIPT_MODE)
        client = SimpleNamespace(ray=SimpleNamespace(is_connected=lambda: False))
        super().__init__(util=SimpleNamespace(client=client), get_runtime_context=lambda: SimpleNamespace(worker=worker))
        self.processors, self.tasks, self.lost = processors, 0, -1
        self.objects: list[Any] = []

    def is_initialized(self) -> bool:
        return True

    def cluster_resources(self) -> dict[str, float]:
        return {"CPU": float(self.processors)}

    def nodes(self) -> list[dict[str, bool]]:
        return [{"Alive": True}]

    def put(self, value: Any) -> int:
        kept = value.copy(order="K")
        kept.flags.writeable = False
        self.objects.append(kept)
        return len(self.objects) - 1

    def remote(self, **options: Any) -> Callable[[Any], Any]:
        assert options["num_returns"] == 2

        def task(function: Any) -> Any:
            return SimpleNamespace(remote=lambda order, *pieces: self._run(function, order, pieces))

        return task

    def _run(self, function: Any, order: Any, pieces: tuple[int, ...]) -> tuple[Any, Any]:
        number, self.tasks = self.tasks, self.tasks + 1
        if number == self.lost:
            return "lost", "lost"
        answer = function(order, *(self.objects[piece] for piece in pieces))
        sys.modules[function.__module__].State.active = False  # type: ignore[attr-defined]
        self.objects += answer
        return len(self.objects) - 2, len(self.objects) - 1

    def wait(self, refs: list[Any], num_returns: int, timeout: float) -> tuple[list[Any], list[Any]]:
        ready = [ref for ref in refs if ref != "lost"][-num_returns:]  # the youngest first: any order must do
        return ready, []

    def get(self, ref: Any, timeout: float = 0.0) -> Any:
        return self.objects[ref]

    def cancel(self, ref: Any) -> None:
        pass


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Built]:
    """The programs, always sent to the cluster."""
    folder = tmp_path_factory.mktemp("standin")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("POLYOPT_RAY", "auto")
        yield build(folder, "standin", TEXT, profile_of(TEXT, "standin.mod", CALLS), Settings(targets=("cpu", "ray")))


@pytest.fixture
def target(programs: Built) -> Any:
    """The wheel's module."""
    found = sys.modules.get("standin._polyopt.ray_target")
    if found is None:
        from importlib import import_module

        found = import_module("standin._polyopt.ray_target")
    found._remote.cache_clear()
    found._Memory.resting = found._Memory.asked = float("-inf")
    return found


@pytest.mark.filterwarnings("ignore:divide by zero")
@pytest.mark.parametrize("processors", [1, 2, 5])
@pytest.mark.parametrize("name", CASES)
def test_same_as_python(programs: Built, target: Any, monkeypatch: pytest.MonkeyPatch, name: str, processors: int) -> None:
    ray = StandIn(processors)
    monkeypatch.setitem(sys.modules, "ray", ray)
    function, args = CASES[name]
    assert same(outcome(getattr(programs.built, function), args), outcome(getattr(programs.plain, function), args))
    assert ray.tasks >= min(2, processors)


@pytest.mark.parametrize("lost", [0, 1])
def test_what_is_lost_is_computed_here(
    programs: Built, target: Any, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], lost: int
) -> None:
    """Chunks before and after the lost one are in place already, or are held back where the function may raise."""
    monkeypatch.setattr(target, "PATIENCE", 0.0)
    for name in ("halo", "in place", "several results", "columns in memory"):
        ray = StandIn(2)
        ray.lost = lost
        monkeypatch.setitem(sys.modules, "ray", ray)
        target._remote.cache_clear()
        target._Memory.resting = float("-inf")
        function, args = CASES[name]
        assert same(outcome(getattr(programs.built, function), args), outcome(getattr(programs.plain, function), args))
        assert "no answer" in capfd.readouterr().err


def test_blocks_are_held_back_where_a_chunk_may_fail(programs: Built, target: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The arguments change when the last chunk has ended, not before."""
    ray = StandIn(2)
    monkeypatch.setitem(sys.modules, "ray", ray)
    a, b = (np.array(value) for value in CASES["in place"][1])
    before = a.copy()
    unchanged = []
    take = target._Spread._take

    def watched(spread: Any, status: Any, now: float) -> None:
        take(spread, status, now)
        unchanged.append(np.array_equal(a, before))

    monkeypatch.setattr(target._Spread, "_take", watched)
    programs.built.update(a, b)
    assert len(unchanged) > 1
    assert all(unchanged)
    assert not np.array_equal(a, before)
