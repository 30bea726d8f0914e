"""The choice between this machine's threads and a Ray cluster, for ``choices.py --ray``."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

from benchmarks import choices
from benchmarks.building import build_copy
from benchmarks.cases import CASES, PACKAGE_MODULES, Case
from benchmarks.choices import NEVER, Choice
from benchmarks.loading import Modules
from benchmarks.ray_cluster import STORE, cluster
from benchmarks.timing import Subject, repeatedly
from setuptools_polyopt.calibrate import on_ray
from setuptools_polyopt.config import Settings
from setuptools_polyopt.runtime import machine
from setuptools_polyopt.runtime.machine import Machine

SHARES = (0.1, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0)
"""Sizes as shares of the size at which plain Python takes a second: up to where one thread takes LONG seconds, or arrays MOST bytes."""
LONG, MOST = 0.7, 200 << 20
STEADY = 0.05
"""Seconds of a call from which on few are enough."""
PACKAGE = "radarlab._polyopt"


def measure(work: Path, only: str) -> Iterator[Choice]:
    """All cases that can go to a cluster, at all sizes."""
    folder = (work / "ray").resolve()
    package, names = choices.ROOT / "sample_project" / "src" / "radarlab", [name.partition(".")[2] for name in PACKAGE_MODULES]
    build_copy(package, names, package.parents[1] / "polyopt-profile.json", folder, Settings(targets=("cpu", "ray")))
    sys.path.insert(0, str(folder))
    with cluster(folder) as made:
        made.add_node(num_cpus=1, object_store_memory=STORE)
        made.wait_for_nodes()
        modules = {name: import_module(name) for name in PACKAGE_MODULES}
        known = on_ray.measure(made.address, machine.load(os.environ) or Machine(), print)
        for each in CASES:
            if each.kind != "application" and only in each.name and _has_stages(each, modules):
                yield from _sizes(each, modules, _ways(known))


def _ways(known: Machine) -> dict[str, Callable[[], None]]:
    """What is to be done before a run that goes a certain way."""
    native, targets = import_module(f"{PACKAGE}._native"), import_module(f"{PACKAGE}.targets")
    units = tuple(machine.units(known).values())

    def way(share: float, wake: float, cluster: str) -> Callable[[], None]:
        target = targets.Targets(PACKAGE, native, {"POLYOPT_DEVICE": "cpu", "POLYOPT_RAY": cluster}, known)

        def prepare() -> None:
            native.tune(share, wake, units)
            target.install(False)

        return prepare

    model = machine.thread_work(known)
    return {"one": way(NEVER, NEVER, "off"), "all": way(1.0, 1.0, "off"), "ray": way(*model, "auto"), "chosen": way(*model, "")}


def _has_stages(each: Case, modules: Modules) -> bool:
    native, plans = import_module(f"{PACKAGE}._native"), import_module(f"{PACKAGE}.plans").PLANS
    seen: list[str] = []
    native.offload(lambda symbol, args, arrays, work: seen.append(symbol), 0.0)
    subject = each.subject(modules, 64)
    subject.call(*subject.prepare())
    native.offload(None, 0.0)
    return any(plans[symbol].stages for symbol in seen)


def _sizes(each: Case, modules: Modules, ways: dict[str, Callable[[], None]]) -> Iterator[Choice]:
    for share in SHARES:
        subject = each.subject(modules, max(2, round(share * each.size)))
        bytes_ = sum(getattr(value, "nbytes", 0) for value in subject.prepare())
        subjects = {way: _after(prepare, subject) for way, prepare in ways.items()}
        times = repeatedly(subjects, lambda found: found["one"].median > STEADY, rounds=3, sample_seconds=0.004)
        found = choices.chosen(each.name, max(2, round(share * each.size)), times)
        yield found
        if found.forced["one"] > LONG or 4 * bytes_ > MOST:
            return


def _after(prepare: Callable[[], None], subject: Subject) -> Subject:
    def arguments() -> tuple[Any, ...]:
        prepare()
        return subject.prepare()

    return Subject(subject.call, arguments, subject.fresh)
