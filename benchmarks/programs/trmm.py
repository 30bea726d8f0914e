"""Product with a triangular matrix, in place."""

import numpy as np

SMALL, LARGE = 12, 140


def initialize(n):
    rng = np.random.default_rng(10)
    return {"alpha": 1.5, "A": np.tril(rng.random((n, n))), "B": rng.random((n, n + 2))}


def kernel(alpha, A, B):
    m, n = B.shape
    for i in range(m):
        for j in range(n):
            for k in range(i + 1, m):
                B[i, j] += A[k, i] * B[k, j]
            B[i, j] = alpha * B[i, j]
    return B
