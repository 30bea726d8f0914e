"""Rank-two update of a matrix, then two products with it."""

import numpy as np

SMALL, LARGE = 12, 700


def initialize(n):
    rng = np.random.default_rng(7)
    u1, v1, u2, v2, y, z = rng.random((6, n))
    return {"alpha": 1.5, "beta": 1.2, "A": rng.random((n, n)), "u1": u1, "v1": v1, "u2": u2, "v2": v2, "y": y, "z": z}


def kernel(alpha, beta, A, u1, v1, u2, v2, y, z):
    n = A.shape[0]
    x = np.zeros(n)
    w = np.zeros(n)
    for i in range(n):
        for j in range(n):
            A[i, j] = A[i, j] + u1[i] * v1[j] + u2[i] * v2[j]
    for i in range(n):
        for j in range(n):
            x[i] = x[i] + beta * A[j, i] * y[j]
    for i in range(n):
        x[i] = x[i] + z[i]
    for i in range(n):
        for j in range(n):
            w[i] = w[i] + alpha * A[i, j] * x[j]
    return x, w
