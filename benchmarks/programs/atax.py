"""y = A^T (A x)."""

import numpy as np

SMALL, LARGE = 15, 900


def initialize(n):
    rng = np.random.default_rng(3)
    return {"A": rng.random((n, n + 3)), "x": rng.random(n + 3)}


def kernel(A, x):
    m, n = A.shape
    y = np.zeros(n)
    for i in range(m):
        tmp = 0.0
        for j in range(n):
            tmp += A[i, j] * x[j]
        for j in range(n):
            y[j] += A[i, j] * tmp
    return y
