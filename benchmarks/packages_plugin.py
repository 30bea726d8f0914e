"""A pytest plugin for `packages.py`: what became of each test, the warnings, and the time in kernels, as one JSON file.

It is loaded by its name into the package's own test run (``-p packages_plugin``) and writes to ``PACKAGES_OUTCOMES``. It knows
nothing of the compiler: the regions are found in the modules, as ``measured.py`` does.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

_ADDRESS = re.compile(r"0x[0-9a-fA-F]+")


class Recorder:
    """Outcomes by test, and how often each warning came with each of them."""

    def __init__(self) -> None:
        self.outcomes: dict[str, str] = {}
        self.seconds: dict[str, float] = {}
        self.warnings: Counter[str] = Counter()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Called for the setup, the call and the teardown of each test: the first that is more than "passed" is the outcome."""
        self.seconds[report.nodeid] = self.seconds.get(report.nodeid, 0.0) + report.duration
        if self.outcomes.get(report.nodeid, "passed") == "passed":
            self.outcomes[report.nodeid] = _outcome(report)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Files that cannot be collected count as tests."""
        if report.failed:
            self.outcomes[report.nodeid] = "not collected"

    def pytest_warning_recorded(self, warning_message: Any, nodeid: str) -> None:
        """Lines are left out: a region moves those below it."""
        text = _ADDRESS.sub("0x", str(warning_message.message))
        self.warnings[f"{nodeid}: {warning_message.category.__name__}: {text}"] += 1

    def pytest_collection_finish(self) -> None:
        """The package has been imported: from now on its kernels are timed."""
        for module in list(sys.modules.values()):
            bind = vars(module).get("_polyopt_bind") if module is not None else None
            native = getattr(bind, "__globals__", {}).get("_native")
            if native is not None:
                native.time(True)

    def pytest_sessionfinish(self) -> None:
        """Write what was seen."""
        found = {"outcomes": self.outcomes, "seconds": self.seconds, "warnings": self.warnings, "kernels": _kernels()}
        Path(os.environ["PACKAGES_OUTCOMES"]).write_text(json.dumps(found, indent=1, sort_keys=True), encoding="utf-8")


def _outcome(report: pytest.TestReport) -> str:
    if report.outcome == "passed":
        return "passed"
    if hasattr(report, "wasxfail"):
        return f"x{report.outcome}"
    crash = getattr(report.longrepr, "reprcrash", None)
    raised = crash.message.partition("\n")[0] if crash is not None else ""
    return _ADDRESS.sub("0x", f"{report.outcome} in {report.when}: {raised}" if report.failed else report.outcome)


def _kernels() -> dict[str, float]:
    """Seconds in kernels by region, those that were never entered as 0."""
    seconds = {}
    for name, module in list(sys.modules.items()):
        bound = vars(module).get("_polyopt") if module is not None else None
        for region, function in vars(bound).items() if "_polyopt_bind" in vars(module) and bound is not None else ():
            state = getattr(function, "__self__", None)
            if hasattr(state, "nanoseconds"):
                seconds[f"{name}:{region}"] = state.nanoseconds / 1e9
    return seconds


def pytest_configure(config: pytest.Config) -> None:
    """Called by pytest when it loads this file."""
    config.pluginmanager.register(Recorder(), "polyopt-packages")
