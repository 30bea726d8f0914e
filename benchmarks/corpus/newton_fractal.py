"""Newton's method on z^3 - 1: which root each starting point reaches."""

import cmath

import numpy as np

SIZES = (8, 320)
ROOTS = [cmath.exp(2j * cmath.pi * k / 3) for k in range(3)]


def inputs(n):
    return {"n": n, "limit": 30, "tolerance": 1e-6}


def solve(z, limit, tolerance):
    for step in range(limit):
        if z == 0:
            return -1, step
        z -= (z**3 - 1) / (3 * z**2)
        for index, root in enumerate(ROOTS):
            if abs(z - root) < tolerance:
                return index, step
    return -1, limit


def run(n, limit, tolerance):
    basin = np.full((n, n), -1, dtype=np.int8)
    steps = np.zeros((n, n), dtype=np.int64)
    axis = np.linspace(-1.5, 1.5, n)
    for i, y in enumerate(axis):
        for j, x in enumerate(axis):
            basin[i, j], steps[i, j] = solve(complex(x, y), limit, tolerance)
    return basin, steps
