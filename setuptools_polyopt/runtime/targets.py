"""Where a run takes place: on this machine's threads, on a GPU, or on a Ray cluster.

What: `Targets` is the hook that the native code asks before a run with much work (docs/runtime.md, "Elsewhere"). It predicts how long the
run would take in each place (`machine`), takes the best, and answers None where that is the native kernel. Why here: the targets
(`gpu_target`, `ray_target`) know how to run a plan, not whether to.

POLYOPT_DEVICE (`cpu`, `gpu`) and POLYOPT_RAY (`off`, `auto`, an address) decide without a prediction. Without them a GPU is thought of
where the program itself has imported CuPy, or where it would save more than its start takes; a cluster where the program has called
`ray.init`.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import costs, machine
from .machine import Machine, Run

if TYPE_CHECKING:
    from .gpu_plan import GpuPlan
    from .plan import Plan

LEAST_SECONDS = 2e-3
"""Predicted seconds from which on the hook is asked at all: what a prediction costs is far below what a run takes then."""

GPU_START = 2.0
"""Seconds that importing CuPy and making a context may take."""

class Call:
    """One run that was offered. arrays: those behind the data fields of the struct of arguments. machine: the constants to reckon with."""

    __slots__ = ("args", "arrays", "machine", "notes", "symbol", "work")

    def __init__(self, symbol: str, args: bytes, arrays: Sequence[Any], work: float, machine: Machine) -> None:
        self.symbol, self.args, self.arrays, self.work, self.machine = symbol, args, arrays, work, machine
        self.notes: list[str] = []

    def note(self, text: str) -> None:
        """Why the run does not take place somewhere, for POLYOPT_TRACE."""
        self.notes.append(text)


class Last(threading.local):
    """What the hook decided last in this thread, for POLYOPT_TRACE. place: empty for this machine's threads."""

    place: str = ""
    text: str = ""


class Targets:
    """The hook of one package's extension. package: its import name, such as `radar._polyopt`."""

    def __init__(self, package: str, native: Any, environ: Mapping[str, str], measured: Machine) -> None:
        self.package, self.native, self.environ = package, native, environ
        self.device = environ.get("POLYOPT_DEVICE", "").lower()
        self.cluster = environ.get("POLYOPT_RAY", "")
        threads = int(native.status()["threads"])
        self.machine = measured._replace(threads=threads)
        self.last = Last()

    def install(self, always: bool) -> None:
        """Ask to be asked: before every run where a place is forced or `always`, else before long ones."""
        forced = self.device == "gpu" or self.cluster.lower() not in ("", "off")
        self.native.offload(self, 0.0 if always or forced else LEAST_SECONDS / self.machine.operation)
        if self.device != "cpu" and (Path(__file__).parent / "gpu_plans.py").exists():
            self.native.foreign(None, self.foreign)

    def foreign(self, module: str, region: str, args: tuple[Any, ...]) -> tuple[Any, ...] | None:
        """A call with CuPy arrays: its outputs, or None where the original statements have to run."""
        from . import gpu_foreign

        return gpu_foreign.answer(import_module(f"{self.package}.gpu_plans").REGIONS.get((module, region), ()), args)

    def __call__(self, symbol: str, args: bytes, arrays: tuple[Any, ...], work: float) -> tuple[int, int] | None:
        """Run it in the best place; None: on this machine's threads."""
        call = Call(symbol, args, arrays, work, self.machine)
        self.last.place = self.last.text = ""
        try:
            plan = self._plan("plans", symbol)
            times = {} if plan is None else self._predicted(plan, call)
        except Exception as error:  # noqa: BLE001 -- nothing has run yet: whatever is wrong must not cost more than the choice
            self.last.text = f"no prediction: {type(error).__name__}: {error}"
            return None
        answer: tuple[int, int] | None = None
        for place in sorted(times, key=lambda name: times[name]):
            answer = None if place == "cpu" else self._run(place, plan, call)
            if place == "cpu" or answer is not None:
                self.last.place = "" if answer is None else place
                break
        self.last.text = _told(times, call)
        return answer

    def _plan(self, module: str, symbol: str) -> Any:
        try:
            return import_module(f"{self.package}.{module}").PLANS.get(symbol)
        except ImportError:
            return None

    def _run(self, place: str, plan: Plan, call: Call) -> tuple[int, int] | None:
        answer: tuple[int, int] | None
        if place == "gpu":
            answer = import_module(f"{__package__}.gpu_target").run(self._plan("gpu_plans", call.symbol), call)
        else:
            answer = self._ray().run(plan, call, self.native, self.package, place == "ray's gpus")
        return answer

    def _ray(self) -> Any:
        return import_module(f"{__package__}.ray_target")

    def _predicted(self, plan: Plan, call: Call) -> dict[str, float]:
        """Seconds by place; what is forced takes none."""
        values = plan.values(call.args)
        run = Run(call.work, *plan.touched(*values))
        times = {"cpu": machine.on_threads(run, self.machine, self.machine.threads)}
        if self.device == "gpu":
            times["gpu"] = 0.0
        elif self.device != "cpu" and self._plan("gpu_plans", call.symbol) is not None:
            start = 0.0 if "cupy" in sys.modules else GPU_START
            times["gpu"] = machine.on_gpu(self._on_gpu(run, plan, call), self.machine) + start
        processors = self._processors(plan, call)
        if processors:
            forced = self.cluster.lower() not in ("", "off")
            ray = self._ray()
            found = {"ray": float(ray.predicted(plan, values, self.machine, processors)), **self._on_rays_gpus(plan, run, call)}
            times |= {min(found, key=lambda name: found[name]): -1.0} if forced else found
        return times

    def _on_rays_gpus(self, plan: Plan, run: Run, call: Call) -> dict[str, float]:
        """Seconds on the GPUs of the cluster, if it has any and they can run it."""
        devices, warm = self._ray().devices()
        if not devices or plan.devices is None or self.device == "cpu":
            return {}
        tasks = devices * int(self._ray().CHUNKS_PER_DEVICE)
        seconds = machine.on_rays_gpus(self._on_gpu(run, plan, call), self.machine, devices, tasks) + (0.0 if warm else GPU_START)
        return {"ray's gpus": 0.0 if self.device == "gpu" else seconds}

    def _on_gpu(self, run: Run, native: Plan, call: Call) -> Run:
        """The run with what its GPU variant says of itself."""
        plan: GpuPlan = self._plan("gpu_plans", call.symbol)
        given = plan.values(call.args)
        work = float(native.work(*native.values(call.args), costs.GPU))
        return run._replace(work=work, launches=float(plan.launches(*given)), chain=float(plan.chain(*given)))

    def _processors(self, plan: Plan, call: Call) -> int:
        """Those of the cluster that may be used for the plan; 0 for no cluster."""
        if self.cluster.lower() == "off" or (not self.cluster and "ray" not in sys.modules):
            return 0
        if not plan.stages:
            call.note(f"ray: {plan.why_not}")
            return 0
        return int(self._ray().processors(self.cluster, call))


def _told(times: Mapping[str, float], call: Call) -> str:
    """The predictions in words, and why a place was not taken."""
    guesses = ", ".join(f"{name} {seconds * 1e6:.1f} us" for name, seconds in times.items() if 0.0 < seconds < float("inf"))
    return "; ".join([f"predicted {guesses}"] * bool(guesses) + call.notes)
