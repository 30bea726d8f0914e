"""Forward substitution."""

import numpy as np

SMALL, LARGE = 20, 1500


def initialize(n):
    rng = np.random.default_rng(15)
    return {"L": np.tril(rng.random((n, n))) + n * np.eye(n), "x": np.zeros(n), "b": rng.random(n)}


def kernel(L, x, b):
    n = L.shape[0]
    for i in range(n):
        x[i] = b[i]
        for j in range(i):
            x[i] -= L[i, j] * x[j]
        x[i] = x[i] / L[i, i]
