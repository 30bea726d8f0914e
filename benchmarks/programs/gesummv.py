"""Sum of two matrix-vector products, as an expression with array methods."""

import numpy as np

SMALL, LARGE = 13, 2000


def initialize(n):
    rng = np.random.default_rng(6)
    return {"alpha": 1.5, "beta": 1.2, "A": rng.random((n, n)), "B": rng.random((n, n)), "x": rng.random(n)}


def kernel(alpha, beta, A, B, x):
    return alpha * A.dot(x) + beta * B.dot(x)
