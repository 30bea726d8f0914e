"""Rank-two update of a matrix with outer products, then two products with it."""

import numpy as np

SMALL, LARGE = 12, 1500


def initialize(n):
    rng = np.random.default_rng(7)
    u1, v1, u2, v2, y, z = rng.random((6, n))
    return {"alpha": 1.5, "beta": 1.2, "A": rng.random((n, n)), "u1": u1, "v1": v1, "u2": u2, "v2": v2, "y": y, "z": z}


def kernel(alpha, beta, A, u1, v1, u2, v2, y, z):
    A += np.outer(u1, v1) + np.outer(u2, v2)
    x = beta * (y @ A) + z
    w = alpha * (A @ x)
    return x, w
