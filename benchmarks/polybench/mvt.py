"""x1 := x1 + A y1 and x2 := x2 + A' y2."""

import numpy as np

SIZES = {
    "tiny": (8,),
    "small": (500,),
    "large": (3000,),
}


def initialise(n):
    a = np.arange(n)[:, None] * np.arange(n) % n / n
    k = np.arange(n)
    return {"x1": k % n / n, "x2": (k + 1) % n / n, "y1": (k + 3) % n / n, "y2": (k + 4) % n / n, "A": a}


def lists(x1, x2, y1, y2, A):
    n = len(x1)
    for i in range(n):
        for j in range(n):
            x1[i] += A[i][j] * y1[j]
    for i in range(n):
        for j in range(n):
            x2[i] += A[j][i] * y2[j]
    return x1, x2


def loops(x1, x2, y1, y2, A):
    n = len(x1)
    for i in range(n):
        for j in range(n):
            x1[i] += A[i, j] * y1[j]
    for i in range(n):
        for j in range(n):
            x2[i] += A[j, i] * y2[j]
    return x1, x2


def arrays(x1, x2, y1, y2, A):
    x1 += A @ y1
    x2 += y2 @ A
    return x1, x2
