"""Edit distance over integer codes in a full table, with the trace back."""

import numpy as np

SIZES = (12, 940)


def inputs(n):
    rng = np.random.default_rng(30)
    return {"s": rng.integers(0, 4, n), "t": rng.integers(0, 4, n + 3)}


def table(s, t):
    m, n = len(s), len(t)
    d = np.zeros((m + 1, n + 1), dtype=int)
    d[:, 0] = np.arange(m + 1)
    d[0, :] = np.arange(n + 1)
    for i in range(1, m + 1):
        for j in range(1, n + 1):
            if s[i - 1] == t[j - 1]:
                d[i, j] = d[i - 1, j - 1]
            else:
                d[i, j] = 1 + min(d[i - 1, j], d[i, j - 1], d[i - 1, j - 1])
    return d


def trace(d, s, t):
    i, j = len(s), len(t)
    operations = []
    while i > 0 or j > 0:
        if i > 0 and j > 0 and s[i - 1] == t[j - 1]:
            i, j = i - 1, j - 1
            operations.append("=")
        elif i > 0 and j > 0 and d[i, j] == d[i - 1, j - 1] + 1:
            i, j = i - 1, j - 1
            operations.append("x")
        elif i > 0 and d[i, j] == d[i - 1, j] + 1:
            i -= 1
            operations.append("-")
        else:
            j -= 1
            operations.append("+")
    return "".join(reversed(operations))


def run(s, t):
    d = table(s, t)
    return d[-1, -1], trace(d, s, t)
