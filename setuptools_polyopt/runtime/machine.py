"""The constants of a machine that decide where a kernel runs, and the model that uses them.

What: seconds and bytes per second as `polyopt calibrate` measured them and left them in the user's cache, else safe defaults; and how
long a run would take on one thread, on several, on a GPU and on a Ray cluster. Why here: the choice is made at run time, from the
arguments of the call. Nothing is ever measured here.

    work        operations of a run, as the compiler counted them (about nanoseconds on one core)
    read, written   bytes of the arrays that it reads, and that it writes
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import NamedTuple

from .environment import cache_folder

VERSION = 1


class Machine(NamedTuple):
    """Constants of a machine.

    operation: seconds for a unit of work on one core. memory: bytes a second that one core reads or writes, all_memory: that all cores do
    together. threads: how many there are. thread_start: seconds until sleeping threads have
    joined a parallel loop.
    gpu_*: seconds for a unit of work of all its threads, and of one thread, bytes a second of its memory and of the bus, seconds for a
    launch and for a transfer.
    ray_*: seconds for a task, bytes a second into the object store and back.
    """

    operation: float = 0.03e-9
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
    ray_task: float = 3e-3
    ray_store: float = 1e9


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
        known = {name: float(value) for name, value in found["machine"].items() if name in Machine._fields and float(value) > 0.0}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    threads = int(known.pop("threads", 0)) or Machine().threads
    return Machine(**known, threads=threads)


def text(machine: Machine) -> str:
    """The constants as the file holds them."""
    import json

    return json.dumps({"version": VERSION, "machine": machine._asdict()}, indent=1) + "\n"


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


def on_ray(run: Run, machine: Machine, workers: int, tasks: int) -> float:
    """Seconds of a run as so many tasks on a cluster of so many processors of this machine's kind."""
    if run.pieces < 1.0 or workers < 1:
        return float("inf")
    rounds = -(-tasks // workers)
    shipped = (run.read + run.written) / machine.ray_store
    return rounds * machine.ray_task + shipped + run.work * machine.operation * rounds / tasks


def on_rays_gpus(run: Run, machine: Machine, gpus: int, tasks: int) -> float:
    """Seconds of a run as so many tasks on the GPUs of a cluster, one GPU a task."""
    if run.pieces < 1.0 or gpus < 1:
        return float("inf")
    rounds = -(-tasks // gpus)
    part = run._replace(work=run.work / tasks, read=run.read / tasks, written=run.written / tasks)
    return rounds * (machine.ray_task + on_gpu(part, machine)) + (run.read + run.written) / machine.ray_store


SHARE = 1.5e-6
"""Seconds of work that are worth handing to a thread that looks for some."""


def thread_work(machine: Machine) -> tuple[float, float]:
    """What `_native.tune` takes: the work that is worth a thread that is awake, and that of a call for which threads are woken (waking
    costs the caller's time as well, so more than the start)."""
    return max(1.0, SHARE / machine.operation), max(1.0, 2.5 * machine.thread_start / machine.operation)
