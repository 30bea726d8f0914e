"""The switches that a user sets in the environment.

What: one frozen record of `POLYOPT_DISABLE`, `POLYOPT_TRACE` and `POLYOPT_REQUIRE`, and where the user's cache lies. Why here: `bind`
reads the record once, when a module is imported; the native code reads those that concern threads and instruction sets
(`POLYOPT_NUM_THREADS`, `POLYOPT_CPU_LEVEL`) by itself.
"""

from __future__ import annotations

import os
import sys
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


def cache_folder(environ: Mapping[str, str]) -> str:
    """`POLYOPT_CACHE_DIR`, else a folder in the platform's user cache."""
    if environ.get("POLYOPT_CACHE_DIR"):
        return environ["POLYOPT_CACHE_DIR"]
    home = environ.get("HOME") or os.path.expanduser("~")
    if sys.platform == "darwin":
        return os.path.join(home, "Library", "Caches", "polyopt")
    return os.path.join(environ.get("XDG_CACHE_HOME") or os.path.join(home, ".cache"), "polyopt")
