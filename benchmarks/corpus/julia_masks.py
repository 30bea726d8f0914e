"""A Julia set: all points at once, those that escaped masked out."""

import numpy as np

SIZES = (10, 1500)


def inputs(n):
    return {"n": n, "c": -0.8 + 0.156j, "limit": 40}


def run(n, c, limit):
    y, x = np.ogrid[-1.5 : 1.5 : n * 1j, -1.5 : 1.5 : n * 1j]
    z = x + 1j * y
    count = np.zeros(z.shape, dtype=int)
    active = np.ones(z.shape, dtype=bool)
    for k in range(limit):
        z[active] = z[active] ** 2 + c
        escaped = active & (np.abs(z) > 2)
        count[escaped] = k
        active[escaped] = False
    count[active] = limit
    return count
