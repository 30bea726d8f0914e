"""Finite-difference time-domain kernel in two dimensions."""

import numpy as np

SMALL, LARGE = 14, 500


def initialize(n):
    rng = np.random.default_rng(20)
    return {
        "ex": rng.random((n, n + 2)),
        "ey": rng.random((n, n + 2)),
        "hz": rng.random((n, n + 2)),
        "fict": np.arange(12.0),
    }


def kernel(ex, ey, hz, fict):
    for t in range(fict.shape[0]):
        ey[0, :] = fict[t]
        ey[1:, :] -= 0.5 * (hz[1:, :] - hz[:-1, :])
        ex[:, 1:] -= 0.5 * (hz[:, 1:] - hz[:, :-1])
        hz[:-1, :-1] -= 0.7 * (ex[:-1, 1:] - ex[:-1, :-1] + ey[1:, :-1] - ey[:-1, :-1])
