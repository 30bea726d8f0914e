"""A lower triangular system by forward substitution."""

import numpy as np

SIZES = {
    "tiny": (8,),
    "small": (1000,),
    "large": (4000,),
}


def initialise(n):
    lower = np.tril((n + np.arange(n)[:, None] - np.arange(n) + 1) * 2.0 / n)
    return {"L": lower, "b": np.arange(n) * 1.0}


def lists(L, b):
    n = len(b)
    x = [0.0] * n
    for i in range(n):
        x[i] = b[i]
        for j in range(i):
            x[i] -= L[i][j] * x[j]
        x[i] /= L[i][i]
    return x


def loops(L, b):
    n = len(b)
    x = np.zeros(n)
    for i in range(n):
        x[i] = b[i]
        for j in range(i):
            x[i] -= L[i, j] * x[j]
        x[i] /= L[i, i]
    return x


def arrays(L, b):
    x = np.zeros_like(b)
    for i in range(len(b)):
        x[i] = (b[i] - L[i, :i] @ x[:i]) / L[i, i]
    return x
