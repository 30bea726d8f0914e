"""LU factorisation in place, right-looking: pivot column first, then the update of the rest."""

import numpy as np

SMALL, LARGE = 12, 140


def initialize(n):
    return {"A": np.random.default_rng(13).random((n, n)) + n * np.eye(n)}


def kernel(A):
    n = A.shape[0]
    for k in range(n):
        for i in range(k + 1, n):
            A[i][k] = A[i][k] / A[k][k]
            for j in range(k + 1, n):
                A[i][j] = A[i][j] - A[i][k] * A[k][j]
