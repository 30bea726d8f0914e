"""The constants of a Ray cluster: until the first answer, a task's share of the driver, bytes into the object store and back.

Tasks are submitted as `runtime/ray_target` does it, but do nothing, and travel with their code: the workers need no package of ours.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from setuptools_polyopt.diagnostics import PolyoptError
from setuptools_polyopt.runtime.machine import Machine

ROUNDS = 9
TASKS = 20
"""For each processor."""
LITTLE = 4096
"""Elements of a block of little data."""
BYTES = 32 << 20
"""Of a block that goes to a worker, and of one that comes back."""


def measure(cluster: str, known: Machine, say: Callable[[str], object]) -> Machine:
    """The cluster's constants, over those that are known. Raises PolyoptError where there is no such cluster."""
    with _connected(cluster) as ray:
        workers = max(1, int(ray.cluster_resources().get("CPU", 0)))
        task = _task(ray)
        _woken(ray, workers)
        start = statistics.median(_seconds(lambda: _many(ray, task, 1, 1)) for _ in range(ROUNDS))
        count = TASKS * workers
        each = statistics.median(_seconds(lambda: _many(ray, task, count, 2 * workers)) for _ in range(3)) / count
        say(f"Ray: {workers} processors, {1e3 * start:.2f} ms until the first answer, {1e3 * each:.2f} ms a task")
        block = np.ones(BYTES // 8)
        moved = statistics.median(_seconds(lambda: _there_and_back(ray, task, block)) for _ in range(ROUNDS)) - start
        store = 2.0 * BYTES / max(moved, 1e-6)
        say(f"Ray: {store / 1e9:.2f} GB/s into the object store and back")
    return known._replace(ray_start=start, ray_task=each, ray_store=store)


@contextmanager
def _connected(cluster: str) -> Iterator[Any]:
    try:
        import ray
    except ImportError:
        raise PolyoptError("calibration: Ray is not installed (pip install ray)") from None
    mine = not ray.is_initialized()
    try:
        if mine:
            ray.init(address=cluster, log_to_driver=False, include_dashboard=False if cluster == "local" else None)
    except Exception as error:  # whatever Ray raises: there is nothing to measure
        raise PolyoptError(f"calibration: no Ray cluster at {cluster}: {error}") from error
    try:
        yield ray
    finally:
        if mine:
            ray.shutdown()


def _task(ray: Any) -> Any:
    def answer(order: bytes, *blocks: Any) -> tuple[int, list[Any]]:
        return 0, [block.copy() for block in blocks]

    return ray.remote(num_cpus=1, num_returns=2, scheduling_strategy="SPREAD")(answer)


def _woken(ray: Any, workers: int) -> None:
    """A worker process on each processor."""

    def wait() -> None:
        import time as clock

        clock.sleep(0.3)

    task = ray.remote(num_cpus=1, scheduling_strategy="SPREAD")(wait)
    for _ in range(2):
        ray.get([task.remote() for _ in range(workers)])


def _many(ray: Any, task: Any, count: int, most: int) -> None:
    """So many tasks, so many of them under way, each with a little data that comes and goes."""
    pending: dict[Any, Any] = {}
    for number in range(count + most):
        if pending and (len(pending) == most or number >= count):
            for status in ray.wait(list(pending), num_returns=1)[0]:
                ray.get(status)
                ray.get(pending.pop(status))
        if number < count:
            status, blocks = task.remote(b"", ray.put(np.ones(LITTLE)))
            pending[status] = blocks


def _there_and_back(ray: Any, task: Any, block: np.ndarray) -> None:
    _, blocks = task.remote(b"", ray.put(block))
    block[:] = ray.get(blocks)[0]


def _seconds(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start
