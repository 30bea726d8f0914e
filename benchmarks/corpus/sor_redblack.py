"""Poisson's equation by red-black over-relaxation until the residual is small."""

import math

import numpy as np

SIZES = (8, 720)


def inputs(n):
    f = np.zeros((n, n))
    f[n // 3, n // 3] = -50.0
    f[2 * n // 3, n // 2] = 80.0
    return {"f": f, "tolerance": 1e-3, "max_sweeps": 60}


def sweep(u, f, h2, omega, colour):
    n, m = u.shape
    worst = 0.0
    for i in range(1, n - 1):
        start = 1 + (i + colour) % 2
        for j in range(start, m - 1, 2):
            gauss = 0.25 * (u[i - 1, j] + u[i + 1, j] + u[i, j - 1] + u[i, j + 1] - h2 * f[i, j])
            change = omega * (gauss - u[i, j])
            u[i, j] += change
            if abs(change) > worst:
                worst = abs(change)
    return worst


def run(f, tolerance, max_sweeps):
    n = f.shape[0]
    u = np.zeros_like(f)
    h2 = (1.0 / (n - 1)) ** 2
    omega = 2.0 / (1.0 + math.sin(math.pi / n))
    sweeps = 0
    while sweeps < max_sweeps:
        red = sweep(u, f, h2, omega, 0)
        black = sweep(u, f, h2, omega, 1)
        sweeps += 1
        if max(red, black) < tolerance:
            break
    return u, sweeps
