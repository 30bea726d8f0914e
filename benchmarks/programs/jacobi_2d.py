"""Two-dimensional Jacobi smoothing with slices, number of steps and arrays as arguments."""

import numpy as np

SMALL, LARGE = 14, 400


def initialize(n):
    rng = np.random.default_rng(17)
    return {"steps": 20, "A": rng.random((n, n)), "B": rng.random((n, n))}


def kernel(steps: int, A: np.ndarray, B: np.ndarray):
    for t in range(1, steps):  # noqa: B007 (the last step is returned)
        B[1:-1, 1:-1] = 0.2 * (A[1:-1, 1:-1] + A[1:-1, :-2] + A[1:-1, 2:] + A[2:, 1:-1] + A[:-2, 1:-1])
        A[1:-1, 1:-1] = 0.2 * (B[1:-1, 1:-1] + B[1:-1, :-2] + B[1:-1, 2:] + B[2:, 1:-1] + B[:-2, 1:-1])
    return t
