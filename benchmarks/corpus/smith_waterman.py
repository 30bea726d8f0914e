"""Local alignment with affine gaps over coded sequences."""

import numpy as np

SIZES = (10, 530)


def inputs(n):
    rng = np.random.default_rng(34)
    a = rng.integers(0, 20, n)
    b = np.concatenate([rng.integers(0, 20, n // 3), a[n // 4 : 3 * n // 4], rng.integers(0, 20, n // 4)])
    scores = rng.integers(-4, 2, (20, 20))
    scores = (scores + scores.T) // 2
    np.fill_diagonal(scores, 6)
    return {"a": a, "b": b, "scores": scores, "gap_open": 11, "gap_extend": 1}


def run(a, b, scores, gap_open, gap_extend):
    m, n = a.shape[0], b.shape[0]
    h = np.zeros((m + 1, n + 1), dtype=np.int64)
    e = np.full((m + 1, n + 1), -10000, dtype=np.int64)
    f = np.full((m + 1, n + 1), -10000, dtype=np.int64)
    best, where = 0, (0, 0)
    for i in range(1, m + 1):
        for j in range(1, n + 1):
            e[i, j] = max(e[i, j - 1] - gap_extend, h[i, j - 1] - gap_open)
            f[i, j] = max(f[i - 1, j] - gap_extend, h[i - 1, j] - gap_open)
            match = h[i - 1, j - 1] + scores[a[i - 1], b[j - 1]]
            h[i, j] = max(0, match, e[i, j], f[i, j])
            if h[i, j] > best:
                best = h[i, j]
                where = (i, j)
    return best, where
