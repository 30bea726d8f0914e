"""The failures that a compiler of this kind must never have (design, section 2): one function each, plain against built."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from built import Built, build, profile_of

SOURCE = '''
import numpy as np


def dropped_test(a, b):
    for i in range(len(a)):
        if b[i] > 0:
            a[i] = b[i]


def dropped_break(a):
    s = 0.0
    for i in range(len(a)):
        if a[i] < 0:
            break
        s += a[i]
    return s


def moved_past_redefinition(a, b, n):
    for i in range(n):
        b[i] = a[i]
    n = n - 2
    for i in range(n):
        b[i] = b[i] + a[i]
    return n


def anti_dependence(a):
    for i in range(len(a) - 1):
        a[i] = a[i + 1]


def output_dependence(a, b):
    for i in range(len(a)):
        a[0] = b[i]
        a[i] = b[i] + 1


def shifted_slices(a):
    t = a * 2
    return t[1:] + t[:-1]


def overlapping_assignment(a):
    a[1:] = a[:-1] + 1


def overlapping_in_place(a):
    a[1:] += a[:-1]


def in_place_parameter(a):
    a += 1
    for i in range(1, len(a)):
        a[i] += a[i - 1]
    return a


def narrowed_complex(z, w):
    for i in range(len(z)):
        z[i] = z[i] * w[i] + 1j
    return z


def conditionally_bound(a, flag):
    if flag > 0:
        t = a[0]
    for i in range(len(a)):
        a[i] = a[i] + 1
    return t


def last_loop_value(a, n):
    for i in range(n):
        a[i] = i
    return i


def zero_trip_keeps(a, n):
    i = 17
    for i in range(n):
        a[i] = 1.0
    return i


def loop_else(a, n):
    for i in range(n):
        a[i] = a[i] * 2
    else:
        a[0] = -1.0
    return a


def conditional_write(a, b):
    t = 0.0
    for i in range(len(a)):
        if b[i] > 0:
            t = b[i]
        a[i] = t


def shadowed_loop_variable(a, n):
    for i in range(n):
        for i in range(2):
            a[i] += 1
    return i


def scalar_between(a, b):
    s = 1.0
    for i in range(len(a)):
        b[i] = s
        s = a[i]
    return s


def row_alias(a):
    row = a[0]
    for i in range(a.shape[0]):
        for j in range(a.shape[1]):
            a[i, j] = a[i, j] + row[j]


def unbound_after_an_empty_loop(a, n):
    for i in range(2, n - 1):
        if i == n - 1:
            break
    for i in range(n - 1, -1, -1):
        a[i] = a[i] * 2
    return i


def test_without_effect(a, b):
    for i in range(len(a)):
        if b[i + 1] > a[i]:
            pass
        a[i] = 2.0


def swapped(a, b, n):
    for t in range(n):
        for i in range(1, len(a) - 1):
            b[i] = 0.5 * (a[i - 1] + a[i + 1])
        a, b = b, a
    return a
'''

N = np.arange(1.0, 9.0)
B = np.array([1.0, -2, 3, -4, 5, -6, 7, 0.5])
CASES: dict[str, list[Callable[[], tuple[Any, ...]]]] = {
    "dropped_test": [lambda: (N.copy(), B.copy())],
    "dropped_break": [lambda: (B.copy(),), lambda: (N.copy(),)],
    "moved_past_redefinition": [lambda: (N.copy(), np.zeros(8), 8), lambda: (N.copy(), np.zeros(8), 1)],
    "anti_dependence": [lambda: (N.copy(),), lambda: (N[:0].copy(),)],
    "output_dependence": [lambda: (N.copy(), B.copy())],
    "shifted_slices": [lambda: (N.copy(),), lambda: (N[:1].copy(),)],
    "overlapping_assignment": [lambda: (N.copy(),), lambda: (N[:0].copy(),)],
    "overlapping_in_place": [lambda: (N.copy(),)],
    "in_place_parameter": [lambda: (N.copy(),)],
    "narrowed_complex": [lambda: (N + 1j * B, B * 1j + N)],
    "conditionally_bound": [lambda: (N.copy(), 1), lambda: (N.copy(), 0)],
    "last_loop_value": [lambda: (N.copy(), 8), lambda: (N.copy(), 0)],
    "zero_trip_keeps": [lambda: (N.copy(), 8), lambda: (N.copy(), 0), lambda: (N.copy(), -5)],
    "loop_else": [lambda: (N.copy(), 8), lambda: (N.copy(), 0)],
    "conditional_write": [lambda: (N.copy(), B.copy())],
    "shadowed_loop_variable": [lambda: (N.copy(), 3), lambda: (N.copy(), 0)],
    "scalar_between": [lambda: (N.copy(), B.copy()), lambda: (N[:0].copy(), B[:0].copy())],
    "row_alias": [lambda: (np.arange(12.0).reshape(3, 4),)],
    "unbound_after_an_empty_loop": [lambda: (N.copy(), 8), lambda: (N.copy(), 2), lambda: (N.copy(), 0)],
    "test_without_effect": [lambda: (N[:7].copy(), B.copy()), lambda: (N.copy(), B.copy())],
    "swapped": [lambda: (N.copy(), B.copy(), 3), lambda: (N.copy(), B.copy(), 4), lambda: (N.copy(), B.copy(), 0)],
}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    calls = {name: [make[0]()] for name, make in CASES.items()}
    return build(tmp_path_factory.mktemp("never"), "never", SOURCE, profile_of(SOURCE, "never.mod", calls))


@pytest.mark.parametrize("name", CASES)
def test_never(built: Built, name: str) -> None:
    for make in CASES[name]:
        plain_arguments, arguments = make(), make()
        before = copy.deepcopy(arguments)
        try:
            expected: Any = getattr(built.plain, name)(*plain_arguments)
        except (UnboundLocalError, IndexError, ValueError) as error:
            expected = type(error)
        try:
            actual: Any = getattr(built.built, name)(*arguments)
        except (UnboundLocalError, IndexError, ValueError) as error:
            actual = type(error)
        assert type(actual) is type(expected)
        np.testing.assert_array_equal(actual, expected, err_msg=f"{before}")
        for a, b, original in zip(plain_arguments, arguments, make(), strict=True):
            np.testing.assert_array_equal(b, a)
            if isinstance(original, np.ndarray):
                assert b.dtype == original.dtype
        for index, argument in enumerate(plain_arguments):
            if expected is argument and isinstance(argument, np.ndarray):
                assert actual is arguments[index]


def test_most_of_them_are_optimised(built: Built) -> None:
    """Otherwise the comparison above would say nothing."""
    functions = {region.function for module in built.compiled.report.modules for region in module.regions}
    assert len(functions) >= len(CASES) - 5, sorted(CASES.keys() - functions)
