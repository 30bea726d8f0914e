"""x1 += A y1 and x2 += A^T y2."""

import numpy as np

SMALL, LARGE = 13, 900


def initialize(n):
    rng = np.random.default_rng(5)
    x1, x2, y1, y2 = rng.random((4, n))
    return {"x1": x1, "x2": x2, "y1": y1, "y2": y2, "A": rng.random((n, n))}


def kernel(x1, x2, y1, y2, A):
    n = len(A)
    for i in range(n):
        for j in range(n):
            x1[i] += A[i, j] * y1[j]
    for i in range(n):
        for j in range(n):
            x2[i] += A[j, i] * y2[j]
