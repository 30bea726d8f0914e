"""The two products of the BiCG solver: s = A^T r, q = A p."""

import numpy as np

SMALL, LARGE = 14, 900


def initialize(n):
    rng = np.random.default_rng(4)
    return {"A": rng.random((n + 2, n)), "p": rng.random(n), "r": rng.random(n + 2)}


def kernel(A, p, r):
    rows, cols = A.shape
    s = np.zeros(cols, dtype=A.dtype)
    q = np.zeros(rows, dtype=A.dtype)
    for i in range(rows):
        for j in range(cols):
            s[j] = s[j] + r[i] * A[i][j]
            q[i] = q[i] + A[i][j] * p[j]
    return s, q
