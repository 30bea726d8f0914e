"""RNA folding after Nussinov: dynamic programming from the last row up, with integer scores."""

import numpy as np

SMALL, LARGE = 18, 130


def initialize(n):
    return {"n": n, "seq": np.random.default_rng(22).integers(0, 4, n)}


def match(a, b):
    return 1 if a + b == 3 else 0


def kernel(n, seq):
    table = np.zeros((n, n), dtype=np.int64)
    for i in range(n - 1, -1, -1):
        for j in range(i + 1, n):
            if j - 1 >= 0:
                table[i, j] = max(table[i, j], table[i, j - 1])
            if i + 1 < n:
                table[i, j] = max(table[i, j], table[i + 1, j])
            if j - 1 >= 0 and i + 1 < n:
                if i < j - 1:
                    table[i, j] = max(table[i, j], table[i + 1, j - 1] + match(seq[i], seq[j]))
                else:
                    table[i, j] = max(table[i, j], table[i + 1, j - 1])
            for k in range(i + 1, j):
                table[i, j] = max(table[i, j], table[i, k] + table[k + 1, j])
    return table
