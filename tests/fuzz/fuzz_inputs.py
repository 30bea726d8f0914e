"""Random arguments for random programs: ordinary ones, and those that guards exist for.

Layouts, byte orders, read-only and unaligned arrays, subclasses, empty sizes, infinities and NaNs, arguments that are or overlap each
other.
"""

from __future__ import annotations

from random import Random
from typing import Any

import numpy as np
from fuzz_programs import Program

LAYOUTS = ("C", "C", "C", "C", "F", "strided", "reversed", "offset", "readonly", "swapped", "unaligned", "broadcast", "subclass")
USUAL = (0.5, 2.0, -1.25)
UNUSUAL = (0.5, 0.0, -0.0, float("inf"), float("nan"), 1e300, np.float64(2.5), 3, True, np.float32(1.5))
SPECIAL: dict[str, list[object]] = {
    "f": [0.0, -0.0, np.inf, -np.inf, np.nan, 1e300, 5e-324],
    "c": [0, 1e300, np.inf, 1e-200j],
    "i": [2**31 - 1, -(2**31), 0],
    "b": [True],
}


class Foreign(np.ndarray):
    """A subclass: every guard must refuse it."""


def inputs(random: Random, made: Program, plain: bool = False) -> list[Any]:
    """Arguments for one call: arrays, scalars, `n`, `m`. Equal generators give equal arguments that share no memory with each other.

    plain: ordinary arrays of ordinary values and sizes (what a test suite would use, and what the profile is taken from).
    """
    n = random.choice((4, 5, 7)) if plain else random.choice((0, 1, 2, 3, 5, 6, 9, 17))
    m = random.choice((3, 5)) if plain else random.choice((n, 0, 1, 2, 4, 7))
    wild = not plain and random.random() < 0.3
    values: list[Any] = []
    for array in made.arrays:
        shape = tuple({"n": n, "m": m}[extent] for extent in array.extents)
        if wild and random.random() < 0.2:
            shape = tuple(random.choice((extent, extent, extent + 1)) for extent in shape)
        values.append(_array(random, array.dtype, shape, "C" if not wild else random.choice(LAYOUTS), plain))
    if wild and random.random() < 0.4:
        _alias(random, values)
    for _ in made.scalars:
        values.append(random.choice(USUAL if plain or random.random() < 0.5 else UNUSUAL))
    if wild and random.random() < 0.2:
        n += random.choice((-1, 1))
    return [*values, n, m]


def _alias(random: Random, values: list[Any]) -> None:
    """Make the first two arguments one array, or views of one."""
    if len(values) < 2 or values[0].ndim != values[1].ndim or values[0].dtype != values[1].dtype or not values[0].flags.writeable:
        return
    first = values[0]
    match random.randrange(4):
        case 0:
            values[1] = first
        case 1:
            values[1] = first[..., ::1]
        case 2:
            values[1] = first[::-1]
        case _:
            base = np.concatenate((first, first[:1])) if len(first) else first
            values[0], values[1] = base[: len(first)], base[len(base) - len(first) :]


def _array(random: Random, dtype: str, shape: tuple[int, ...], layout: str, plain: bool) -> Any:
    generator = np.random.default_rng(random.getrandbits(32))
    kind = np.dtype(dtype).kind
    full: Any
    if kind == "b":
        full = generator.integers(0, 2, shape).astype(bool)
    elif kind == "i":
        full = generator.integers(-6, 7, shape).astype(dtype)
    else:
        full = generator.normal(size=shape).astype(dtype)
        if kind == "c":
            full = (full + 1j * generator.normal(size=shape)).astype(dtype)
    if not plain and full.size and random.random() < 0.3:
        with np.errstate(all="ignore"):
            for _ in range(random.randint(1, 3)):
                full.reshape(-1)[random.randrange(full.size)] = np.array(random.choice(SPECIAL[kind])).astype(dtype)
    return _lay_out(full, layout)


def _lay_out(full: Any, layout: str) -> Any:
    match layout:
        case "F":
            return np.asfortranarray(full)
        case "strided":
            wide = np.zeros((*full.shape[:-1], full.shape[-1] * 2), full.dtype)
            wide[..., ::2] = full
            return wide[..., ::2]
        case "reversed":
            return full[::-1].copy()[::-1]
        case "offset":
            tall = np.zeros((full.shape[0] + 2, *full.shape[1:]), full.dtype)
            tall[1:-1] = full
            return tall[1:-1]
        case "readonly":
            full.flags.writeable = False
            return full
        case "swapped":
            return full.astype(full.dtype.newbyteorder())
        case "unaligned":
            raw = np.zeros(full.nbytes + 1, np.uint8)
            moved = raw[1:].view(full.dtype).reshape(full.shape)
            moved[...] = full
            return moved
        case "broadcast":
            return np.broadcast_to(full[:1], full.shape) if full.shape[0] else full
        case "subclass":
            return full.view(Foreign)
        case _:
            return full
