"""Product with a symmetric matrix of which the lower half is stored."""

import numpy as np

SMALL, LARGE = 10, 110


def initialize(n):
    rng = np.random.default_rng(11)
    return {
        "alpha": 1.5,
        "beta": 1.2,
        "C": rng.random((n, n + 1)),
        "A": rng.random((n, n)),
        "B": rng.random((n, n + 1)),
    }


def kernel(alpha, beta, C, A, B):
    m, n = C.shape
    for i in range(m):
        for j in range(n):
            temp2 = 0.0
            for k in range(i):
                C[k, j] += alpha * B[i, j] * A[i, k]
                temp2 += B[k, j] * A[i, k]
            C[i, j] = beta * C[i, j] + alpha * B[i, j] * A[i, i] + alpha * temp2
