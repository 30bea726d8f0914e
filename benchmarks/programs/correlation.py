"""Correlation matrix: columns are centred and scaled with whole-array operations."""

import numpy as np

SMALL, LARGE = 12, 260


def initialize(n):
    return {"data": np.random.default_rng(24).random((n + 8, n))}


def kernel(data):
    n, m = data.shape
    mean = data.mean(axis=0)
    stddev = np.std(data, axis=0)
    stddev[stddev <= 0.1] = 1.0
    data -= mean
    data /= np.sqrt(n) * stddev
    corr = np.eye(m, dtype=data.dtype)
    for i in range(m - 1):
        corr[i + 1 : m, i] = corr[i, i + 1 : m] = data[:, i] @ data[:, i + 1 : m]
    return corr
