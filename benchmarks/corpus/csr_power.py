"""Largest eigenvalue of a sparse matrix in CSR form by power iteration."""

import math

import numpy as np

SIZES = (12, 9700)


def inputs(n):
    rng = np.random.default_rng(20)
    indptr = [0]
    indices = []
    data = []
    for i in range(n):
        cols = sorted({i, (i + 1) % n, (i * 7 + 3) % n, int(rng.integers(n))})
        indices.extend(cols)
        data.extend(4.0 if c == i else rng.random() for c in cols)
        indptr.append(len(indices))
    return {"indptr": np.array(indptr), "indices": np.array(indices), "data": np.array(data), "iterations": 30}


def spmv(indptr, indices, data, x):
    n = len(indptr) - 1
    y = np.zeros(n)
    for row in range(n):
        acc = 0.0
        for k in range(indptr[row], indptr[row + 1]):
            acc += data[k] * x[indices[k]]
        y[row] = acc
    return y


def norm(x):
    return math.sqrt(sum(v * v for v in x))


def run(indptr, indices, data, iterations):
    x = np.ones(len(indptr) - 1)
    value = 0.0
    for _ in range(iterations):
        y = spmv(indptr, indices, data, x)
        value = norm(y)
        x = y / value
    return value, x
