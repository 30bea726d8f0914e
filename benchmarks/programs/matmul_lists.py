"""Matrix product of nested lists, no NumPy at all."""

import random

SMALL, LARGE = 8, 90


def initialize(n):
    rng = random.Random(51)

    def matrix(rows, cols):
        return [[rng.random() for _ in range(cols)] for _ in range(rows)]

    return {"a": matrix(n, n + 1), "b": matrix(n + 1, n)}


def kernel(a, b):
    n = len(a)
    m = len(b[0])
    c = [[0.0] * m for _ in range(n)]
    for i in range(n):
        for j in range(m):
            s = 0.0
            for k in range(len(b)):
                s += a[i][k] * b[k][j]
            c[i][j] = s
    return c
