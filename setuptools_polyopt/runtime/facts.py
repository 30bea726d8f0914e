"""What the installed NumPy does where versions differ, found out by trying.

The build asks before it decides what an operator means; the native code asks again when it first meets NumPy, and stays away (the
original statements run) where an answer differs from the build's.
"""

from __future__ import annotations

import warnings
from typing import NamedTuple


class Facts(NamedTuple):
    """weak_scalars: NEP 50 (NumPy 2): types do not depend on values. power_loop: the loop of `power` itself squares, roots and inverts
    where one exponent serves all elements (before, only the operator `**` did). clip_keeps: between equal zeros `clip` keeps the element,
    not the bound. numpy_count: `count_nonzero` of a whole array is an np.int64, no Python int."""

    weak_scalars: bool
    power_loop: bool
    clip_keeps: bool
    numpy_count: bool

    def signature(self) -> str:
        """The answers as text, one digit each: what an extension compares."""
        return "".join(str(int(answer)) for answer in self)


def discover() -> Facts:
    """Try it on the NumPy at hand, which is imported now and not with this module; no warning or state is left behind."""
    import numpy as np

    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        weak = np.result_type(np.float32(1), 1.0) == np.float32
        # the root of -0.0 is -0.0, its power 0.5 is 0.0
        rooted = bool(np.signbit(np.power(np.array([-0.0, -0.0]), 0.5)[0]))
        kept = bool(np.signbit(np.clip(np.array([-0.0, -0.0]), 0.0, 1.0)[0]))
        counted = isinstance(np.count_nonzero(np.ones(1)), np.generic)
    return Facts(bool(weak), rooted, kept, counted)


def signature() -> str:
    """`discover().signature()`: what native code calls."""
    return discover().signature()
