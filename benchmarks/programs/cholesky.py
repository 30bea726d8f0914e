"""Cholesky factorisation in place, lower triangle."""

import math

import numpy as np

SMALL, LARGE = 13, 170


def initialize(n):
    b = np.random.default_rng(12).random((n, n))
    return {"A": b @ b.T + n * np.eye(n)}


def kernel(A):
    n = A.shape[0]
    for i in range(n):
        for j in range(i):
            for k in range(j):
                A[i, j] -= A[i, k] * A[j, k]
            A[i, j] /= A[j, j]
        for k in range(i):
            A[i, i] -= A[i, k] * A[i, k]
        A[i, i] = math.sqrt(A[i, i])
    return A
