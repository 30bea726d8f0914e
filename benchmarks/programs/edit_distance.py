"""Edit distance of two integer sequences, the whole table."""

import numpy as np

SMALL, LARGE = 12, 500


def initialize(n):
    rng = np.random.default_rng(50)
    return {"a": rng.integers(0, 4, n), "b": rng.integers(0, 4, n + 5)}


def kernel(a, b):
    la, lb = len(a), len(b)
    d = np.zeros((la + 1, lb + 1), dtype=np.int32)
    for i in range(la + 1):
        d[i, 0] = i
    for j in range(lb + 1):
        d[0, j] = j
    for i in range(1, la + 1):
        for j in range(1, lb + 1):
            cost = 0 if a[i - 1] == b[j - 1] else 1
            d[i, j] = min(d[i - 1, j] + 1, d[i, j - 1] + 1, d[i - 1, j - 1] + cost)
    return d[la, lb]
