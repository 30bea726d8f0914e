"""What was seen so far, aggregated while the program runs: memory is bounded by the number of functions, not of calls.

Which calls are looked at depends on counts only, never on time, so that the same run gives the same facts. Each of the first
calls is looked at; from then on ever fewer, except that a call with argument types not met before always is.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from math import inf
from types import CodeType

from polyopt_profiler.sources import Function
from setuptools_polyopt.profile.merging import join_variant, variant_key
from setuptools_polyopt.profile.schema import (
    MAX_VARIANTS,
    SHARES,
    FunctionProfile,
    Profile,
    ValueProfile,
    Variant,
    coarse,
)

ALWAYS = 256
"""So many first calls of each function are looked at."""

TYPE_CHECKS = 4096
"""So many first calls are at least checked for argument types not met before."""

MANY = 8
"""From so many calls on, the longest does not count for more than the second longest."""

TINY = 20e-6
"""A function that calls no other and takes fewer seconds than this becomes quiet after its `TYPE_CHECKS` first calls."""

_RESUMABLE = inspect.CO_GENERATOR | inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR

MAX_HELD = 32
"""Variants that are held for one function while the program runs; later ones are not."""


@dataclass(slots=True)
class Observation:
    """What was seen at the entry of one call."""

    arguments: dict[str, ValueProfile]
    attributes: dict[str, ValueProfile]
    symbols: dict[str, int]
    overlap: tuple[tuple[str, str], ...]
    identical: tuple[tuple[str, str], ...]


@dataclass(slots=True)
class Spent:
    """Seconds of the calls of one kind.

    The first call of a program's life may pay for lazy imports and cold caches, which say nothing of the function: it counts
    for no more than the longest of the others, where there are others. One call among many may have been interrupted by
    another process: the longest counts for no more than the second longest.
    """

    calls: int = 0
    first: float = 0.0
    others: float = 0.0
    longest: float = 0.0
    second: float = 0.0
    shortest: float = inf

    def add(self, seconds: float, starts: bool = True) -> None:
        """Count one call, or a part of one that does not start it (a generator that goes on)."""
        if starts:
            self.calls += 1
        if self.calls <= 1:
            self.first += seconds
        else:
            self.others += seconds
            self.longest, self.second = max(self.longest, seconds), max(min(self.longest, seconds), self.second)
            self.shortest = min(self.shortest, seconds)

    @property
    def seconds(self) -> float:
        """The seconds of all calls, with the first one and the longest cut to size."""
        if self.calls <= 1:
            return self.first
        longest = self.second if self.calls >= MANY else self.longest
        return self.others - self.longest + longest + min(self.first, longest)


@dataclass
class HeldVariant:
    """The calls of the same types so far, and the time that they took."""

    variant: Variant
    spent: Spent = field(default_factory=Spent)


@dataclass(slots=True)
class Record:
    """One function: counts, seconds in its own code (that of other project functions not counted), variants.

    `leaf`: no call of another project function was seen in it. `quiet`: only some calls are timed; all are then taken
    to last `typical` seconds, which is the shortest time seen: in so short a time the rest is mostly noise and our own doing.
    """

    function: Function
    parameters: tuple[str, ...] = ()
    resumable: bool = False
    calls: int = 0
    spent: Spent = field(default_factory=Spent)
    next_look: int = 1
    leaf: bool = True
    quiet: bool = False
    typical: float = 0.0
    types: set[tuple[type, ...]] = field(default_factory=set)
    variants: dict[str, HeldVariant] = field(default_factory=dict)

    def due(self) -> bool:
        """Whether the call that has just been counted is one of those to look at."""
        if self.calls < self.next_look:
            return False
        self.next_look = self.calls + 1 + self.calls // ALWAYS
        return True

    def time(self, seconds: float, starts: bool) -> None:
        """Count the time of a call, or of a part of one that does not start it."""
        self.spent.add(seconds, starts)
        if self.calls > TYPE_CHECKS and self.leaf and not self.resumable:
            self.quiet = self.spent.seconds < TINY * self.spent.calls
            self.typical = self.spent.shortest

    @property
    def seconds(self) -> float:
        """The seconds of all calls, as far as they can be known."""
        return self.typical * self.calls if self.quiet else self.spent.seconds * self.calls / max(1, self.spent.calls)

    def add(self, variant: Variant, seconds: float) -> None:
        """Count a call that was looked at."""
        key = variant_key(variant)
        held = self.variants.get(key)
        if held is None:
            if len(self.variants) >= MAX_HELD:
                return
            held = self.variants[key] = HeldVariant(variant)
        else:
            held.variant = join_variant(held.variant, variant)
        held.spent.add(seconds)


def build_profile(records: Iterable[Record], before: Profile) -> Profile:
    """The profile of all functions that were called.

    Shares are of the seconds of all records, in steps; a share keeps the step that it has `before` while the measured one is
    near, so that a little noise in the times does not change the file.
    """
    called = _by_key(record for record in records if record.calls)
    total = sum(record.seconds for record in called.values()) or 1.0
    return Profile({key: _entry(called[key], total, before.functions.get(key)) for key in sorted(called)})


def raw_times(records: Iterable[Record]) -> dict[str, dict[str, float]]:
    """Calls and seconds by function, for the file that is not committed."""
    called = _by_key(record for record in records if record.calls)
    return {key: {"calls": record.calls, "seconds": round(record.seconds, 6)} for key, record in sorted(called.items())}


def _by_key(records: Iterable[Record]) -> dict[str, Record]:
    """By key; where several definitions have one name, the one that was called most."""
    chosen: dict[str, Record] = {}
    for record in sorted(records, key=lambda record: (record.calls, record.function.hash)):
        chosen[record.function.key] = record
    return chosen


def _entry(record: Record, total: float, before: FunctionProfile | None) -> FunctionProfile:
    if before is not None and before.hash != record.function.hash:
        before = None
    shares: Mapping[str, float] = {variant_key(old): old.share for old in before.variants} if before else {}
    looked_at = sum(held.spent.seconds for held in record.variants.values()) or 1.0
    variants = []
    for key, held in record.variants.items():
        share = record.seconds / total * held.spent.seconds / looked_at
        variants.append((settle(share, shares.get(key)), key, held.variant))
    variants.sort(key=lambda item: (-item[0], -item[2].calls, item[1]))
    return FunctionProfile(
        hash=record.function.hash,
        calls=record.calls,
        share=settle(record.seconds / total, before.share if before else None),
        variants=tuple(replace(variant, share=share) for share, _, variant in variants[:MAX_VARIANTS]),
    )


def settle(share: float, before: float | None) -> float:
    """The step for a measured share: the one it had `before` while the share is within a factor of three of it."""
    if before in SHARES:
        index = SHARES.index(before)
        above = SHARES[index - 1] if index else 1.0
        if before / 3 <= share < above * 3:
            return before
    return coarse(share)


def parameters(code: CodeType) -> tuple[str, ...]:
    """All parameter names of a function, `*args` and `**kwargs` included."""
    stars = bool(code.co_flags & inspect.CO_VARARGS) + bool(code.co_flags & inspect.CO_VARKEYWORDS)
    return code.co_varnames[: code.co_argcount + code.co_kwonlyargcount + stars]


def resumable(code: CodeType) -> bool:
    """Whether calling it gives a generator or coroutine."""
    return bool(code.co_flags & _RESUMABLE)
