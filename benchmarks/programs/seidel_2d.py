"""Gauss-Seidel smoothing: each point sees new values on one side and old ones on the other."""

import numpy as np

SMALL, LARGE = 12, 220


def initialize(n):
    return {"tsteps": 6, "n": n, "A": np.random.default_rng(18).random((n, n))}


def kernel(tsteps, n, A):
    for _ in range(tsteps - 1):
        for i in range(1, n - 1):
            for j in range(1, n - 1):
                A[i, j] = (
                    A[i - 1, j - 1]
                    + A[i - 1, j]
                    + A[i - 1, j + 1]
                    + A[i, j - 1]
                    + A[i, j]
                    + A[i, j + 1]
                    + A[i + 1, j - 1]
                    + A[i + 1, j]
                    + A[i + 1, j + 1]
                ) / 9.0
