"""Lists of numbers as data of regions, built and run against the untouched source: values, types, identity, exceptions, what is left."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from built import Built, build, profile_of
from hypothesis import given, settings
from hypothesis import strategies as st
from list_programs import CALLS, SOURCE, numbers, table, whole


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    calls = {name: [CALLS[name][0]()] for name in ("of_numpy", "from_numpy", "both", "of_array")}
    return build(tmp_path_factory.mktemp("lists"), "pylists", SOURCE, profile_of(SOURCE, "pylists.mod", calls))


def refusals(built: Built, name: str) -> list[str | None]:
    regions = [r.name for m in built.compiled.report.modules for r in m.regions if r.function == name]
    return [getattr(built.built._polyopt, region).__self__.refusal for region in regions]


def shape_of(value: Any, known: dict[int, int]) -> Any:
    """A value with the types of all its parts, bits of its floats, and which of its lists are one object."""
    if isinstance(value, list | tuple):
        place = known.setdefault(id(value), len(known))
        return type(value), place, [shape_of(item, known) for item in value]
    if isinstance(value, np.ndarray):
        return value.dtype, value.shape, value.tobytes()
    if isinstance(value, float | complex | np.generic):
        return type(value), np.asarray(value).tobytes()
    return type(value), value


def outcome(function: Callable[..., Any], arguments: list[Any]) -> Any:
    """Result or exception, and the arguments behind it; which of their elements are still the same objects."""
    before = _leaves(arguments)
    containers = _containers(arguments)
    try:
        result: Any = function(*arguments)
    except Exception as error:  # noqa: BLE001 - the oracle's exception is part of its answer
        result = type(error), str(error)
    same = [old is new for old, new in zip(before, _leaves(arguments), strict=True)]
    assert containers == _containers(arguments)
    known: dict[int, int] = {}
    return shape_of(arguments, known), shape_of(result, known), same


def _leaves(value: Any) -> list[Any]:
    return [leaf for item in value for leaf in _leaves(item)] if isinstance(value, list | tuple) else [value]


def _containers(value: Any) -> list[int]:
    return [id(value), *(place for item in value for place in _containers(item))] if isinstance(value, list | tuple) else []


def check(built: Built, name: str, make: Callable[[], list[Any]]) -> list[str | None]:
    """Both forms on equal arguments; what became of the regions."""
    expected = outcome(getattr(built.plain, name), make())
    found = outcome(getattr(built.built, name), make())
    assert expected[:2] == found[:2]
    assert all(ours or not theirs for theirs, ours in zip(expected[2], found[2], strict=True))
    return refusals(built, name)


@pytest.mark.parametrize("name", CALLS)
def test_regions_run(built: Built, name: str) -> None:
    assert not [d for d in built.compiled.diagnostics if d.kind == "internal-error"]
    for make in CALLS[name]:
        found = check(built, name, make)
    assert found
    assert len(CALLS[name]) > 1 or found == [None] * len(found), found


class Float(float):
    """A subclass: what it does is nobody's business."""


class List(list[Any]):
    """A list that may do anything."""


def _with(base: list[Any], index: int, value: Any) -> list[Any]:
    return [*base[:index], value, *base[index + 1 :]]


row = numbers(12, 7)
ADVERSARIAL: tuple[tuple[str, Callable[[], list[Any]]], ...] = (
    ("axpy", lambda: [2.0, _with(numbers(40), 17, 3), numbers(40)]),
    ("axpy", lambda: [2.0, _with(numbers(40), 17, True), numbers(40)]),
    ("axpy", lambda: [2.0, _with(numbers(40), 17, Float(2.5)), numbers(40)]),
    ("axpy", lambda: [2.0, _with(numbers(40), 17, np.float64(2.5)), numbers(40)]),
    ("axpy", lambda: [2.0, _with(numbers(40), 17, None), numbers(40)]),
    ("axpy", lambda: [2.0, _with(numbers(40), 17, Fraction(1, 3)), numbers(40)]),
    ("axpy", lambda: [2.0, _with(numbers(40), 17, "x"), numbers(40)]),
    ("axpy", lambda: [2.0, _with(numbers(40), 17, math.nan), numbers(40)]),
    ("axpy", lambda: [2.0, numbers(40), _with(numbers(40), 17, math.nan)]),
    ("axpy", lambda: [2.0, numbers(40), _with(numbers(40), 17, -0.0)]),
    ("axpy", lambda: [math.inf, _with(numbers(40), 3, 0.0), numbers(40)]),
    ("axpy", lambda: [1e308, numbers(40), numbers(40)]),
    ("axpy", lambda: [2.0, List(numbers(40)), numbers(40)]),
    ("axpy", lambda: [2.0, tuple(numbers(40)), numbers(40)]),
    ("axpy", lambda: [2.0, numbers(40), tuple(numbers(40))]),
    ("axpy", lambda: [2.0, numbers(40), numbers(39)]),
    ("axpy", lambda: [2.0, [], []]),
    ("axpy", lambda: [2.0, *(lambda x: [x, x])(numbers(40))]),
    ("axpy", lambda: [2, numbers(40), numbers(40)]),
    ("axpy", lambda: [2.0, np.array(numbers(40)), numbers(40)]),
    ("axpy", lambda: [2.0, numbers(40), np.array(numbers(40))]),
    ("quotients", lambda: [_with(numbers(40), 30, 0.0), numbers(40)]),
    ("quotients", lambda: [_with(numbers(40), 30, -0.0), whole(40)]),
    ("quotients", lambda: [_with(numbers(40), 30, 1e-320), numbers(40)]),
    ("bits", lambda: [_with(whole(40), 30, 2**62), whole(40)]),
    ("bits", lambda: [_with(whole(40), 30, 2**70), whole(40)]),
    ("bits", lambda: [whole(40), _with(whole(40), 39, -(2**63))]),
    ("bits", lambda: [_with(whole(40), 30, False), whole(40)]),
    ("bits", lambda: [_with(whole(40), 30, np.int64(4)), whole(40)]),
    ("bits", lambda: [whole(40), whole(30)]),
    ("flags", lambda: [[1, *[True] * 39], [False] * 40]),
    ("flags", lambda: [[np.True_, *[True] * 39], [False] * 40]),
    ("turned", lambda: [[1.0, *[1j] * 20], 2j]),
    ("turned", lambda: [[complex(math.nan, 0.0), *[1j] * 20], 2j]),
    ("turned", lambda: [[complex(math.inf, 0.0), *[1j] * 20], 2j]),
    ("turned", lambda: [[complex(-0.0, -0.0), *[1j] * 20], 0j]),
    ("rows", lambda: [_with(table(12, 12), 5, numbers(11)), numbers(12)]),
    ("rows", lambda: [_with(table(12, 12), 5, numbers(13)), numbers(12)]),
    ("rows", lambda: [_with(table(12, 12), 5, tuple(numbers(12))), numbers(12)]),
    ("rows", lambda: [_with(table(12, 12), 5, List(numbers(12))), numbers(12)]),
    ("rows", lambda: [_with(table(12, 12), 5, None), numbers(12)]),
    ("rows", lambda: [[numbers(12)] * 12, numbers(12)]),
    ("rows", lambda: (lambda a: [a, a[3]])(table(12, 12))),
    ("rows", lambda: (lambda a: [_with(a, 4, a[3]), numbers(12)])(table(12, 12))),
    ("rows", lambda: [[], numbers(12)]),
    ("rows", lambda: [[[], []], []]),
    ("cube", lambda: [(lambda a: [a, a, copy.deepcopy(a)])(table(4, 5))]),
    ("cube", lambda: [[table(4, 5), [], table(4, 5)]]),
    ("cube", lambda: [[[], []]]),
    ("gemm", lambda: (lambda a: [1.5, a, a, table(8, 8)])(table(8, 8, 9))),
    ("gemm", lambda: (lambda a: [1.5, table(8, 8, 9), a, a])(table(8, 8, 9))),
    ("gemm", lambda: (lambda a: [1.5, a[:7], a[7:], table(8, 8)])(table(15, 8, 9))),
    ("gemm", lambda: (lambda a: [1.5, a[:8], a[7:], table(8, 8)])(table(15, 8, 9))),
    ("made", lambda: [9, 8, numbers(7)]),
    ("made", lambda: [-1, 8, numbers(8)]),
    ("made", lambda: [9, -2, numbers(8)]),
    ("made", lambda: [9, 8, _with(numbers(8), 2, math.nan)]),
    ("made", lambda: [9, 8, _with(numbers(8), 2, math.inf)]),
    ("squares", lambda: [[]]),
    ("squares", lambda: [_with(numbers(50), 2, math.nan)]),
    ("table", lambda: [-3, 4]),
    ("pairs", lambda: [numbers(40), numbers(30)]),
    ("pairs", lambda: [numbers(30), numbers(40)]),
    ("to_numpy", lambda: [[], []]),
    ("to_numpy", lambda: [[[], []], []]),
    ("to_numpy", lambda: [table(9, 8), [2**60, *whole(7)]]),
    ("extremes", lambda: [[], 0]),
    ("extremes", lambda: [[1.0] * 20, 20]),
    ("extremes", lambda: [[math.nan, *numbers(30)], 20]),
    ("extremes", lambda: [[*numbers(30), math.nan], 20]),
    ("extremes", lambda: [[0.0, -0.0, 0.0], 3]),
    ("tuples", lambda: [(), (2, 3), numbers(40)]),
    ("tuples", lambda: [(1.0, 2), (2, 3), numbers(40)]),
    ("tuples", lambda: [(1.0, 2.0), (2, 3, 4), numbers(40)]),
    ("tuples", lambda: [[1.0, 2.0], [2, 3], numbers(40)]),
    ("parts", lambda: [numbers(50), 60]),
    ("parts", lambda: [numbers(50), -3]),
    ("few", lambda: [numbers(5)]),
    ("few", lambda: [whole(6)]),
    ("gathered", lambda: [numbers(30), _with([1] * 50, 40, 30), numbers(50)]),
    ("gathered", lambda: [numbers(30), _with([1] * 50, 40, -30), numbers(50)]),
    ("gathered", lambda: [numbers(30), _with([1] * 50, 40, -31), numbers(50)]),
    ("mean", lambda: [numbers(50), 60]),
    ("common", lambda: [[], [1, 2]]),
    ("common", lambda: [[1, 2], []]),
    ("diffused", lambda: [numbers(40), 0]),
    ("diffused", lambda: [numbers(1), 5]),
    ("diffused", lambda: [_with(numbers(40), 5, 1), 5]),
    ("in_place", lambda: [numbers(40), numbers(40, 1), 0]),
    ("in_place", lambda: (lambda u: [u, u, 3])(numbers(40))),
    ("products", lambda: [[[] for _ in range(9)], []]),
    ("products", lambda: [table(9, 12), whole(12)]),
    ("products", lambda: [[], numbers(12)]),
    ("appended", lambda: [numbers(30), 40]),
    ("appended_rows", lambda: [0, 9, numbers(12)]),
    ("appended_rows", lambda: [8, 1, numbers(12)]),
    ("appended_rows", lambda: [8, 9, numbers(3)]),
    ("appended_twice", lambda: [numbers(40)]),
    ("appended_rows_twice", lambda: [9, numbers(12)]),
    ("appended_one_row", lambda: [9, numbers(12)]),
    ("dots", lambda: [[[], []], []]),
    ("dots", lambda: [table(9, 12), numbers(5)]),
    ("dots", lambda: [[[1e308, 1e308, -1e308]] * 9, [10.0, 10.0, 10.0]]),
    ("dots", lambda: [[[-0.0, -0.0]] * 20, [1.0, 1.0]]),
    ("dots", lambda: [[[1e16, 1.0, -1e16, 1e-3]] * 20, [1.0, 1.0, 1.0, 1.0]]),
    ("softmax", lambda: [[]]),
    ("softmax", lambda: [_with(numbers(40), 30, math.nan)]),
    ("softmax", lambda: [_with(numbers(40), 30, math.inf)]),
    ("softmax", lambda: [_with(numbers(40), 30, -math.inf)]),
    ("counted", lambda: [[], 7]),
    ("counted", lambda: [whole(50), 0]),
    ("counted", lambda: [[7, *whole(50)], 7]),
    ("counted", lambda: [[8, 7, *whole(50)], 7]),
    ("counted", lambda: [[2**62, *whole(50)], 7]),
    ("of_array", lambda: [np.array(numbers(40)), 0]),
    ("of_array", lambda: [np.array(_with(numbers(40), 0, math.nan)), 40]),
    ("of_array", lambda: [np.array([1e308] * 40), 40]),
    ("listed", lambda: [numbers(30), 0]),
    ("listed", lambda: [(1.0, 2.0), 30]),
    ("nearest", lambda: [numbers(20), []]),
    ("nearest", lambda: [_with(numbers(20), 3, math.nan), numbers(15)]),
    ("product", lambda: [[[] for _ in range(7)], []]),
    ("product", lambda: [[[1.0]], [[-0.0]]]),
    ("filtered", lambda: [table(9, 12), 1.9]),
    ("filtered", lambda: [table(9, 12), 3.0]),
    ("filtered", lambda: [[_with(numbers(40), 3, -0.0)], -1.0]),
    ("filtered", lambda: [[[-0.0], [-0.0], [-0.0]], -1.0]),
    ("triangle", lambda: [0, numbers(12)]),
    ("triangle", lambda: [1, [0.75]]),
    ("last", lambda: [_with(numbers(50), 0, math.nan), 50]),
    ("last", lambda: [numbers(3), 0]),
)


@pytest.mark.parametrize("number", range(len(ADVERSARIAL)))
def test_what_guards_exist_for(built: Built, number: int) -> None:
    check(built, *ADVERSARIAL[number])


def test_a_nan_is_the_object_that_it_was(built: Built) -> None:
    nan = float("nan")
    assert built.built.last([nan, *numbers(50)], 50) is built.plain.last([nan, *numbers(50)], 50) is nan
    x = [nan, *numbers(50)]
    built.built.axpy(2.0, numbers(51), y := [0.5, *x[1:]])
    built.built.axpy(2.0, [1.0] * 51, x)
    assert math.isnan(x[0])
    assert not math.isnan(y[0])


def test_elements_that_are_not_written_stay_the_objects_that_they_are(built: Built) -> None:
    x, y = [-1.5, *numbers(50)], [12345.5, *numbers(50, 1)]
    first, others = y[0], list(y)
    built.built.positive(x, y)
    assert refusals(built, "positive") == [None]
    assert y[0] is first
    assert all(new is old for new, old, given in zip(y, others, x, strict=True) if given <= 0.0)


def test_a_large_list_is_not_copied_for_a_few_elements(built: Built) -> None:
    x = numbers(6) * 1000
    assert built.built.mean(x, 2) == built.plain.mean(x, 2)
    rows = [[1.0, 2.0] for _ in range(3000)]
    built.built.gemm(1.0, [[1.0]], [[1.0]], rows[:1])
    assert built.built.few(x) == built.plain.few(x)


def test_the_report_speaks_of_lists(built: Built) -> None:
    regions = [r for m in built.compiled.report.modules for r in m.regions if r.function == "gemm"]
    assert "c: list of float, [c_0, c_1], written" in regions[0].variants[0].types


values = st.one_of(
    st.floats(-100, 100), st.sampled_from([0.0, -0.0, 1e308, -1e-308, math.inf, math.nan]), st.integers(-3, 3), st.booleans()
)
mostly = st.lists(st.floats(-100, 100), min_size=12, max_size=30)


@settings(max_examples=150, deadline=None)
@given(st.floats(-3, 3), mostly, mostly, st.lists(st.tuples(st.booleans(), st.integers(0, 11), values), max_size=2))
def test_any_two_lists(built: Built, a: float, x: list[Any], y: list[Any], changes: list[tuple[bool, int, Any]]) -> None:
    for first, index, value in changes:
        (x if first else y)[index] = value
    for name in ("axpy", "shifted", "positive", "quotients"):
        check(built, name, lambda: copy.deepcopy([a, x, y] if name == "axpy" else [x, y]))  # noqa: B023 -- called at once


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(0, 5), min_size=4, max_size=8), st.data())
def test_any_rows(built: Built, chosen: list[int], data: st.DataObject) -> None:
    """Rows that are one object, or of other lengths."""

    def make() -> list[Any]:
        pool = [numbers(8 if k < 5 else 7, k) for k in range(6)]
        return [[pool[k] for k in chosen], pool[chosen[0]] if second else numbers(8, 9)]

    second = data.draw(st.booleans())
    check(built, "rows", make)


TRIED = '''
def sieve(n: int):
    is_prime = [True] * (n + 1)
    i = 2
    while i * i <= n:
        if is_prime[i]:
            for j in range(i * i, n + 1, i):
                is_prime[j] = False
        i += 1
    return is_prime


def place(x: list[int], v: int):
    for i in range(len(x)):
        if x[i] == v:
            return i
    return -1
'''


def test_where_data_steers_the_copies_of_lists_are_tried(tmp_path: Path) -> None:
    """What a run takes decides about the next ones: a sieve is worth its list, an element at the start of a long list is not."""
    modules = build(tmp_path, "tried", TRIED, None)
    for _ in range(3):
        assert modules.built.sieve(50000) == modules.plain.sieve(50000)
        assert modules.built._polyopt.sieve_0.__self__.refusal is None
    numbers = list(range(300000))
    for _ in range(3):
        assert modules.built.place(numbers, 1) == 1
    assert "worth a copy" in modules.built._polyopt.place_0.__self__.refusal
