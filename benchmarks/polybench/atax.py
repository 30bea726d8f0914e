"""y := A' (A x)."""

import numpy as np

SIZES = {
    "tiny": (7, 8),
    "small": (500, 550),
    "large": (3000, 3300),
}


def initialise(m, n):
    a = (np.arange(m)[:, None] + np.arange(n)) % n / (5.0 * m)
    return {"A": a, "x": 1 + np.arange(n) / n}


def lists(A, x):
    m, n = len(A), len(A[0])
    y = [0.0] * n
    for i in range(m):
        tmp = 0.0
        for j in range(n):
            tmp += A[i][j] * x[j]
        for j in range(n):
            y[j] += A[i][j] * tmp
    return y


def loops(A, x):
    m, n = A.shape
    y = np.zeros(n)
    for i in range(m):
        tmp = 0.0
        for j in range(n):
            tmp += A[i, j] * x[j]
        for j in range(n):
            y[j] += A[i, j] * tmp
    return y


def arrays(A, x):
    return (A @ x) @ A
