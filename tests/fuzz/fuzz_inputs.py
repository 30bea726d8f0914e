"""Random arguments for random programs: ordinary ones, and those that guards exist for.

Layouts, byte orders, read-only and unaligned arrays, subclasses, empty sizes, infinities and NaNs, arguments that are or overlap each
other.
"""

from __future__ import annotations

from random import Random
from typing import Any

import numpy as np
from fuzz_lists import as_lists
from fuzz_programs import Program
from fuzz_values import kind_of

LAYOUTS = (
    "C", "C", "C", "C", "F", "F", "strided", "sparse", "reversed", "mirrored", "offset", "readonly", "swapped", "unaligned", "broadcast",
    "subclass", "other",
)  # fmt: skip
USUAL: dict[str, tuple[object, ...]] = {
    "s": (0.5, 2.0, -1.25),
    "c": (1, 2),
    "z": (0.5 - 2j, 1j),
    "w": (np.float32(0.3), np.float32(-2)),
    "x": (np.float64(0.7), np.float64(1e3)),
    "h": (np.int64(2), np.int64(-1)),
}
"""Ordinary values of the scalar parameters."""
UNUSUAL: dict[str, tuple[object, ...]] = {
    "s": (0.0, -0.0, float("inf"), float("nan"), 1e300, np.float64(2.5), 3, True, np.float32(1.5), 5e-324),
    "c": (0, -1, -3, 5, 31, 64, 2**31, -(2**31) - 1, 2**53 + 1, 2**63 - 1, 2**63, 10**30, True, np.int64(1), np.int32(2), 2.0),
    "z": (0j, complex(float("inf"), 0.0), complex(0.0, float("nan")), 1.0, np.complex64(1j), 1e200 + 1e200j),
    "w": (np.float32(3e38), np.float32("nan"), np.float32(1e-45), 0.5, np.float64(0.1)),
    "x": (np.float64("inf"), np.float64(0), 1.5, np.float32(0.1), np.float64(1e-310)),
    "h": (np.int64(2**63 - 1), np.int64(0), 3, np.int32(2), np.int64(-(2**63))),
}
_PAIRS = (("float64", "float32"), ("int64", "int32"), ("complex128", "complex64"))
OTHER = {one: two for pair in _PAIRS for one, two in (pair, pair[::-1])}
"""The second kind of arrays that a program was profiled with, and what a guard has to refuse otherwise."""
SPECIAL: dict[str, list[object]] = {
    "f": [0.0, -0.0, np.inf, -np.inf, np.nan, 1e300, 5e-324],
    "c": [0, 1e300, np.inf, 1e-200j],
    "i": [2**31 - 1, -(2**31), 0],
    "b": [True],
}


class Foreign(np.ndarray):
    """A subclass: every guard must refuse it."""


def inputs(random: Random, made: Program, plain: bool = False, big: bool = False, other: bool | None = None) -> list[Any]:
    """Arguments for one call: arrays, scalars, `n`, `m`. Equal generators give equal arguments that share no memory with each other.

    plain: ordinary arrays of ordinary values and sizes (what a test suite would use, and what the profile is taken from).
    big: plain, but large enough for whole tiles, blocks and, here and there, threads. other: the second kind of arrays.
    """
    n, m = _sizes(random, made, plain, big)
    plain = plain or big
    wild = not plain and random.random() < 0.4
    if other is None:
        other = made.twice and random.random() < 0.4
    values: list[Any] = []
    for array in made.arrays:
        shape = tuple({"n": n, "m": m}[extent] for extent in array.extents)
        if wild and random.random() < 0.2:
            shape = tuple(random.choice((extent, extent, extent + 1)) for extent in shape)
        dtype = OTHER.get(array.dtype, array.dtype) if other else array.dtype
        lay_out = "C" if not wild or array.container != "ndarray" else random.choice(LAYOUTS)
        values.append(_array(random, dtype, shape, lay_out, plain))
    if wild and random.random() < 0.4 and all(array.container == "ndarray" for array in made.arrays):
        _alias(random, values)
    if any(array.container != "ndarray" for array in made.arrays):
        values = as_lists(random, made, values, wild)
    for name in made.scalars:
        values.append(random.choice((USUAL if plain or random.random() < 0.6 else UNUSUAL)[name]))
    if wild and random.random() < 0.2:
        n = random.choice((n - 1, n + 1, np.int64(n), float(n), -4))
    return [*values, n, m]


def _sizes(random: Random, made: Program, plain: bool, big: bool) -> tuple[Any, int]:
    if big:
        most = int(random.choice((20_000, 20_000, 100_000)) ** (1 / made.depth))
        return random.choice((most, most - 1, most // 2)), random.choice((most, most // 2 + 1))
    n = random.choice((4, 5, 7)) if plain else random.choice((0, 1, 2, 3, 5, 6, 9, 17))
    return n, random.choice((3, 5)) if plain else random.choice((n, 0, 1, 2, 4, 7))


def _alias(random: Random, values: list[Any]) -> None:
    """Make two arguments one array, or views of one."""
    if len(values) < 2:
        return
    first, second = random.sample(range(len(values)), 2)
    one, two = values[first], values[second]
    if one.dtype != two.dtype or not one.flags.writeable:
        return
    if one.ndim > two.ndim and one.shape[0]:
        rows = [view for view in (one[0], one[-1], one[..., 0] if one.shape[-1] else one[0]) if view.shape == two.shape]
        values[second] = random.choice(rows) if rows else two
    if one.ndim != two.ndim:
        return
    match random.randrange(6):
        case 0:
            values[second] = one
        case 1:
            values[second] = one[..., ::1]
        case 2:
            values[second] = one[::-1]
        case 3 if one.shape == one.shape[::-1]:
            values[second] = one.T
        case _:
            base = np.concatenate((one, one[:1])) if len(one) else one
            values[first], values[second] = base[: len(one)], base[len(base) - len(one) :]


def _array(random: Random, dtype: str, shape: tuple[int, ...], layout: str, plain: bool) -> Any:
    generator = np.random.default_rng(random.getrandbits(32))
    kind = kind_of(dtype)
    full: Any
    if kind == "b":
        full = generator.integers(0, 2, shape).astype(bool)
    elif kind == "i":
        full = generator.integers(0 if dtype.startswith("u") else -6, 7, shape).astype(dtype)
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
        case "sparse":
            tall = np.zeros((full.shape[0] * 3, *full.shape[1:]), full.dtype)
            tall[::3] = full
            return tall[::3]
        case "mirrored":
            return full[..., ::-1].copy()[..., ::-1]
        case "other":
            with np.errstate(all="ignore"):
                return full.astype(OTHER.get(full.dtype.name, "float64"))
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
