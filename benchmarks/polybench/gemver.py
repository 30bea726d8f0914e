"""Two rank-one updates of A, then x := x + beta A' y + z and w := w + alpha A x."""

import numpy as np

SIZES = {
    "tiny": (8,),
    "small": (320,),
    "large": (2500,),
}


def initialise(n):
    k = np.arange(n) / n
    a = np.arange(n)[:, None] * np.arange(n) % n / n
    u1, u2, v1, v2 = k, (k + 1) / 2, (k + 1) / 4, (k + 1) / 6
    return {
        "alpha": 1.5, "beta": 1.2, "A": a, "u1": u1, "v1": v1, "u2": u2, "v2": v2,
        "w": np.zeros(n), "x": np.zeros(n), "y": (k + 1) / 8, "z": (k + 1) / 9,
    }  # fmt: skip


def lists(alpha, beta, A, u1, v1, u2, v2, w, x, y, z):
    n = len(x)
    for i in range(n):
        for j in range(n):
            A[i][j] += u1[i] * v1[j] + u2[i] * v2[j]
    for i in range(n):
        for j in range(n):
            x[i] += beta * A[j][i] * y[j]
    for i in range(n):
        x[i] += z[i]
    for i in range(n):
        for j in range(n):
            w[i] += alpha * A[i][j] * x[j]
    return w


def loops(alpha, beta, A, u1, v1, u2, v2, w, x, y, z):
    n = len(x)
    for i in range(n):
        for j in range(n):
            A[i, j] += u1[i] * v1[j] + u2[i] * v2[j]
    for i in range(n):
        for j in range(n):
            x[i] += beta * A[j, i] * y[j]
    for i in range(n):
        x[i] += z[i]
    for i in range(n):
        for j in range(n):
            w[i] += alpha * A[i, j] * x[j]
    return w


def arrays(alpha, beta, A, u1, v1, u2, v2, w, x, y, z):
    A += np.outer(u1, v1) + np.outer(u2, v2)
    x += beta * y @ A + z
    w += alpha * A @ x
    return w
