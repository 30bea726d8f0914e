"""Maxwell's equations in the plane by finite differences in time."""

import numpy as np

SIZES = {
    "tiny": (3, 7, 8),
    "small": (12, 90, 100),
    "large": (60, 500, 550),
}


def initialise(steps, nx, ny):
    i, j = np.ogrid[0:nx, 0:ny]
    return {"ex": i * (j + 1) / nx, "ey": i * (j + 2) / ny, "hz": i * (j + 3) / nx, "fict": np.arange(steps) * 1.0}


def lists(ex, ey, hz, fict):
    nx, ny = len(ex), len(ex[0])
    for t in range(len(fict)):
        for j in range(ny):
            ey[0][j] = fict[t]
        for i in range(1, nx):
            for j in range(ny):
                ey[i][j] -= 0.5 * (hz[i][j] - hz[i - 1][j])
        for i in range(nx):
            for j in range(1, ny):
                ex[i][j] -= 0.5 * (hz[i][j] - hz[i][j - 1])
        for i in range(nx - 1):
            for j in range(ny - 1):
                hz[i][j] -= 0.7 * (ex[i][j + 1] - ex[i][j] + ey[i + 1][j] - ey[i][j])
    return ex, ey, hz


def loops(ex, ey, hz, fict):
    nx, ny = ex.shape
    for t in range(len(fict)):
        for j in range(ny):
            ey[0, j] = fict[t]
        for i in range(1, nx):
            for j in range(ny):
                ey[i, j] -= 0.5 * (hz[i, j] - hz[i - 1, j])
        for i in range(nx):
            for j in range(1, ny):
                ex[i, j] -= 0.5 * (hz[i, j] - hz[i, j - 1])
        for i in range(nx - 1):
            for j in range(ny - 1):
                hz[i, j] -= 0.7 * (ex[i, j + 1] - ex[i, j] + ey[i + 1, j] - ey[i, j])
    return ex, ey, hz


def arrays(ex, ey, hz, fict):
    for value in fict:
        ey[0] = value
        ey[1:] -= 0.5 * (hz[1:] - hz[:-1])
        ex[:, 1:] -= 0.5 * (hz[:, 1:] - hz[:, :-1])
        hz[:-1, :-1] -= 0.7 * (ex[:-1, 1:] - ex[:-1, :-1] + ey[1:, :-1] - ey[:-1, :-1])
    return ex, ey, hz
