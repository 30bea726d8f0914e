"""Programs on a real cluster of two raylets: the same bits as CPython, whatever happens to the cluster."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from built import build, profile_of
from cluster_harness import Ready
from ray_programs import CASES, numbers, outcome, same

from setuptools_polyopt.config import Settings

pytest.importorskip("ray", reason="Ray is not installed (pip install ray)")
pytestmark = pytest.mark.filterwarnings("ignore")

SOON = 60.0
"""Seconds within which the result is there after a failure."""


class Watched:
    """Counts what goes to the cluster."""

    def __init__(self, ready: Ready, patch: pytest.MonkeyPatch) -> None:
        self.chunks = 0
        submit = ready.target._Spread._submit

        def counted(spread: Any, waiting: Any) -> None:
            submit(spread, waiting)
            self.chunks += 1

        patch.setattr(ready.target._Spread, "_submit", counted)


@pytest.fixture
def watched(ready: Ready, monkeypatch: pytest.MonkeyPatch) -> Watched:
    """What the test sends to the cluster."""
    return Watched(ready, monkeypatch)


@pytest.mark.parametrize("name", CASES)
def test_same_as_python(ready: Ready, watched: Watched, name: str) -> None:
    function, args = CASES[name]
    found = outcome(getattr(ready.built, function), args)
    assert same(found, outcome(getattr(ready.plain, function), args))
    assert watched.chunks > 1


def test_nothing_happens_in_a_worker(ready: Ready) -> None:
    """A task that calls an optimised function runs it where it is."""
    import ray

    def inside() -> tuple[int, list[str]]:
        from rayprograms import mod
        from rayprograms._polyopt import ray_target
        from rayprograms._polyopt.machine import Machine
        from rayprograms._polyopt.targets import Call

        call = Call("", b"", (), 0.0, Machine())
        processors = ray_target.processors("auto", call)
        return processors + int(mod.doubled(np.ones((3, 3)))[0, 0] != 3.0), call.notes

    assert ray.get(ray.remote(inside).remote()) == (0, ["ray: this is a worker process"])


def test_nothing_happens_in_a_forked_child(ready: Ready, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ready.target._Memory, "process", -1)
    args = (numbers(40, 30), numbers(30, 40))
    assert same(ready.built.matmul(*args), ready.plain.matmul(*args))


def test_ray_is_not_touched_unasked(ready: Ready) -> None:
    """A program that does not use Ray does not even import it."""
    folder = Path(ready.built.__file__).parent.parent
    code = "import sys, numpy as np; from rayprograms import mod; mod.doubled(np.ones((900, 900))); print('ray' in sys.modules)"
    environment = {**os.environ, "PYTHONPATH": str(folder), "POLYOPT_RAY": ""}
    ran = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "False"


# failures


def heavy(ready: Ready) -> tuple[str, tuple[Any, ...]]:
    """Some seconds of work."""
    return "waves", (numbers(2000), np.zeros(2000), 100_000)


def expected(ready: Ready) -> Any:
    """The result of the heavy call, from a run of the same kernel on this machine (whose bits other tests compare with CPython's)."""
    if not hasattr(ready, "answer"):
        ready.target._Memory.resting = time.monotonic() + 1e6
        function, args = heavy(ready)
        ready.answer = outcome(getattr(ready.built, function), args)  # type: ignore[attr-defined]
        ready.again()
    return ready.answer  # type: ignore[attr-defined]


def workers() -> list[int]:
    """The processes that run chunks."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                if b"ray::run_chunk" in (folder / "cmdline").read_bytes():
                    found.append(int(folder.name))
            except OSError:
                pass
    return found


def wait_for_workers() -> list[int]:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if found := workers():
            return found
        time.sleep(0.02)
    raise AssertionError("no worker has started")


def disturbed(ready: Ready, disturb: Callable[[], None]) -> float:
    """Run the heavy call, disturb it when it is under way, compare; answers the seconds from the disturbance to the result."""
    wanted = expected(ready)
    when = []

    def later() -> None:
        wait_for_workers()
        time.sleep(0.2)
        when.append(time.monotonic())
        disturb()

    thread = threading.Thread(target=later)
    thread.start()
    function, args = heavy(ready)
    found = outcome(getattr(ready.built, function), args)
    taken = time.monotonic()
    thread.join()
    assert same(found, wanted)
    return taken - when[0]


def test_a_killed_worker(ready: Ready) -> None:
    assert disturbed(ready, lambda: os.kill(wait_for_workers()[0], signal.SIGKILL)) < SOON


def test_a_removed_node(ready: Ready) -> None:
    assert disturbed(ready, ready.remove_node) < SOON


@pytest.mark.slow
def test_a_removed_node_ten_times(ready: Ready) -> None:
    for _ in range(10):
        ready.again()
        assert disturbed(ready, ready.remove_node) < SOON


def test_workers_that_never_answer(ready: Ready, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(ready.target, "PATIENCE", 2.0)
    stopped: list[int] = []

    def stop() -> None:
        for process in wait_for_workers():
            os.kill(process, signal.SIGSTOP)
            stopped.append(process)

    try:
        assert disturbed(ready, stop) < SOON
    finally:
        for process in stopped:
            os.kill(process, signal.SIGCONT)
    assert "no answer for" in capfd.readouterr().err


def test_another_wheel(ready: Ready, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(ready.worker, "identity", lambda package, library: "another")
    args = (numbers(40, 30), numbers(30, 40))
    assert same(ready.built.matmul(*args), ready.plain.matmul(*args))
    told = capfd.readouterr().err
    assert told.count("Ray was left behind") == 1
    assert "has another build of rayprograms._polyopt" in told


def test_an_exception_in_a_task(ready: Ready, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    part = ready.worker.Part
    monkeypatch.setattr(ready.worker, "Part", lambda name, dtype, *rest: part(name, "no such type", *rest))
    args = (numbers(40, 30), numbers(30, 40))
    assert same(ready.built.matmul(*args), ready.plain.matmul(*args))
    assert "TypeError" in capfd.readouterr().err


def test_a_failed_cluster_is_left_alone(ready: Ready, watched: Watched) -> None:
    ready.target._Memory.resting = time.monotonic() + 60
    args = (numbers(40, 30), numbers(30, 40))
    assert same(ready.built.matmul(*args), ready.plain.matmul(*args))
    assert not watched.chunks


def test_a_full_store(ready: Ready, watched: Watched) -> None:
    """Arrays that are larger than the nodes' object stores."""
    x = numbers(300, 70_000)
    assert same(ready.built.doubled(x), 2.0 * x + 1.0)
    assert watched.chunks > 1


def test_a_store_that_refuses(ready: Ready, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    import ray

    def full(value: Any) -> None:
        raise ray.exceptions.ObjectStoreFullError("no room")

    monkeypatch.setattr(ray, "put", full)
    args = (numbers(40, 30), numbers(30, 40))
    assert same(ready.built.matmul(*args), ready.plain.matmul(*args))
    assert "ObjectStoreFullError" in capfd.readouterr().err


def test_a_package_that_workers_lack(ready: Ready, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    text = "def doubled(x, out):\n    for i in range(x.shape[0]):\n        out[i] = 2.0 * x[i]\n"
    settings = Settings(targets=("cpu", "ray"))
    lacking = build(tmp_path, "lacking", text, profile_of(text, "lacking.mod", {"doubled": [[numbers(3), numbers(3)]]}), settings)
    start = time.monotonic()
    x = numbers(50_000)
    assert same(outcome(lacking.built.doubled, (x, 0 * x)), outcome(lacking.plain.doubled, (x, 0 * x)))
    assert time.monotonic() - start < SOON
    told = capfd.readouterr().err
    assert told.count("Ray was left behind") == 1
    assert "lacking" in told.partition("this machine:")[2]


def test_each_piece_is_put_once(ready: Ready, monkeypatch: pytest.MonkeyPatch) -> None:
    """The halo between two chunks is a piece of its own, and what all chunks need is one piece."""
    import ray

    put, sizes = ray.put, []

    def counted(value: Any) -> Any:
        sizes.append(value.nbytes)
        return put(value)

    monkeypatch.setattr(ray, "put", counted)
    u, v = numbers(600, 50), numbers(600, 50)
    ready.built.stencil(u, v)
    assert sum(sizes) <= u.nbytes
    assert len(sizes) > 2
    sizes.clear()
    a, b = numbers(400, 60), numbers(60, 30)
    ready.built.matmul(a, b)
    assert sum(sizes) <= a.nbytes + b.nbytes
