"""Sparse matrix times vector, compressed rows, element by element."""

import numpy as np

SMALL, LARGE = 12, 15_000


def initialize(n):
    rng = np.random.default_rng(47)
    indptr = np.concatenate([[0], np.cumsum(rng.integers(0, 9, n))])
    return {
        "indptr": indptr,
        "indices": rng.integers(0, n, indptr[-1]),
        "data": rng.random(indptr[-1]),
        "x": rng.random(n),
    }


def kernel(indptr, indices, data, x):
    rows = indptr.shape[0] - 1
    y = np.zeros(rows)
    for i in range(rows):
        s = 0.0
        for k in range(indptr[i], indptr[i + 1]):
            s += data[k] * x[indices[k]]
        y[i] = s
    return y
