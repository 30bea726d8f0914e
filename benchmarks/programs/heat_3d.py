"""Three-dimensional heat equation, explicit loops."""

import numpy as np

SMALL, LARGE = 8, 36


def initialize(n):
    rng = np.random.default_rng(19)
    return {"steps": 5, "A": rng.random((n, n, n)), "B": np.zeros((n, n, n))}


def sweep(src, dst):
    n = src.shape[0]
    for i in range(1, n - 1):
        for j in range(1, n - 1):
            for k in range(1, n - 1):
                dst[i, j, k] = (
                    0.125 * (src[i + 1, j, k] - 2.0 * src[i, j, k] + src[i - 1, j, k])
                    + 0.125 * (src[i, j + 1, k] - 2.0 * src[i, j, k] + src[i, j - 1, k])
                    + 0.125 * (src[i, j, k + 1] - 2.0 * src[i, j, k] + src[i, j, k - 1])
                    + src[i, j, k]
                )


def kernel(steps, A, B):
    for _ in range(steps):
        sweep(A, B)
        sweep(B, A)
