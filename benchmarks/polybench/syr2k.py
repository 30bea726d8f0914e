"""C := alpha (A B' + B A') + beta C, the lower half."""

import numpy as np

SIZES = {
    "tiny": (6, 7),
    "small": (80, 90),
    "large": (400, 450),
}


def initialise(n, m):
    a = (np.arange(n)[:, None] * np.arange(m) + 1.0) % n / n
    b = (np.arange(n)[:, None] * np.arange(m) + 2.0) % m / m
    c = (np.arange(n)[:, None] * np.arange(n) + 3.0) % n / m
    return {"alpha": 1.5, "beta": 1.2, "A": a, "B": b, "C": c}


def lists(alpha, beta, A, B, C):
    n, m = len(A), len(A[0])
    for i in range(n):
        for j in range(i + 1):
            C[i][j] *= beta
        for k in range(m):
            for j in range(i + 1):
                C[i][j] += A[j][k] * alpha * B[i][k] + B[j][k] * alpha * A[i][k]
    return C


def loops(alpha, beta, A, B, C):
    n, m = A.shape
    for i in range(n):
        for j in range(i + 1):
            C[i, j] *= beta
        for k in range(m):
            for j in range(i + 1):
                C[i, j] += A[j, k] * alpha * B[i, k] + B[j, k] * alpha * A[i, k]
    return C


def arrays(alpha, beta, A, B, C):
    for i in range(len(A)):
        C[i, : i + 1] *= beta
        C[i, : i + 1] += alpha * (A[: i + 1] @ B[i] + B[: i + 1] @ A[i])
    return C
