"""RNA folding: the most pairs of matching bases."""

import numpy as np

SIZES = {
    "tiny": (8,),
    "small": (120,),
    "large": (350,),
}


def initialise(n):
    return {"seq": (np.arange(n) + 1) % 4}


def lists(seq):
    n = len(seq)
    table = [[0] * n for _ in range(n)]
    for i in range(n - 1, -1, -1):
        for j in range(i + 1, n):
            table[i][j] = max(table[i][j], table[i][j - 1], table[i + 1][j])
            if i < j - 1:
                match = 1 if seq[i] + seq[j] == 3 else 0
                table[i][j] = max(table[i][j], table[i + 1][j - 1] + match)
            else:
                table[i][j] = max(table[i][j], table[i + 1][j - 1])
            for k in range(i + 1, j):
                table[i][j] = max(table[i][j], table[i][k] + table[k + 1][j])
    return table


def loops(seq):
    n = len(seq)
    table = np.zeros((n, n), dtype=np.int64)
    for i in range(n - 1, -1, -1):
        for j in range(i + 1, n):
            table[i, j] = max(table[i, j], table[i, j - 1], table[i + 1, j])
            if i < j - 1:
                match = 1 if seq[i] + seq[j] == 3 else 0
                table[i, j] = max(table[i, j], table[i + 1, j - 1] + match)
            else:
                table[i, j] = max(table[i, j], table[i + 1, j - 1])
            for k in range(i + 1, j):
                table[i, j] = max(table[i, j], table[i, k] + table[k + 1, j])
    return table


def arrays(seq):
    n = len(seq)
    table = np.zeros((n, n), dtype=np.int64)
    match = (seq[:, None] + seq == 3).astype(np.int64)
    for i in range(n - 2, -1, -1):
        for j in range(i + 1, n):
            best = max(table[i, j - 1], table[i + 1, j])
            best = max(best, table[i + 1, j - 1] + (match[i, j] if i < j - 1 else 0))
            if i + 1 < j:
                best = max(best, np.max(table[i, i + 1 : j] + table[i + 2 : j + 1, j]))
            table[i, j] = best
    return table
