"""Two matrix products in a row: D = alpha A B C + beta D."""

import numpy as np
from numpy.typing import NDArray

SMALL, LARGE = 9, 90


def initialize(n):
    rng = np.random.default_rng(2)
    return {
        "alpha": 1.5,
        "beta": 1.2,
        "a": rng.random((n, n + 1)),
        "b": rng.random((n + 1, n + 2)),
        "c": rng.random((n + 2, n + 3)),
        "d": rng.random((n, n + 3)),
    }


def kernel(
    alpha: float,
    beta: float,
    a: NDArray[np.float64],
    b: NDArray[np.float64],
    c: NDArray[np.float64],
    d: NDArray[np.float64],
) -> NDArray[np.float64]:
    tmp = np.zeros((a.shape[0], b.shape[1]))
    for i in range(a.shape[0]):
        for j in range(b.shape[1]):
            for k in range(a.shape[1]):
                tmp[i, j] += alpha * a[i, k] * b[k, j]
    for i in range(d.shape[0]):
        for j in range(d.shape[1]):
            d[i, j] *= beta
            for k in range(tmp.shape[1]):
                d[i, j] += tmp[i, k] * c[k, j]
    return d
