"""Escape times of the Mandelbrot set: a while-like loop with break for each point."""

import numpy as np

SMALL, LARGE = 12, 130


def initialize(n):
    return {"xmin": -2.0, "xmax": 0.5, "ymin": -1.25, "ymax": 1.25, "n": n, "maxiter": 60}


def kernel(xmin, xmax, ymin, ymax, n, maxiter):
    count = np.zeros((n, n), dtype=np.int64)
    for i in range(n):
        ci = ymin + (ymax - ymin) * i / (n - 1)
        for j in range(n):
            cr = xmin + (xmax - xmin) * j / (n - 1)
            zr = 0.0
            zi = 0.0
            for k in range(maxiter):
                zr2 = zr * zr
                zi2 = zi * zi
                if zr2 + zi2 > 4.0:
                    break
                zi = 2.0 * zr * zi + ci
                zr = zr2 - zi2 + cr
                count[i, j] = k + 1
    return count
