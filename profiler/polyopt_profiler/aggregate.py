"""The tracer's memory: a record for every function of the project that has run, shared by all threads.

It takes the place of MonkeyType's trace logger, and `ProfilerConfig` that of its configuration: what MonkeyType would append to a
list and store in a database is joined here at once.
"""

from __future__ import annotations

import threading
from types import CodeType
from typing import Any

from monkeytype.config import Config
from monkeytype.db.base import CallTraceStore
from monkeytype.tracing import CallTrace, CallTraceLogger, CodeFilter

from polyopt_profiler.project import Project
from polyopt_profiler.records import Record, build_profile, parameters, raw_times, resumable
from polyopt_profiler.sources import Sources
from setuptools_polyopt.profile.schema import Profile


class Aggregate(CallTraceLogger):
    """Records by key and syntax. `lock` guards them; `failures` counts what went wrong inside the profiler."""

    def __init__(self, project: Project) -> None:
        self.lock = threading.Lock()
        self.failures = 0
        self.first_failure: Exception | None = None
        self._sources = Sources(project)
        self._records: dict[tuple[str, str, tuple[str, ...]], Record] = {}

    def record(self, code: CodeType, namespace: dict[str, Any]) -> Record | None:
        """The record of the function that `code` is the body of, None where it is no function of the project.

        A nested function has a new function object, but the same code, every time that the outer one runs; a module that
        is imported again has new code and keeps its record.
        """
        with self.lock:
            function = self._sources.function(code, namespace)
            if function is None:
                return None
            names = parameters(code)
            key = (function.key, function.hash, names)
            return self._records.setdefault(key, Record(function, names, resumable(code)))

    def failed(self, error: Exception) -> None:
        """Count an exception that was raised inside the profiler; the call is left out."""
        self.failures += 1
        self.first_failure = self.first_failure or error

    def log(self, trace: CallTrace) -> None:
        """MonkeyType's own traces know classes only and are not kept."""

    def profile(self, before: Profile) -> Profile:
        """All that was seen; see `build_profile`."""
        with self.lock:
            return build_profile(self._records.values(), before)

    def times(self) -> dict[str, dict[str, float]]:
        """Raw seconds and counts."""
        with self.lock:
            return raw_times(self._records.values())


class ProfilerConfig(Config):
    """MonkeyType's configuration for one project: the project's code only, facts joined in memory, no database."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._answers: dict[str, bool] = {}

    def trace_store(self) -> CallTraceStore:
        """There is none."""
        raise NotImplementedError("facts are joined in memory and written to polyopt-profile.json")

    def trace_logger(self) -> Aggregate:
        """A new, empty memory."""
        return Aggregate(self._project)

    def code_filter(self) -> CodeFilter:
        """Whether code is in a file of the project; each file is looked at once."""
        return self._is_of_project

    def _is_of_project(self, code: CodeType) -> bool:
        name = code.co_filename
        if name not in self._answers:
            self._answers[name] = self._project.owns_file(name)
        return self._answers[name]
