"""Symmetric rank-k update of the lower triangle."""

import numpy as np

SMALL, LARGE = 11, 120


def initialize(n):
    rng = np.random.default_rng(8)
    return {"alpha": 1.5, "beta": 1.2, "C": rng.random((n, n)), "A": rng.random((n, n + 4))}


def kernel(alpha, beta, C, A):
    n, m = A.shape
    for i in range(n):
        for j in range(i + 1):
            C[i, j] *= beta
        for k in range(m):
            for j in range(i + 1):
                C[i, j] += alpha * A[i, k] * A[j, k]
