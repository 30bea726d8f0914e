"""The tracer: MonkeyType's, with our own look at calls and returns.

Python calls it at every call and return in every thread. What is not code of the project costs one dictionary look-up. For the
project's functions it keeps, per thread, a stack of running calls with the time spent in each; for some calls (see `records`)
arguments are looked at when the call begins, since the function may change them, and the result when it ends.

The time that the tracer itself takes is not the program's: each thread's clock stands still while the tracer runs. A function that is
called often, ends quickly and calls no other function of the project is *quiet*: most of its calls are only counted, and the caller's
clock goes on without what such a call is known to take. No exception leaves the tracer; it is counted, and the call is left out.
"""

from __future__ import annotations

import dis
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from time import perf_counter
from types import CodeType, FrameType
from typing import Any

from monkeytype.tracing import CallTracer

from polyopt_profiler.aggregate import Aggregate
from polyopt_profiler.observe import MISSING, MOCKED, attribute, is_array, observe
from polyopt_profiler.records import TYPE_CHECKS, Observation, Record, Spent
from polyopt_profiler.relations import equal_classes, sharing, symbols
from polyopt_profiler.sources import Function
from setuptools_polyopt.profile.schema import OtherProfile, ValueProfile, Variant

_MAX_CODES = 200_000
_SHORTEST = 1e-7  # seconds; no call of a Python function takes less
_LEAVING = frozenset(
    dis.opmap[name] for name in ("RETURN_VALUE", "RETURN_CONST", "RETURN_GENERATOR", "YIELD_VALUE") if name in dis.opmap
)
_RESUME = dis.opmap.get("RESUME", -1)


@dataclass(slots=True)
class _Running:
    """A call that has not ended: its start on the thread's clock, the seconds in project functions that it called."""

    frame: FrameType
    record: Record
    start: float
    starts: bool = True
    inner: float = 0.0
    observation: Observation | None = None


@dataclass
class _ThreadState(threading.local):
    """One thread's running calls and the seconds that the tracer has taken in it."""

    stack: list[_Running] = field(default_factory=list)
    overhead: float = 0.0


class ProfileTracer(CallTracer):
    """Installed with `sys.setprofile` and `threading.setprofile`; fills an `Aggregate`."""

    def __init__(self, aggregate: Aggregate, code_filter: Callable[[CodeType], bool]) -> None:
        super().__init__(logger=aggregate, max_typed_dict_size=0, code_filter=code_filter)
        self._aggregate = aggregate
        self._filter = code_filter
        self._known: dict[int, tuple[CodeType, Record | None]] = {}  # by id: hashing a code object reads all of it
        self._state = _ThreadState()
        self._timed_cost = 0.0
        self._quiet_cost = 0.0

    def __call__(self, frame: FrameType, event: str, arg: object) -> ProfileTracer:
        if event != "call" and event != "return":
            return self
        known = self._known.get(id(frame.f_code)) or self._learn(frame)
        record = known[1]
        if record is not None:
            if record.quiet and self._passes(record, frame, event):
                return self
            try:
                if event == "call":
                    self.handle_call(frame)
                else:
                    self.handle_return(frame, arg)
            except Exception as error:  # noqa: BLE001 - the profiler never breaks the program
                self._aggregate.failed(error)
        return self

    def _passes(self, record: Record, frame: FrameType, event: str) -> bool:
        """Count a call of a quiet function, unless it is one to look at."""
        stack = self._state.stack
        if event == "return":
            return not stack or stack[-1].frame is not frame
        if record.calls + 1 >= record.next_look:
            return False
        record.calls += 1
        if stack:
            stack[-1].inner += record.typical + self._quiet_cost
        return True

    def calibrate(self) -> None:
        """Measure, with calls of a function that does nothing, what of its own work the tracer's clocks do not see."""

        def nothing() -> None:
            return None

        record = Record(Function("", ""), next_look=sys.maxsize)
        self._known[id(nothing.__code__)] = (nothing.__code__, record)
        hook: Any = self.__call__
        sys.setprofile(hook)
        try:
            self._timed_cost = min(_seconds_inside(nothing, record) for _ in range(20))
            record.quiet = True
            self._quiet_cost = min(_seconds_outside(nothing) for _ in range(20))
        finally:
            sys.setprofile(None)

    def _learn(self, frame: FrameType) -> tuple[CodeType, Record | None]:
        if len(self._known) > _MAX_CODES:
            self._known = {key: known for key, known in self._known.items() if known[1] is not None}
        code = frame.f_code
        record = None
        try:
            if self._filter(code):
                record = self._aggregate.record(code, frame.f_globals)
        except Exception as error:  # noqa: BLE001 - as above
            self._aggregate.failed(error)
        known = (code, record)
        self._known[id(code)] = known
        return known

    def handle_call(self, frame: FrameType) -> None:
        """A call begins, or a generator or coroutine goes on."""
        entered = perf_counter()
        record = self._known[id(frame.f_code)][1]
        assert record is not None
        state = self._state
        observation = None
        starts = True
        try:
            starts = not (record.resumable and _goes_on(frame))
            if starts:
                observation = self._begin(frame, record)
        finally:
            left = perf_counter()
            state.overhead += left - entered
            state.stack.append(_Running(frame, record, left - state.overhead, starts, observation=observation))

    def _begin(self, frame: FrameType, record: Record) -> Observation | None:
        with self._aggregate.lock:
            record.calls += 1
            look = record.due()
        if not look and record.calls > TYPE_CHECKS:
            return None
        local = frame.f_locals
        values = [(name, local[name]) for name in record.parameters if name in local]
        types = tuple(type(value) for _, value in values)
        if not look and types in record.types:
            return None
        if len(record.types) < TYPE_CHECKS:
            record.types.add(types)
        return observe_call(values, record.function.uses)

    def handle_return(self, frame: FrameType, arg: object) -> None:
        """A call ends with a value or an exception, or a generator or coroutine is suspended."""
        entered = perf_counter()
        state = self._state
        try:
            running = _take(state.stack, frame)
            if running is None:
                return
            spent = entered - state.overhead - running.start
            if state.stack:
                state.stack[-1].inner += spent
                state.stack[-1].record.leaf = False
            self._end(running, spent - running.inner, frame, arg)
        finally:
            state.overhead += perf_counter() - entered

    def _end(self, running: _Running, own: float, frame: FrameType, arg: object) -> None:
        record = running.record
        variant = None
        if running.observation is not None and _completed(frame, arg):
            result = None if record.resumable else observe(arg)
            variant = variant_of(running.observation, result)
        with self._aggregate.lock:
            record.time(max(_SHORTEST, own - self._timed_cost), running.starts)
            if variant is not None:
                record.add(variant, own)


def observe_call(values: list[tuple[str, Any]], uses: tuple[tuple[str, str], ...]) -> Observation | None:
    """What a call's arguments, and the attributes of them that the function uses, are; None where a mock is among them."""
    arguments = {name: observe(value) for name, value in values}
    by_name = dict(values)
    attributes: dict[str, ValueProfile] = {}
    arrays = [(name, value) for name, value in values if is_array(value)]
    for name, used in uses:
        if not isinstance(arguments.get(name), OtherProfile):
            continue
        value = attribute(by_name[name], used)
        if value is not MISSING:
            attributes[f"{name}.{used}"] = observe(value)
            if is_array(value):
                arrays.append((f"{name}.{used}", value))
    found = {**arguments, **attributes}
    if any(isinstance(value, OtherProfile) and value.type.startswith(MOCKED) for value in found.values()):
        return None
    overlap, identical = sharing(arrays)
    numbers = dict(pair for name, value in found.items() for pair in symbols(name, value))
    return Observation(arguments, attributes, numbers, overlap, identical)


def variant_of(seen: Observation, result: ValueProfile | None) -> Variant:
    """The one call as a variant; extents of its result take part in the equalities."""
    numbers = seen.symbols if result is None else {**seen.symbols, **dict(symbols("result", result))}
    return Variant(
        calls=1,
        share=0.0,
        arguments=seen.arguments,
        attributes=seen.attributes,
        result=result,
        equal=equal_classes(numbers),
        overlap=seen.overlap,
        identical=seen.identical,
    )


def _seconds_inside(function: Callable[[], None], record: Record) -> float:
    """Seconds that the tracer finds for one call of `function`."""
    record.spent = Spent(calls=1)
    for _ in range(20):
        function()
    return record.spent.others / 20


def _seconds_outside(function: Callable[[], None]) -> float:
    """Seconds that one call of `function` takes under the tracer."""
    start = perf_counter()
    for _ in range(50):
        function()
    return (perf_counter() - start) / 50


def _take(stack: list[_Running], frame: FrameType) -> _Running | None:
    """Remove and return the entry of `frame`, normally the last; greenlets may leave calls in another order."""
    for index in range(len(stack) - 1, -1, -1):
        if stack[index].frame is frame:
            return stack.pop(index)
    return None


def _instruction(frame: FrameType) -> int:
    """The operation code that the frame is at; the first one before it has begun."""
    return frame.f_code.co_code[max(frame.f_lasti, 0)]


def _completed(frame: FrameType, arg: object) -> bool:
    """Whether a `return` event means a value; after an exception it comes with None and the frame is at another instruction.

    From 3.13 on, a frame that yields is already at the `RESUME` where it will go on.
    """
    if arg is not None:
        return True
    code = _instruction(frame)
    return code in _LEAVING or (code == _RESUME and frame.f_lasti > 0)


if sys.version_info >= (3, 11):

    def _goes_on(frame: FrameType) -> bool:
        """Whether a generator or coroutine is past its beginning."""
        return not (_instruction(frame) == _RESUME and frame.f_code.co_code[frame.f_lasti + 1] & 3 == 0)

else:

    def _goes_on(frame: FrameType) -> bool:
        """Whether a generator or coroutine is past its beginning."""
        return frame.f_lasti >= 0
