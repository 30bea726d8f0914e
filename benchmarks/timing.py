"""Fair timing of several versions of one function: they take turns, and medians are compared.

A sample is a run of calls long enough for the clock; the versions alternate sample by sample and the order is reversed in every other
round, so that a slow phase of the machine hits all of them.  Arguments that a call changes are made anew for each call, outside
the timed part.
"""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeAlias

Clock: TypeAlias = Callable[[], float]

MAX_CALLS = 100_000
MAX_PREPARED_BYTES = 128 << 20


@dataclass(frozen=True)
class Subject:
    """One version of a function.

    ``prepare`` gives the arguments of one call; with ``fresh`` it is asked anew for every call, else once.
    """

    call: Callable[..., object]
    prepare: Callable[[], tuple[object, ...]]
    fresh: bool = False


@dataclass(frozen=True)
class Timing:
    """Seconds per call, one entry per round."""

    samples: tuple[float, ...]

    @property
    def median(self) -> float:
        return statistics.median(self.samples)

    @property
    def best(self) -> float:
        return min(self.samples)


def alternate(
    subjects: Mapping[str, Subject], *, rounds: int = 7, sample_seconds: float = 0.02, clock: Clock = time.perf_counter
) -> dict[str, Timing]:
    """Time the subjects in turns: ``rounds`` samples of about ``sample_seconds`` each (at least one call)."""
    calls = {name: _calibrated_calls(subject, sample_seconds, clock) for name, subject in subjects.items()}
    samples: dict[str, list[float]] = {name: [] for name in subjects}
    order = list(subjects)
    with _collector_paused():
        for number in range(rounds):
            for name in order if number % 2 == 0 else reversed(order):
                samples[name].append(_sample(subjects[name], calls[name], clock))
    return {name: Timing(tuple(values)) for name, values in samples.items()}


def repeatedly(
    subjects: Mapping[str, Subject],
    settled: Callable[[Mapping[str, Timing]], bool],
    *,
    repeats: int = 3,
    rounds: int = 7,
    sample_seconds: float = 0.02,
) -> dict[str, Timing]:
    """Like :func:`alternate`, up to ``repeats`` times: samples are pooled until ``settled`` says that they suffice.

    For verdicts close to a limit on a machine that does other things too.
    """
    pooled = alternate(subjects, rounds=rounds, sample_seconds=sample_seconds)
    for _ in range(repeats - 1):
        if settled(pooled):
            break
        more = alternate(subjects, rounds=rounds, sample_seconds=sample_seconds)
        pooled = {name: Timing(pooled[name].samples + more[name].samples) for name in subjects}
    return pooled


def allowed_seconds(plain: float) -> float:
    """What a call may take that took ``plain`` seconds before: half a microsecond or 3 % more, whichever is larger."""
    return plain + max(0.5e-6, 0.03 * plain)


def _calibrated_calls(subject: Subject, sample_seconds: float, clock: Clock) -> int:
    """How many calls make a sample; the first calls also warm everything up."""
    limit = MAX_CALLS
    if subject.fresh:
        size = sum(getattr(argument, "nbytes", 0) for argument in subject.prepare())
        limit = min(limit, max(1, MAX_PREPARED_BYTES // max(size, 1024)))
    count = 1
    while True:
        elapsed = _sample(subject, count, clock) * count
        if elapsed >= sample_seconds / 4 or count >= limit:
            return max(1, min(limit, round(count * sample_seconds / max(elapsed, 1e-9))))
        count = min(limit, max(2 * count, round(count * sample_seconds / 2 / max(elapsed, 1e-9))))


def _sample(subject: Subject, calls: int, clock: Clock) -> float:
    """Seconds per call over a run of ``calls`` calls."""
    if subject.fresh:
        batch = [subject.prepare() for _ in range(calls)]
    else:
        batch = [subject.prepare()] * calls
    call = subject.call
    start = clock()
    for arguments in batch:
        call(*arguments)
    return (clock() - start) / calls


@contextmanager
def _collector_paused() -> Iterator[None]:
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
