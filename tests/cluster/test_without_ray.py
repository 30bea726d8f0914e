"""The same programs where Ray is not installed: a stand-in runs each task at once, in this process, on read-only copies of its arrays."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from built import Built, build, profile_of
from ray_programs import CALLS, CASES, TEXT, numbers, outcome, same
from ray_standin import StandIn

from setuptools_polyopt.config import Settings


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Built]:
    """The programs, always sent to the cluster."""
    folder = tmp_path_factory.mktemp("raystandin")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("POLYOPT_RAY", "auto")
        yield build(folder, "raystandin", TEXT, profile_of(TEXT, "raystandin.mod", CALLS), Settings(targets=("cpu", "ray")))


@pytest.fixture
def target(programs: Built) -> Any:
    """The wheel's module."""
    found = sys.modules.get("raystandin._polyopt.ray_target")
    if found is None:
        from importlib import import_module

        found = import_module("raystandin._polyopt.ray_target")
    found._remote.cache_clear()
    found._Memory.resting = found._Memory.asked = float("-inf")
    return found


@pytest.mark.filterwarnings("ignore:divide by zero")
@pytest.mark.parametrize("processors", [1, 3])
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
    monkeypatch.setattr(target, "FIRST_PATIENCE", 0.0)
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


def test_one_array_under_two_names_is_put_once(programs: Built, target: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    ray = StandIn(1)
    monkeypatch.setitem(sys.modules, "ray", ray)
    a = numbers(40, 40)
    assert same(programs.built.matmul(a, a), programs.plain.matmul(a, a))
    assert ray.tasks == 1
    assert sum(getattr(item, "nbytes", 0) for item in ray.objects) == a.nbytes


def test_a_task_that_no_node_has_room_for(programs: Built, target: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two nodes of one processor each are no room for a task of two threads: Ray would wait for ever."""
    ray = StandIn(1)
    monkeypatch.setattr(ray, "nodes", lambda: [{"Alive": True, "NodeID": name, "Resources": {"CPU": 1.0}} for name in "ab"])
    monkeypatch.setitem(sys.modules, "ray", ray)
    monkeypatch.setenv("POLYOPT_NUM_THREADS", "2")
    a = numbers(40, 40)
    assert same(programs.built.matmul(a, a), programs.plain.matmul(a, a))
    assert ray.tasks == 0
    monkeypatch.setenv("POLYOPT_NUM_THREADS", "1")
    target._Memory.asked = float("-inf")
    assert same(programs.built.matmul(a, a), programs.plain.matmul(a, a))
    assert ray.tasks > 0
