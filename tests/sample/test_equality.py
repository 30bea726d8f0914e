"""The comparison sees what == does not."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.equality import difference


class Holder:
    def __init__(self, value):
        self.value = value


@pytest.mark.parametrize(
    ("left", "right", "text"),
    [
        (1.0, 1, "result: float against int"),
        (np.float64(1.0), 1.0, "result: float64 against float"),
        (0.0, -0.0, "result: 0.0 against -0.0"),
        (complex(0.0, 0.0), complex(0.0, -0.0), "result: 0j against -0j"),
        (np.float64(0.0), np.float64(-0.0), "result: np.float64(0.0) against np.float64(-0.0)"),
        (np.zeros(2), np.zeros(2, dtype=np.float32), "result.dtype: float64 against float32"),
        (np.zeros((2, 2)), np.zeros(4), "result.shape: (2, 2) against (4,)"),
        (np.zeros((2, 2)), np.zeros((2, 2), order="F"), "result.strides: (16, 8) against (8, 16)"),
        ((1, [2.0]), (1, [3.0]), "result[1][0]: 2.0 against 3.0"),
        ([1], [1, 2], "result: length 1 against 2"),
        ({"a": 1}, {"b": 1}, "result: keys ['a'] against ['b']"),
        (Holder(1), Holder(2), "result.value: 1 against 2"),
        (None, 1, "result: NoneType against int"),
    ],
)
def test_differences(left, right, text):
    assert difference(left, right) == text


def test_the_first_element_that_differs():
    left = np.arange(6.0).reshape(2, 3)
    right = left.copy()
    right[1, 0] = -3.0
    text = "result[1, 0]: np.float64(3.0) against np.float64(-3.0) (1 of 6 elements differ)"
    assert difference(left, right) == text


def test_equal_values():
    nan = np.array([np.nan, -0.0, np.inf])
    for value in (1, 1.5, 1j, "a", None, nan, nan[::2], [nan, {"k": (nan,)}], Holder(nan), np.array(3)):
        assert difference(value, value) is None
    assert difference(float("nan"), float("nan")) is None


def test_generators_by_state():
    left, right = np.random.default_rng(1), np.random.default_rng(1)
    assert difference(left, right) is None
    left.random()
    assert "state" in str(difference(left, right))


def test_values_without_a_comparison():
    with pytest.raises(TypeError, match="no comparison for object"):
        difference(object(), object())
