"""C := alpha A B + beta C with a symmetric A, of which the lower half is given."""

import numpy as np

SIZES = {
    "tiny": (6, 7),
    "small": (95, 100),
    "large": (400, 450),
}


def initialise(m, n):
    a = np.tril((np.arange(m)[:, None] + np.arange(m)) % 100 / m)
    b = (n + np.arange(m)[:, None] - np.arange(n)) % 100 / m
    c = (np.arange(m)[:, None] + np.arange(n)) % 100 / m
    return {"alpha": 1.5, "beta": 1.2, "A": a, "B": b, "C": c}


def lists(alpha, beta, A, B, C):
    m, n = len(C), len(C[0])
    for i in range(m):
        for j in range(n):
            t = 0.0
            for k in range(i):
                C[k][j] += alpha * B[i][j] * A[i][k]
                t += B[k][j] * A[i][k]
            C[i][j] = beta * C[i][j] + alpha * B[i][j] * A[i][i] + alpha * t
    return C


def loops(alpha, beta, A, B, C):
    m, n = C.shape
    for i in range(m):
        for j in range(n):
            t = 0.0
            for k in range(i):
                C[k, j] += alpha * B[i, j] * A[i, k]
                t += B[k, j] * A[i, k]
            C[i, j] = beta * C[i, j] + alpha * B[i, j] * A[i, i] + alpha * t
    return C


def arrays(alpha, beta, A, B, C):
    for i in range(len(A)):
        C[:i] += alpha * np.outer(A[i, :i], B[i])
        C[i] = beta * C[i] + alpha * A[i, i] * B[i] + alpha * (A[i, :i] @ B[:i])
    return C
