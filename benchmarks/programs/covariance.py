"""Covariance matrix with NumPy on whole columns, and a triangular loop."""

import numpy as np

SMALL, LARGE = 12, 240


def initialize(n):
    return {"data": np.random.default_rng(23).random((n + 10, n))}


def kernel(data):
    mean = np.mean(data, axis=0)
    data -= mean
    m = data.shape[1]
    cov = np.zeros((m, m), dtype=data.dtype)
    for i in range(m):
        cov[i:m, i] = data[:, i] @ data[:, i:m] / (data.shape[0] - 1.0)
        cov[i, i:m] = cov[i:m, i]
    return cov
