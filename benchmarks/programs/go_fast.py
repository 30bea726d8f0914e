"""The trace of tanh, added to every element: a scalar loop beside an array expression."""

import numpy as np

SMALL, LARGE = 20, 2000


def initialize(n):
    return {"a": np.random.default_rng(40).random((n, n))}


def kernel(a):
    trace = 0.0
    for i in range(a.shape[0]):
        trace += np.tanh(a[i, i])
    return a + trace
