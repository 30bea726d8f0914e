"""Sparse matrix times vector, compressed rows, a Python loop over rows."""

import numpy as np

SMALL, LARGE = 12, 4000


def initialize(n):
    rng = np.random.default_rng(46)
    rowptr = np.zeros(n + 1, dtype=np.uint32)
    rowptr[1:] = np.cumsum(rng.integers(1, 9, n))
    nnz = int(rowptr[-1])
    return {
        "rowptr": rowptr,
        "cols": rng.integers(0, n, nnz).astype(np.uint32),
        "values": rng.random(nnz),
        "x": rng.random(n),
    }


def kernel(rowptr, cols, values, x):
    y = np.empty(rowptr.size - 1, values.dtype)
    for i in range(rowptr.size - 1):
        columns = cols[rowptr[i] : rowptr[i + 1]]
        vals = values[rowptr[i] : rowptr[i + 1]]
        y[i] = vals @ x[columns]
    return y
