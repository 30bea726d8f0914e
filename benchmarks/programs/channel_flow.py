"""Flow along a periodic channel, until the mean speed settles (a while loop around array updates)."""

import numpy as np

SMALL, LARGE = 9, 61


def initialize(n):
    return {"u": np.zeros((n, n)), "dt": 0.01, "dx": 2 / (n - 1), "dy": 2 / (n - 1), "nu": 0.1, "force": 1.0}


def kernel(u, dt, dx, dy, nu, force):
    udiff = 1.0
    stepcount = 0
    while udiff > 0.02:
        un = u.copy()
        u[1:-1, 1:-1] = (
            un[1:-1, 1:-1]
            - un[1:-1, 1:-1] * dt / dx * (un[1:-1, 1:-1] - un[1:-1, 0:-2])
            + nu * (dt / dy**2 * (un[2:, 1:-1] - 2 * un[1:-1, 1:-1] + un[0:-2, 1:-1]))
            + force * dt
        )
        u[1:-1, -1] = u[1:-1, -2] + force * dt
        u[1:-1, 0] = u[1:-1, 1] + force * dt
        u[0, :] = 0
        u[-1, :] = 0
        udiff = (np.sum(u) - np.sum(un)) / np.sum(u)
        stepcount += 1
    return stepcount
