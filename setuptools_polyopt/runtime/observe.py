"""Wrappers around the regions' functions for POLYOPT_TRACE and POLYOPT_REQUIRE.

What: `observed` answers an object like the one that the native `bind` gave, whose functions also report or insist. Why here: neither
switch is meant for production, so the wrappers may cost microseconds, and the native code stays free of both; it only remembers, in
the function's `__self__`, which guard failed (`refusal`) and what ran (`variant`).
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from types import ModuleType
from typing import Any

from .environment import Switches

Region = Callable[..., Any]


def say(text: str) -> None:
    """Write one line to standard error."""
    sys.stderr.write(f"polyopt: {text}\n")
    sys.stderr.flush()


def observed(bound: ModuleType, module_name: str, switches: Switches, targets: Any) -> ModuleType:
    """The functions of `bound` (public attributes), each wrapped. targets: what decides where a run takes place, or None."""
    result = ModuleType(bound.__name__)
    for name, function in vars(bound).items():
        if not name.startswith("__"):
            setattr(result, name, _wrapped(function, f"{module_name}:{name}", switches, targets))
    return result


def _wrapped(function: Any, label: str, switches: Switches, targets: Any) -> Region:
    state = function.__self__

    def region(*args: object) -> object:
        start, before = time.perf_counter(), state.nanoseconds
        result = function(*args)
        micros = (time.perf_counter() - start) * 1e6
        refusal = state.refusal if result is None else None
        if switches.trace:
            ran = _ran(state, targets) if refusal is None else f"original ({refusal})"
            kernel = (state.nanoseconds - before) / 1e3
            inside = f", {kernel:.1f} us of it in the kernel" if kernel else ""
            say(f"{label}: {ran}, {micros:.1f} us{inside}{_guessed(targets)}")
        if switches.require and refusal is not None:
            raise RuntimeError(f"POLYOPT_REQUIRE: {label}: {refusal}")
        return result

    return region


def _ran(state: Any, targets: Any) -> str:
    """What the last call ran on."""
    elsewhere: str = "" if targets is None else targets.last.place
    return elsewhere or str(state.variant)


def _guessed(targets: Any) -> str:
    """What the model predicted for the last run, and why a place was not taken."""
    text: str = "" if targets is None else targets.last.text
    if targets is not None:
        targets.last.place = targets.last.text = ""
    return f" ({text})" if text else ""


def unbound(reason: str, module_name: str, switches: Switches) -> ModuleType:
    """An object on which every region's name is a function that answers None, so that the original statements run.

    With POLYOPT_REQUIRE the functions raise RuntimeError with the reason, unless POLYOPT_DISABLE is set as well.
    """
    result = ModuleType("_polyopt")

    def nothing(*args: object) -> None:
        return None

    def refusing(*args: object) -> None:
        raise RuntimeError(f"POLYOPT_REQUIRE: {module_name}: {reason}")

    function = refusing if switches.require and not switches.disable else nothing

    def find(name: str) -> Region:
        if name.startswith("__"):
            raise AttributeError(name)
        setattr(result, name, function)
        return function

    setattr(result, "__getattr__", find)  # noqa: B010 -- a module's own hook (PEP 562), not a method
    if switches.trace:
        say(f"{module_name}: original code only: {reason}")
    return result
