"""Longest common subsequence of two integer sequences in nested lists."""

import random

SIZES = (10, 1700)


def inputs(n):
    rng = random.Random(31)
    return {"a": [rng.randrange(8) for _ in range(n)], "b": [rng.randrange(8) for _ in range(n)]}


def run(a, b):
    m, n = len(a), len(b)
    length = [[0] * (n + 1) for _ in range(m + 1)]
    for i in range(m):
        for j in range(n):
            if a[i] == b[j]:
                length[i + 1][j + 1] = length[i][j] + 1
            else:
                length[i + 1][j + 1] = max(length[i][j + 1], length[i + 1][j])
    result = []
    i, j = m, n
    while i and j:
        if length[i][j] == length[i - 1][j]:
            i -= 1
        elif length[i][j] == length[i][j - 1]:
            j -= 1
        else:
            result.append(a[i - 1])
            i -= 1
            j -= 1
    return result[::-1]
