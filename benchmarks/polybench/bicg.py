"""s := A' r and q := A p."""

import numpy as np

SIZES = {
    "tiny": (7, 8),
    "small": (500, 550),
    "large": (3000, 3300),
}


def initialise(n, m):
    a = np.arange(n)[:, None] * (np.arange(m) + 1) % n / n
    return {"A": a, "p": np.arange(m) % 5 / 5, "r": np.arange(n) % 7 / 7}


def lists(A, p, r):
    n, m = len(A), len(A[0])
    s = [0.0] * m
    q = [0.0] * n
    for i in range(n):
        for j in range(m):
            s[j] += r[i] * A[i][j]
            q[i] += A[i][j] * p[j]
    return s, q


def loops(A, p, r):
    n, m = A.shape
    s = np.zeros(m)
    q = np.zeros(n)
    for i in range(n):
        for j in range(m):
            s[j] += r[i] * A[i, j]
            q[i] += A[i, j] * p[j]
    return s, q


def arrays(A, p, r):
    return r @ A, A @ p
