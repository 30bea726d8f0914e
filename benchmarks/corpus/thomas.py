"""Tridiagonal systems by Thomas's algorithm inside implicit diffusion steps."""

import numpy as np

SIZES = (8, 3200)


def inputs(n):
    return {"u": np.sin(np.pi * np.linspace(0, 1, n)), "kappa": 0.5, "steps": 150}


def solve_tridiagonal(lower, diag, upper, rhs):
    n = len(diag)
    c = np.zeros(n)
    d = np.zeros(n)
    c[0] = upper[0] / diag[0]
    d[0] = rhs[0] / diag[0]
    for i in range(1, n):
        m = diag[i] - lower[i] * c[i - 1]
        c[i] = upper[i] / m if i < n - 1 else 0.0
        d[i] = (rhs[i] - lower[i] * d[i - 1]) / m
    x = np.zeros(n)
    x[-1] = d[-1]
    for i in reversed(range(n - 1)):
        x[i] = d[i] - c[i] * x[i + 1]
    return x


def run(u, kappa, steps):
    n = len(u)
    lower = np.full(n, -kappa)
    upper = np.full(n, -kappa)
    diag = np.full(n, 1 + 2 * kappa)
    diag[0] = diag[-1] = 1.0
    upper[0] = lower[-1] = 0.0
    for _ in range(steps):
        u = solve_tridiagonal(lower, diag, upper, u)
    return u
