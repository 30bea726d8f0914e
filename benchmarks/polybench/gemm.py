"""C := alpha A B + beta C."""

import numpy as np

SIZES = {
    "tiny": (6, 7, 8),
    "small": (70, 80, 90),
    "large": (700, 750, 800),
}


def initialise(n, m, p):
    a = (np.arange(n)[:, None] * np.arange(p) % 11 + 1.0) / 11
    b = (np.arange(p)[:, None] * (np.arange(m) + 1) % 13) / 13
    c = (np.arange(n)[:, None] + np.arange(m)) % 7 / 7
    return {"alpha": 1.5, "beta": 1.2, "A": a, "B": b, "C": c}


def lists(alpha, beta, A, B, C):
    n, m = len(C), len(C[0])
    p = len(B)
    for i in range(n):
        for j in range(m):
            C[i][j] *= beta
        for k in range(p):
            for j in range(m):
                C[i][j] += alpha * A[i][k] * B[k][j]
    return C


def loops(alpha, beta, A, B, C):
    n, m = C.shape
    p = len(B)
    for i in range(n):
        for j in range(m):
            C[i, j] *= beta
        for k in range(p):
            for j in range(m):
                C[i, j] += alpha * A[i, k] * B[k, j]
    return C


def arrays(alpha, beta, A, B, C):
    C[:] = alpha * A @ B + beta * C
    return C
