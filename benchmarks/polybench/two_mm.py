"""D := alpha A B C + beta D."""

import numpy as np

SIZES = {
    "tiny": (5, 6, 7, 8),
    "small": (50, 55, 60, 65),
    "large": (600, 650, 700, 750),
}


def initialise(n, m, p, q):
    a = (np.arange(n)[:, None] * np.arange(p) % 9 + 1.0) / 9
    b = (np.arange(p)[:, None] * (np.arange(m) + 1) % 7) / 7
    c = (np.arange(m)[:, None] * (np.arange(q) + 3) % 5 + 1.0) / 5
    d = np.arange(n)[:, None] * (np.arange(q) + 2) % 3 / 3
    return {"alpha": 1.5, "beta": 1.2, "A": a, "B": b, "C": c, "D": d}


def lists(alpha, beta, A, B, C, D):
    n, q = len(D), len(D[0])
    p, m = len(B), len(B[0])
    tmp = [[0.0] * m for _ in range(n)]
    for i in range(n):
        for j in range(m):
            for k in range(p):
                tmp[i][j] += alpha * A[i][k] * B[k][j]
    for i in range(n):
        for j in range(q):
            D[i][j] *= beta
            for k in range(m):
                D[i][j] += tmp[i][k] * C[k][j]
    return D


def loops(alpha, beta, A, B, C, D):
    n, q = D.shape
    p, m = B.shape
    tmp = np.zeros((n, m))
    for i in range(n):
        for j in range(m):
            for k in range(p):
                tmp[i, j] += alpha * A[i, k] * B[k, j]
    for i in range(n):
        for j in range(q):
            D[i, j] *= beta
            for k in range(m):
                D[i, j] += tmp[i, k] * C[k, j]
    return D


def arrays(alpha, beta, A, B, C, D):
    D[:] = alpha * A @ B @ C + beta * D
    return D
