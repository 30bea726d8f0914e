"""The switches that a user sets in the environment.

What: one frozen record of `POLYOPT_DISABLE`, `POLYOPT_TRACE` and `POLYOPT_REQUIRE`. Why here: `bind` reads them once, when a module is
imported; the native code reads those that concern threads and instruction sets (`POLYOPT_NUM_THREADS`, `POLYOPT_CPU_LEVEL`) by itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

_OFF = frozenset({"", "0", "false", "no", "off"})


class Switches(NamedTuple):
    """What the environment asks for. disable: run the original statements only; trace: a line a call; require: a guard must hold."""

    disable: bool
    trace: bool
    require: bool


def read(environ: Mapping[str, str]) -> Switches:
    """The switches in `environ`; unset, empty, 0, false, no and off mean off."""
    return Switches(
        *(environ.get(f"POLYOPT_{name}", "").lower() not in _OFF for name in ("DISABLE", "TRACE", "REQUIRE"))
    )
