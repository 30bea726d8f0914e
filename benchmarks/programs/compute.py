"""Clip one integer array and combine it with another."""

import numpy as np

SMALL, LARGE = 16, 1200


def initialize(n):
    rng = np.random.default_rng(41)
    return {
        "array_1": rng.integers(0, 1000, (n, n + 1)),
        "array_2": rng.integers(0, 1000, (n, n + 1)),
        "a": np.int64(4),
        "b": np.int64(3),
        "c": np.int64(9),
    }


def kernel(array_1, array_2, a, b, c):
    return np.clip(array_1, 2, 10) * a + array_2 * b + c
