"""The constants of a cluster, from a stand-in whose tasks take a known time."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from setuptools_polyopt.calibrate import on_ray
from setuptools_polyopt.cli import main
from setuptools_polyopt.diagnostics import PolyoptError
from setuptools_polyopt.runtime.machine import Machine


class Cluster(SimpleNamespace):
    """As much of `ray` as is used. Each task takes `task` seconds of the driver, the answer of a task alone `way` seconds, each
    byte of a large block `byte` seconds."""

    def __init__(self, task: float, way: float, byte: float) -> None:
        super().__init__()
        self.task, self.way, self.byte = task, way, byte
        self.connected: list[str] = []
        self.answers: list[Any] = []
        self.stopped = False

    def is_initialized(self) -> bool:
        return False

    def init(self, address: str, **options: Any) -> None:
        self.connected.append(address)

    def shutdown(self) -> None:
        self.stopped = True

    def cluster_resources(self) -> dict[str, float]:
        return {"CPU": 2.0}

    def put(self, value: Any) -> Any:
        time.sleep(self.byte * value.nbytes if value.nbytes > 1 << 18 else 0.0)
        return value

    def remote(self, **options: Any) -> Callable[[Any], Any]:
        def answered(function: Any, *args: Any) -> Any:
            time.sleep(self.task)
            self.answers.append(function(*args))
            number = 2 * len(self.answers)
            return number, number + 1

        return lambda function: SimpleNamespace(remote=lambda *args: answered(function, *args))

    def wait(self, pending: list[int], num_returns: int) -> tuple[list[int], list[int]]:
        time.sleep(self.way if len(pending) == 1 else 0.0)
        return pending[:num_returns], pending[num_returns:]

    def get(self, ref: Any) -> Any:
        if isinstance(ref, list):
            return None
        return (self.answers[ref // 2 - 1] or (0, []))[ref % 2]


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(on_ray, "ROUNDS", 3)
    monkeypatch.setattr(on_ray, "BYTES", 1 << 20)


def test_what_is_measured(quick: None, monkeypatch: pytest.MonkeyPatch) -> None:
    made = Cluster(task=2e-3, way=1e-2, byte=1e-7)
    monkeypatch.setitem(sys.modules, "ray", made)
    told: list[str] = []
    measured = on_ray.measure("somewhere:6379", Machine(operation=7e-11), told.append)
    assert made.connected == ["somewhere:6379"]
    assert made.stopped
    assert measured.operation == 7e-11
    assert measured.ray_start > 1e-2
    assert 2e-3 < measured.ray_task < measured.ray_start
    assert 0.0 < measured.ray_store < 1e8
    assert len(told) == 2


def test_a_cluster_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    made = Cluster(0.0, 0.0, 0.0)
    monkeypatch.setitem(sys.modules, "ray", made)

    def refuse(**options: Any) -> None:
        raise ConnectionError("nobody answers")

    made.init = refuse
    with pytest.raises(PolyoptError, match="no Ray cluster at nowhere: nobody answers"):
        on_ray.measure("nowhere", Machine(), print)
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(PolyoptError, match="Ray is not installed"):
        on_ray.measure("local", Machine(), print)


@pytest.mark.parametrize(("arguments", "cluster"), [([], None), (["--ray"], "local"), (["--ray", "head:6379"], "head:6379")])
def test_which_cluster(tmp_path: Any, monkeypatch: pytest.MonkeyPatch, arguments: list[str], cluster: str | None) -> None:
    asked: list[str | None] = []

    def fake(say: object, known: Machine, wanted: str | None) -> Machine:
        asked.append(wanted)
        return known

    monkeypatch.setenv("POLYOPT_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr("setuptools_polyopt.cli.calibrate", fake)
    assert main(["calibrate", *arguments]) == 0
    assert asked == [cluster]
