"""What a built wheel carries as its `_polyopt` package: the link between a rewritten module and its native regions.

A rewritten module says, once, near its top

    from pkg._polyopt import bind as _polyopt_bind
    _polyopt = _polyopt_bind(__name__, globals())

and at each region `if (r := _polyopt.heat_0(A, B, n)) is not None: ... else: <the original statements>`. `bind` answers the object
with those functions: native ones from the extension `_native` that lies beside this file or, where there is none to be had or
POLYOPT_DISABLE is set, functions that answer None. Nothing here imports NumPy; the native code uses the one that the module imports.
"""

from __future__ import annotations

import os
import sys
from functools import cache
from importlib import import_module
from types import ModuleType
from typing import Any

from . import environment, facts, machine

__all__ = ["bind"]


def bind(module_name: str, module_globals: dict[str, Any]) -> ModuleType:
    """The regions of the module `module_name`, whose dictionary is `module_globals`, as attributes of one object.

    Each attribute is a function of the region's inputs; it answers the tuple of the region's outputs, or None when the original
    statements have to run. Never raises for what a build or a machine may lack.
    """
    switches = environment.read(os.environ)
    if switches.disable:
        return _unbound("POLYOPT_DISABLE is set", module_name, switches)
    try:
        native = import_module(f"{__name__}._native")
    except ImportError as error:
        return _unbound(f"the native extension cannot be loaded: {error}", module_name, switches)
    targets = _prepared(native, switches)
    try:
        bound: ModuleType = native.bind(module_name, module_globals, facts.signature, sys._getframe(1).f_code)
    except LookupError as error:
        return _unbound(str(error), module_name, switches)
    if switches.trace or switches.require:
        from .observe import observed

        native.time(switches.trace)
        return observed(bound, module_name, switches, targets)
    return bound


@cache
def _prepared(native: Any, switches: environment.Switches) -> Any:
    """Once a process: tell the extension what was measured on this machine, or is usual, and let it ask where long runs should take place
    (None: the wheel holds no plans)."""
    measured = machine.load(os.environ) or machine.Machine()
    native.tune(*machine.thread_work(measured), tuple(machine.units(measured).values()))
    if not os.path.exists(os.path.join(os.path.dirname(__file__), "plans.py")):
        return None
    from .targets import Targets

    targets = Targets(__name__, native, os.environ, measured)
    targets.install(switches.trace)
    return targets


def _unbound(reason: str, module_name: str, switches: environment.Switches) -> ModuleType:
    from .observe import unbound

    return unbound(reason, module_name, switches)
