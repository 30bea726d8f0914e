"""Running a program under the tracer, as if it ran alone.

`sys.argv`, `sys.path[0]` and `__main__` are what `python script.py` and `python -m module` make them; what the program prints, its
exit status and its traceback pass through. The profile is written when the process ends, after the program's threads and its own
`atexit` functions.
"""

from __future__ import annotations

import atexit
import io
import json
import os
import runpy
import sys
import threading
from dataclasses import dataclass
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType, TracebackType
from typing import Any

from polyopt_profiler.aggregate import Aggregate, ProfilerConfig
from polyopt_profiler.project import Project
from polyopt_profiler.tracer import ProfileTracer
from setuptools_polyopt.profile.errors import ProfileError
from setuptools_polyopt.profile.reading import read_profile, replace_file, write_profile
from setuptools_polyopt.profile.schema import Profile

TIMES_FILE = ".polyopt-profile-times.json"
_OURS = (os.path.dirname(__file__), "<frozen runpy>", runpy.__file__)


@dataclass(frozen=True)
class Program:
    """What stands after `--`: a script or, with `is_module`, a module, and its arguments."""

    name: str
    arguments: tuple[str, ...] = ()
    is_module: bool = False


def run(program: Program, project: Project, output: Path) -> int:
    """Run it under the tracer; the profile is written to `output` at the end of the process.

    Returns 0, or 1 after an uncaught exception, whose traceback is printed; `SystemExit` and `KeyboardInterrupt` pass through.
    """
    other = sys.getprofile()
    if other is not None:
        say(
            f"another profiler is active ({_describe(other)}): the program runs without ours, and no profile is written"
        )
        return _execute(program)
    config = ProfilerConfig(project)
    aggregate = config.trace_logger()
    tracer = ProfileTracer(aggregate, config.code_filter())
    tracer.calibrate()
    process = os.getpid()
    hook: Any = tracer.__call__  # the bound method is called faster than the object
    atexit.register(lambda: _finish(hook, aggregate, output) if os.getpid() == process else None)
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=lambda: sys.setprofile(None) if sys.getprofile() is hook else None)
    os.environ.setdefault("POLYOPT_DISABLE", "1")  # where the project is installed as optimised, its own code is to run
    threading.setprofile(hook)
    sys.setprofile(hook)
    return _execute(program)


def say(message: str) -> None:
    """One line on standard error."""
    sys.stderr.write(f"polyopt-profile: {message}\n")


def _execute(program: Program) -> int:
    sys.argv = [program.name, *program.arguments]
    try:
        if program.is_module:
            _set_first_path(os.getcwd())
            runpy.run_module(program.name, run_name="__main__", alter_sys=True)
        elif os.path.isfile(program.name):
            _set_first_path(os.path.dirname(os.path.realpath(program.name)))
            _run_script(os.path.abspath(program.name))
        else:
            runpy.run_path(program.name, run_name="__main__")  # a folder or archive with a __main__
    except Exception as error:  # noqa: BLE001 - shown as the interpreter would show it
        error = error.with_traceback(_of_program(error.__traceback__))
        sys.excepthook(type(error), error, error.__traceback__)
        return 1
    return 0


def _set_first_path(folder: str) -> None:
    """Put what the interpreter would put there in the place of the folder of our own command."""
    if not getattr(sys.flags, "safe_path", False):
        sys.path[0:1] = [folder]


def _run_script(path: str) -> None:
    """As `python path` does; the module stays in `sys.modules`, for threads and `atexit` functions that outlive this call."""
    with io.open_code(path) as file:
        code = compile(file.read(), path, "exec", dont_inherit=True)
    module = ModuleType("__main__")
    module.__file__ = path
    module.__loader__ = SourceFileLoader("__main__", path)
    module.__dict__.update(__builtins__=sys.modules["builtins"], __annotations__={}, __cached__=None)
    sys.modules["__main__"] = module
    exec(code, module.__dict__)


def _of_program(traceback: TracebackType | None) -> TracebackType | None:
    """The traceback less the frames of ours that it begins with."""
    while traceback is not None and traceback.tb_frame.f_code.co_filename.startswith(_OURS):
        traceback = traceback.tb_next
    return traceback


def _finish(hook: Any, aggregate: Aggregate, output: Path) -> None:
    found = sys.getprofile()
    sys.setprofile(None)
    threading.setprofile(None)
    if found is not hook:
        say(f"the program set another profiler ({_describe(found)}): what ran after that is not in the profile")
    try:
        _write(aggregate, output)
    except (OSError, ProfileError) as error:
        say(f"the profile was not written: {error}")


def _write(aggregate: Aggregate, output: Path) -> None:
    profile = aggregate.profile(_before(output))
    if aggregate.failures:
        say(f"{aggregate.failures} calls could not be looked at; the first time: {aggregate.first_failure!r}")
    if not profile.functions:
        say(f"no function of the project was called; {output.name} is left as it was")
        return
    write_profile(profile, output)
    times = json.dumps(aggregate.times(), indent=2, sort_keys=True)
    replace_file(output.parent / TIMES_FILE, times.encode() + b"\n")
    say(f"{len(profile.functions)} functions written to {output}")


def _before(output: Path) -> Profile:
    """The profile that is there already, for steady shares; nothing where there is none that can be read."""
    try:
        return read_profile(output)
    except ProfileError:
        return Profile()


def _describe(profiler: object) -> str:
    kind = type(profiler)
    return "none" if profiler is None else f"{kind.__module__}.{kind.__qualname__}"
