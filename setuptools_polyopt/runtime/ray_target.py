"""A kernel on a Ray cluster: the iterations of its parallel loops as tasks, each with only the data that it needs.

What: `run` cuts the parallel loop of each stage into chunks, more than the cluster has processors, and keeps a bounded number of tasks
under way. What chunks read is put into the object store in pieces (`ray_supply`); what a chunk writes comes back as blocks. Tasks are
pure: Ray may run them again.

Where something goes wrong (a task that raises, a lost node, no answer for too long, a worker with another wheel), the chunks that are left
run here, on this machine's threads, and one line on standard error says why. So the answer is always the kernel's. A kernel that fails
itself is a matter of the caller's: the original statements then run, on arguments as they were.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

from . import machine, ray_worker
from .machine import Machine, Run
from .observe import say
from .plan import Chunk, Plan, Stage, unpack
from .ray_supply import Supply, inside, slices

if TYPE_CHECKING:
    import numpy as np

CHUNKS_PER_DEVICE = 2
MINOR = 0.1
"""A stage that does less than this share of the longest stage's work is not worth the way to the cluster."""
PATIENCE = 12.0
"""Seconds without any answer, beyond three times the longest that a chunk has taken, after which chunks are run here."""
FIRST_PATIENCE = 30.0
"""The same until the first answer in this process: workers start, and import the package."""
REST = 60.0
"""Seconds for which nothing is sent to a cluster that has failed."""
LONG = 1.0
"""Seconds after which a task that nobody waits for is worth being cancelled."""

_WHOLE = -(2**63), 2**63 - 1


class _Memory:
    """What is known of the cluster: processors and GPUs, when that was asked, whether a task has ever ended (and one that had a GPU), until
    when it is left alone; whose process this is."""

    processors = devices = 0
    answered = answered_devices = False
    asked = float("-inf")
    resting = float("-inf")
    process = os.getpid()


class GivenUp(Exception):
    """The cluster is of no use for this run; the text says why."""


# the cluster


def processors(asked: str, call: Any) -> int:
    """How many tasks the cluster has room for at once; 0 where there is none for us. asked: the value of POLYOPT_RAY."""
    try:
        ray = _connected(asked)
        if time.monotonic() - _Memory.asked > 5.0:
            found = [node["Resources"] for node in ray.nodes() if node["Alive"]]
            _Memory.processors = sum(int(each.get("CPU", 0)) // _threads() for each in found)
            _Memory.devices = sum(int(each.get("GPU", 0)) for each in found)
            _Memory.asked = time.monotonic()
        if not _Memory.processors:
            raise GivenUp(f"no node has {_threads()} processors")
    except GivenUp as reason:
        if str(reason):
            call.note(f"ray: {reason}")
        return 0
    except Exception as error:  # noqa: BLE001 -- whatever Ray raises must not reach the user's program
        call.note(f"ray: {_words(error)}")
        _Memory.resting = time.monotonic() + REST
        return 0
    return _Memory.processors


def devices() -> tuple[int, bool]:
    """GPUs of the cluster, as `processors` has found them, and whether they have run anything of ours yet."""
    return _Memory.devices, _Memory.answered_devices


def _connected(asked: str) -> Any:
    """The module `ray`, connected to a cluster. Raises GivenUp where it is not to be used."""
    if _Memory.resting > time.monotonic():
        raise GivenUp("the cluster has failed a moment ago")
    if ray_worker.State.active or _Memory.process != os.getpid():
        raise GivenUp("this is a worker process")
    if not asked and "ray" not in sys.modules:
        raise GivenUp("")
    try:
        import ray
    except ImportError:
        raise GivenUp("it is not installed") from None
    if not ray.is_initialized():
        if not asked:
            raise GivenUp("")
        ray.init(address=asked, log_to_driver=False)
    if ray.util.client.ray.is_connected():  # type: ignore[no-untyped-call]
        raise GivenUp("Ray Client has no object store on this machine")
    if ray.get_runtime_context().worker.mode != ray.SCRIPT_MODE:
        raise GivenUp("this is a worker process")
    return ray


def _threads() -> int:
    """Threads and processors of a task: POLYOPT_NUM_THREADS, or one."""
    text = os.environ.get("POLYOPT_NUM_THREADS", "")
    return max(1, int(text)) if text.isdigit() else 1


@cache
def _remote(package: str, threads: int, device: bool) -> Any:
    """The task, with a GPU of its own or without. The function is the wheel's own, found by name on the workers."""
    import ray

    make = ray.remote(num_cpus=threads, num_gpus=int(device), num_returns=2, max_retries=3, scheduling_strategy="SPREAD")
    return make(ray_worker.run_chunk)


def _words(error: BaseException) -> str:
    """An error as part of a line."""
    cause = getattr(error, "cause", None)
    text = str(cause or error).strip()
    lines = [line for line in text.splitlines() if line.strip()]
    last = lines[-1].strip() if lines else ""
    name = type(cause or error).__name__
    return last if last.startswith(name) else f"{name}: {last}"[:300]


# a run


def predicted(plan: Plan, values: tuple[int, ...], known: Machine, workers: int) -> float:
    """Seconds of a run on the cluster's processors: of the stages that are spread, and of those that are not."""
    units, threads = machine.units(known), _threads()
    read, written = plan.touched(*values)
    total = (read + written) / known.ray_store
    works = _works(plan, values, units)
    for stage, work in zip(plan.stages, works, strict=True):
        part = Run(work, 0.0, 0.0, float(stage.pieces(values)))
        there = _pays(stage, work, works)
        total += machine.on_ray(part, known, workers, threads) if there else machine.on_threads(part, known, known.threads)
    return total


def _works(plan: Plan, values: tuple[int, ...], units: Mapping[str, float]) -> list[float]:
    return [stage.work(*values, units) for stage in plan.stages]


def _pays(stage: Stage, work: float, works: Sequence[float]) -> bool:
    """Whether a stage is worth the way to the cluster."""
    return stage.loop is not None and work >= MINOR * max(works)


def run(plan: Plan, call: Any, native: Any, package: str, on_devices: bool = False) -> tuple[int, int] | None:
    """Run a kernel on the cluster, on its processors or on its GPUs. Answers what the native hook has to answer; None (with a note) where
    nothing was done."""
    if on_devices and plan.devices is not None:
        plan = plan.devices
    workers = _Memory.devices if on_devices else _Memory.processors
    if not plan.stages or not workers:
        return None
    try:
        state = _State(plan, call, native)
    except MemoryError:
        call.note("ray: no memory for the temporaries")
        return None
    cluster: _Cluster | None = _Cluster(package, workers, call.machine, on_devices)
    works = _works(plan, state.values, machine.units(call.machine))
    for stage, work in zip(plan.stages, works, strict=True):
        if cluster is None or not _pays(stage, work, works):
            state.here(stage, *_WHOLE)
        else:
            try:
                _Spread(state, stage, cluster, work).run()
            except GivenUp as reason:
                _Memory.resting = time.monotonic() + REST
                say(f"{plan.symbol}: Ray was left behind, the rest ran on this machine: {reason}")
                cluster = None
        if state.status:
            return state.status, state.flags
    state.finish()
    return 0, state.flags


class _State:
    """The arrays of a run by name, and how its kernels have ended so far."""

    def __init__(self, plan: Plan, call: Any, native: Any) -> None:
        import numpy as np

        self.plan, self.native = plan, native
        self.record = unpack(plan.fields, call.args)
        self.values = plan.values(call.args)
        names = [item.source for item in plan.fields if item.kind == "data"]
        self.arrays: dict[str, np.ndarray[Any, Any]] = dict(zip(names, call.arrays, strict=True))
        self.arguments = frozenset(self.arrays) - plan.results
        for item in plan.temporaries:
            self.arrays[item.name] = np.empty(item.shape(*self.values), item.dtype, order=item.order)
        for item in plan.scalars:
            self.arrays[item.name] = np.zeros(1, item.dtype)
        self.status = self.flags = 0
        self.call, self.notes = call, {""}

    def note(self, text: str) -> None:
        """Say something once, for POLYOPT_TRACE."""
        if text not in self.notes:
            self.notes.add(text)
            self.call.note(text)

    def add(self, status: int, flags: int) -> None:
        """Count a kernel that has ended."""
        self.status |= status
        self.flags |= flags

    def here(self, stage: Stage, lower: int, upper: int) -> None:
        """Run a part of a stage on this machine's threads."""
        memory = {name: ray_worker.address(array) for name, array in self.arrays.items()}
        args = ray_worker.struct(stage.fields, self.scalars(stage), memory)
        self.add(*self.native.run(stage.symbol, args, lower, upper, 0))

    def scalars(self, stage: Stage) -> dict[str, Any]:
        """Parameters and inputs by source."""
        known = {item.source: self.record[item.name] for item in self.plan.fields if item.kind in ("param", "input")}
        return {item.source: known[item.source] for item in stage.fields if item.kind in ("param", "input")}

    def finish(self) -> None:
        """Scalar results to where the caller expects them."""
        import ctypes

        for item in self.plan.fields:
            if item.kind == "result":
                value = self.arrays[item.source]
                ctypes.memmove(int(self.record[item.name]), value.ctypes.data, value.nbytes)


class _Cluster(NamedTuple):
    """workers: processors, or with `devices` GPUs, each of which has a task of its own."""

    package: str
    workers: int
    machine: Machine
    devices: bool


class _Task(NamedTuple):
    chunk: Chunk
    blocks: Any
    started: float


class _Spread:
    """One stage on the cluster."""

    def __init__(self, state: _State, stage: Stage, cluster: _Cluster, work: float) -> None:
        self.state, self.stage, self.cluster = state, stage, cluster
        self.chunks = [self._chunk(first, last) for first, last in self._cuts(work)]
        self.supply = Supply(state.arrays, stage, self.chunks)
        # a failing chunk must leave the arguments to those who know what they were
        self.held = state.plan.safety == "undo" and any(name in state.arguments for chunk in self.chunks for name in chunk.writes)
        self.pending: dict[Any, _Task] = {}
        self.done: list[_Task] = []
        self.longest = 0.0

    def _cuts(self, work: float) -> Iterator[tuple[int, int]]:
        """Which pieces of the loop make a chunk each."""
        pieces, cluster = self.stage.pieces(self.state.values), self.cluster
        if cluster.devices:
            worthwhile = int(work * cluster.machine.operation / (machine.TASK_WAYS * cluster.machine.ray_task))
            count = min(pieces, CHUNKS_PER_DEVICE * cluster.workers, max(cluster.workers, worthwhile))
            yield from ((pieces * number // count, pieces * (number + 1) // count) for number in range(count))
        elif pieces:
            yield from pairwise(machine.ray_cuts(Run(work, 0.0, 0.0, float(pieces)), cluster.machine, cluster.workers))

    def _chunk(self, first: int, last: int) -> Chunk:
        """Some pieces of the loop, and what there is of its boxes."""
        chunk, arrays = self.stage.chunk(self.state.values, first, last), self.state.arrays
        reads = {name: inside([box], arrays[name].shape) for name, box in chunk.reads.items()}
        writes = {name: inside(boxes, arrays[name].shape) for name, boxes in chunk.writes.items()}
        needed = {name: boxes[0] for name, boxes in reads.items() if boxes}
        return chunk._replace(reads=needed, writes={name: boxes for name, boxes in writes.items() if boxes})

    def run(self) -> None:
        """All chunks, in the cluster or here. Raises GivenUp when all is done but the cluster should not be asked again."""
        waiting = list(reversed(self.chunks))
        reason = None
        try:
            self._work(waiting)
        except GivenUp as error:
            reason = error
        except Exception as error:  # noqa: BLE001 -- whatever Ray raises: there is another way to the result
            reason = GivenUp(_words(error))
        except BaseException:
            self._cancel()
            raise
        left = [task.chunk for task in self.pending.values()] + waiting
        self._cancel()
        left += self._store() if not self.state.status else []
        for chunk in left:
            if self.state.status:
                return
            self.state.here(self.stage, chunk.lower, chunk.upper)
        if reason is not None:
            raise reason

    def _work(self, waiting: list[Chunk]) -> None:
        """Until nothing waits and nothing is under way, or a kernel has failed."""
        import ray

        heard = time.monotonic()
        nodes = _alive(ray)
        while (waiting or self.pending) and not self.state.status:
            while waiting and len(self.pending) < 2 * self.cluster.workers:
                self._submit(waiting)
            ready, _ = ray.wait(list(self.pending), num_returns=1, timeout=1.0)
            now = time.monotonic()
            for status in ready:
                self._take(status, now)
                heard = now
            if not ready and now - heard > PATIENCE:
                lost = len(nodes - _alive(ray))
                if now - heard > self._patience(lost):
                    raise GivenUp(f"no answer for {now - heard:.0f} seconds" + (f", {lost} of its nodes gone" if lost else ""))

    def _patience(self, lost: int) -> float:
        """For how many seconds to wait for an answer; not long after nodes were lost, although Ray may have sent their tasks elsewhere."""
        usual = PATIENCE if _Memory.answered else FIRST_PATIENCE
        return min(usual + self.longest, FIRST_PATIENCE) if lost else usual + 3.0 * self.longest

    def _submit(self, waiting: list[Chunk]) -> None:
        chunk = waiting[-1]
        parts, pieces = self.supply.of(chunk)
        order = ray_worker.Order(
            self.cluster.package,
            ray_worker.identity(self.cluster.package, self.state.plan.library),
            self.state.plan.library,
            self.stage.symbol,
            self.stage.fields,
            self.state.scalars(self.stage),
            tuple(parts),
            chunk.lower,
            chunk.upper,
            _threads(),
            self.cluster.devices,
        )
        status, blocks = _remote(self.cluster.package, _threads(), self.cluster.devices).remote(order, *pieces)
        self.pending[status] = _Task(chunk, blocks, time.monotonic())
        waiting.pop()

    def _take(self, status: Any, now: float) -> None:
        """A task that has ended."""
        import ray

        answer = ray.get(status)
        _Memory.answered = True
        task = self.pending[status]
        if isinstance(answer, str):
            raise GivenUp(answer)
        self._told(*answer)
        if not self.held and not self.state.status:
            self._copy(task.chunk, ray.get(task.blocks, timeout=PATIENCE))
            self.supply.without(task.chunk)
        del self.pending[status]
        self.longest = max(self.longest, now - task.started)
        if self.held:
            self.done.append(task)

    def _told(self, status: int, flags: int, note: str) -> None:
        self.state.add(status, flags)
        self.state.note(f"ray: {note}" if note else "")
        if self.cluster.devices and not note:
            _Memory.answered_devices = True

    def _copy(self, chunk: Chunk, blocks: Sequence[np.ndarray[Any, Any]]) -> None:
        boxes = ((name, box) for name, found in chunk.writes.items() for box in found)
        for (name, box), block in zip(boxes, blocks, strict=True):
            self.state.arrays[name][slices(box)] = block

    def _store(self) -> list[Chunk]:
        """Blocks that were held back to where they belong; answers the chunks whose blocks are lost."""
        import ray

        lost = []
        for task in self.done:
            try:
                self._copy(task.chunk, ray.get(task.blocks, timeout=PATIENCE))
            except Exception:  # noqa: BLE001 -- the node that held it is gone: it is computed again
                lost.append(task.chunk)
        return lost

    def _cancel(self) -> None:
        """Nobody waits for these any more. Short ones end by themselves: a task that ends as it is cancelled takes its worker with it."""
        import ray

        now = time.monotonic()
        for status in [status for status, task in self.pending.items() if now - task.started > LONG or self.longest > LONG]:
            with suppress(Exception):  # it may have ended, or Ray may be gone
                ray.cancel(status)
        self.pending.clear()


def _alive(ray: Any) -> set[str]:
    """The nodes of the cluster; none where its head does not answer."""
    with suppress(Exception):
        return {node["NodeID"] for node in ray.nodes() if node["Alive"]}
    return set()
