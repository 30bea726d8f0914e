"""Mandelbrot set on whole arrays with a boolean mask."""

import numpy as np

SMALL, LARGE = 12, 250


def initialize(n):
    return {"xn": n, "yn": n + 3, "maxiter": 20, "horizon": 2.0}


def kernel(xn, yn, maxiter, horizon):
    x = np.linspace(-2.25, 0.75, xn)
    y = np.linspace(-1.25, 1.25, yn)
    c = x + y[:, None] * 1j
    escaped = np.zeros(c.shape, dtype=np.int64)
    z = np.zeros(c.shape, dtype=np.complex128)
    for n in range(maxiter):
        inside = np.less(abs(z), horizon)
        escaped[inside] = n
        z[inside] = z[inside] ** 2 + c[inside]
    escaped[escaped == maxiter - 1] = 0
    return z, escaped
