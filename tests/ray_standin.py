"""A stand-in for Ray, for tests without a cluster and the fuzz: each task runs at once, in this process, on read-only copies of arrays."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any


class StandIn(SimpleNamespace):
    """As much of `ray` as the target uses. lost: the number of the task whose answer never comes. on_gpus: tasks that asked for a GPU."""

    SCRIPT_MODE = 0

    def __init__(self, processors: int, gpus: int = 0) -> None:
        worker = SimpleNamespace(mode=self.SCRIPT_MODE)
        client = SimpleNamespace(ray=SimpleNamespace(is_connected=lambda: False))
        super().__init__(util=SimpleNamespace(client=client), get_runtime_context=lambda: SimpleNamespace(worker=worker))
        self.processors, self.gpus, self.tasks, self.on_gpus, self.lost = processors, gpus, 0, 0, -1
        self.objects: list[Any] = []

    def is_initialized(self) -> bool:
        return True

    def cluster_resources(self) -> dict[str, float]:
        return {"CPU": float(self.processors), **({"GPU": float(self.gpus)} if self.gpus else {})}

    def nodes(self) -> list[dict[str, Any]]:
        gone = {"Alive": False, "NodeID": "two", "Resources": {"CPU": 99.0}}
        return [{"Alive": True, "NodeID": "one", "Resources": self.cluster_resources()}, gone]

    def put(self, value: Any) -> int:
        kept = value.copy(order="K")
        kept.flags.writeable = False
        self.objects.append(kept)
        return len(self.objects) - 1

    def remote(self, **options: Any) -> Callable[[Any], Any]:
        assert options["num_returns"] == 2
        assert options["num_gpus"] in (0, min(1, self.gpus))

        def task(function: Any) -> Any:
            def remote(order: Any, *pieces: Any) -> Any:
                self.on_gpus += options["num_gpus"]
                return self._run(function, order, pieces)

            return SimpleNamespace(remote=remote)

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
