"""B := alpha A' B with a unit lower triangular A."""

import numpy as np

SIZES = {
    "tiny": (6, 7),
    "small": (110, 120),
    "large": (600, 650),
}


def initialise(m, n):
    a = np.tril((np.arange(m)[:, None] + np.arange(m)) % m / m, -1) + np.eye(m)
    b = (n + np.arange(m)[:, None] - np.arange(n)) % n / n
    return {"alpha": 1.5, "A": a, "B": b}


def lists(alpha, A, B):
    m, n = len(B), len(B[0])
    for i in range(m):
        for j in range(n):
            for k in range(i + 1, m):
                B[i][j] += A[k][i] * B[k][j]
            B[i][j] = alpha * B[i][j]
    return B


def loops(alpha, A, B):
    m, n = B.shape
    for i in range(m):
        for j in range(n):
            for k in range(i + 1, m):
                B[i, j] += A[k, i] * B[k, j]
            B[i, j] = alpha * B[i, j]
    return B


def arrays(alpha, A, B):
    for i in range(len(A)):
        B[i] = alpha * (B[i] + A[i + 1 :, i] @ B[i + 1 :])
    return B
