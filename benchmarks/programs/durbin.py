"""Levinson-Durbin recursion for a Toeplitz system."""

import numpy as np

SMALL, LARGE = 16, 1100


def initialize(n):
    return {"r": 0.4 ** np.arange(1, n + 1) + 0.01 * np.random.default_rng(14).random(n)}


def kernel(r):
    n = r.shape[0]
    y = np.empty_like(r)
    z = np.empty_like(r)
    y[0] = -r[0]
    beta = 1.0
    alpha = -r[0]
    for k in range(1, n):
        beta = (1.0 - alpha * alpha) * beta
        total = 0.0
        for i in range(k):
            total += r[k - i - 1] * y[i]
        alpha = -(r[k] + total) / beta
        for i in range(k):
            z[i] = y[i] + alpha * y[k - i - 1]
        for i in range(k):
            y[i] = z[i]
        y[k] = alpha
    return y
