"""C := alpha A A' + beta C, the lower half."""

import numpy as np

SIZES = {
    "tiny": (6, 7),
    "small": (100, 110),
    "large": (500, 550),
}


def initialise(n, m):
    a = (np.arange(n)[:, None] * np.arange(m) + 1.0) % n / n
    c = (np.arange(n)[:, None] * np.arange(n) + 2.0) % m / m
    return {"alpha": 1.5, "beta": 1.2, "A": a, "C": c}


def lists(alpha, beta, A, C):
    n, m = len(A), len(A[0])
    for i in range(n):
        for j in range(i + 1):
            C[i][j] *= beta
        for k in range(m):
            for j in range(i + 1):
                C[i][j] += alpha * A[i][k] * A[j][k]
    return C


def loops(alpha, beta, A, C):
    n, m = A.shape
    for i in range(n):
        for j in range(i + 1):
            C[i, j] *= beta
        for k in range(m):
            for j in range(i + 1):
                C[i, j] += alpha * A[i, k] * A[j, k]
    return C


def arrays(alpha, beta, A, C):
    for i in range(len(A)):
        C[i, : i + 1] = beta * C[i, : i + 1] + alpha * A[: i + 1] @ A[i]
    return C
