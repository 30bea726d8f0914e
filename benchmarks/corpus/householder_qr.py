"""QR by Householder reflections and least squares by back substitution."""

import numpy as np

SIZES = (6, 280)


def inputs(n):
    rng = np.random.default_rng(67)
    return {"a": rng.standard_normal((2 * n, n)), "b": rng.standard_normal(2 * n)}


def householder(a):
    m, n = a.shape
    r = a.copy()
    q = np.eye(m)
    for k in range(n):
        x = r[k:, k].copy()
        alpha = -np.sign(x[0]) * np.linalg.norm(x)
        x[0] -= alpha
        v = x / np.linalg.norm(x)
        r[k:, k:] -= 2.0 * np.outer(v, v @ r[k:, k:])
        q[:, k:] -= 2.0 * np.outer(q[:, k:] @ v, v)
    return q, r


def back_substitute(r, y):
    n = r.shape[1]
    x = np.zeros(n)
    for i in range(n - 1, -1, -1):
        s = y[i]
        for j in range(i + 1, n):
            s -= r[i, j] * x[j]
        x[i] = s / r[i, i]
    return x


def run(a, b):
    q, r = householder(a)
    x = back_substitute(r, q.T @ b)
    return x, np.linalg.norm(a @ x - b)
