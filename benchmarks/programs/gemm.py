"""Matrix product with update: C = alpha A B + beta C, in place."""

import numpy as np

SMALL, LARGE = 12, 110


def initialize(n):
    rng = np.random.default_rng(1)
    return {
        "alpha": 1.5,
        "beta": 1.2,
        "C": rng.random((n, n + 1)),
        "A": rng.random((n, n + 2)),
        "B": rng.random((n + 2, n + 1)),
    }


def kernel(alpha, beta, C, A, B):
    ni, nj = C.shape
    nk = A.shape[1]
    for i in range(ni):
        for j in range(nj):
            C[i, j] *= beta
        for k in range(nk):
            for j in range(nj):
                C[i, j] += alpha * A[i, k] * B[k, j]
