"""The constants of a machine that decide where a kernel runs, and the model that uses them.

What: seconds and bytes per second as `polyopt calibrate` measured them and left them in the user's cache, else safe defaults; and how
long a run would take on one thread, on several, on a GPU and on a Ray cluster. Why here: the choice is made at run time, from the
arguments of the call. Nothing is ever measured here.

    work        units of a run, as the compiler counted them: an operation in a loop that vector instructions do is one, what is slow
                has costs of its own (`costs`)
    read, written   bytes of the arrays that it reads, and that it writes
"""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from . import costs
from .environment import cache_folder

VERSION = 1
TASK_WAYS = 5.0
"""A task of a cluster is worth its way where it works so many times as long as its way is."""
LONGEST_TASK = 2.0
"""Seconds of a task that may have to be done again."""
LAST_TASKS = 32
"""The last tasks are this part of a worker's share."""


class Machine(NamedTuple):
    """Constants of a machine.

    operation: seconds for a unit of work on one core. memory: bytes a second that one core reads or writes, all_memory: that all cores do
    together. threads: how many there are. thread_start: seconds until sleeping threads have
    joined a parallel loop.
    gpu_*: seconds for a unit of work of all its threads, and of one thread, bytes a second of its memory and of the bus, seconds for a
    launch and for a transfer.
    ray_*: seconds until the first task's answer, of the driver for each task, bytes a second into the object store and back.
    costs: seconds of slow operations that were measured, by the names of `costs`.
    """

    operation: float = costs.OPERATION
    memory: float = 8e9
    all_memory: float = 16e9
    threads: int = 2
    thread_start: float = 30e-6
    gpu_operation: float = 1e-12
    gpu_thread: float = 4e-9
    gpu_memory: float = 5e11
    gpu_bus: float = 1e10
    gpu_launch: float = 1e-5
    gpu_transfer: float = 3e-5
    ray_start: float = 5e-3
    ray_task: float = 4e-3
    ray_store: float = 5e8
    costs: Mapping[str, float] = MappingProxyType({})


class Run(NamedTuple):
    """One run of a kernel. launches: GPU kernels that it starts; chain: work of one GPU thread in all of them. resident: the arrays are on
    the GPU already. pieces: iterations of its outermost parallel loop, 0 where it has none."""

    work: float
    read: float
    written: float
    pieces: float = 1.0
    launches: float = 1.0
    chain: float = 0.0
    resident: bool = False


def path(environ: Mapping[str, str]) -> str:
    """Where the measured constants lie."""
    return os.path.join(cache_folder(environ), "machine.json")


def load(environ: Mapping[str, str]) -> Machine | None:
    """The measured constants over the defaults, None where nothing was measured. Never raises: a file that cannot be used is as good as
    none."""
    file = path(environ)
    if not os.path.exists(file):
        return None
    import json

    try:
        with open(file, encoding="utf-8") as stream:
            found = json.load(stream)
        if found["version"] != VERSION:
            return None
        listed = dict(found["machine"])
        slow = _positive(listed.pop("costs", {}), costs.NAMES)
        known: dict[str, Any] = _positive(listed, Machine._fields)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    threads = int(known.pop("threads", 0)) or Machine().threads
    return Machine(**known, threads=threads, costs=slow)


def _positive(found: Mapping[str, Any], names: Collection[str]) -> dict[str, float]:
    """The numbers of known names that make sense."""
    return {name: float(value) for name, value in found.items() if name in names and float(value) > 0.0}


def text(machine: Machine) -> str:
    """The constants as the file holds them."""
    import json

    return json.dumps({"version": VERSION, "machine": {**machine._asdict(), "costs": dict(machine.costs)}}, indent=1) + "\n"


def units(machine: Machine) -> dict[str, float]:
    """Units of work of slow operations, in the order in which the native code counts them."""
    return costs.units(machine.operation, machine.costs)


def on_threads(run: Run, machine: Machine, threads: int) -> float:
    """Seconds of a run on so many threads of this machine."""
    threads = max(1, min(threads, machine.threads))
    moved = (run.read + run.written) / (machine.memory if threads == 1 else min(threads * machine.memory, machine.all_memory))
    start = machine.thread_start if threads > 1 else 0.0
    return start + max(run.work * machine.operation / threads, moved)


def on_gpu(run: Run, machine: Machine) -> float:
    """Seconds of a run on a GPU, transfers included."""
    moved = 0.0 if run.resident else 2.0 * machine.gpu_transfer + (run.read + run.written) / machine.gpu_bus
    busy = max(run.work * machine.gpu_operation, run.chain * machine.gpu_thread, (run.read + run.written) / machine.gpu_memory)
    return moved + run.launches * machine.gpu_launch + busy


def ray_cuts(run: Run, machine: Machine, workers: int) -> list[int]:
    """Where the pieces of a run are cut into tasks for a cluster with room for so many at once: zero, the ends of the tasks.

    Each task takes its share of half of what is left, so the last ones are short and nobody waits long for them, whoever came late or is
    slow; but none is so short that its way is longer, and none so long that doing it again would hurt.
    """
    total = int(run.pieces)
    each = run.work * machine.operation / total  # seconds of a piece
    shortest = min(_count(TASK_WAYS * machine.ray_task, each), -(-total // workers))
    shortest, longest = max(shortest, total // (LAST_TASKS * workers)), max(1, _count(LONGEST_TASK, each))
    cuts = [0]
    while cuts[-1] < total:
        share = -(-(total - cuts[-1]) // (2 * workers))
        cuts.append(min(total, cuts[-1] + min(longest, max(1, shortest, share))))
    return cuts


def _count(seconds: float, each: float) -> int:
    """How many pieces fill the time."""
    return int(min(2.0**62, seconds / max(each, 1e-300)))


def on_ray(run: Run, machine: Machine, workers: int, threads: int = 1) -> float:
    """Seconds of a run on a cluster of this machine's kind, with room for so many tasks at once of so many threads each."""
    if run.pieces < 1.0 or workers < 1:
        return float("inf")
    cuts = ray_cuts(run, machine, workers)
    longest, last = cuts[1], cuts[-1] - cuts[-2]
    waited = max(float(longest), run.pieces / workers + 0.5 * last)  # pieces that the slowest worker does
    shipped = (run.read + run.written) / machine.ray_store
    busy = run.work * machine.operation * waited / (run.pieces * threads)
    return machine.ray_start + (len(cuts) - 1) * machine.ray_task + shipped + busy


def on_rays_gpus(run: Run, machine: Machine, gpus: int, tasks: int) -> float:
    """Seconds of a run as so many tasks on the GPUs of a cluster, one GPU a task."""
    if run.pieces < 1.0 or gpus < 1:
        return float("inf")
    rounds = -(-tasks // gpus)
    part = run._replace(work=run.work / tasks, read=run.read / tasks, written=run.written / tasks)
    shipped = (run.read + run.written) / machine.ray_store
    return machine.ray_start + tasks * machine.ray_task + shipped + rounds * on_gpu(part, machine)


SHARE = 1.5e-6
"""Seconds of work that are worth handing to a thread that looks for some."""


def thread_work(machine: Machine) -> tuple[float, float]:
    """What `_native.tune` takes: the work that is worth a thread that is awake, and that of a call for which threads are woken (waking
    costs the caller's time as well, so more than the start)."""
    return max(1.0, SHARE / machine.operation), max(1.0, 2.5 * machine.thread_start / machine.operation)
