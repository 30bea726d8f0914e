"""Reaction and diffusion after Gray and Scott, periodic, with np.roll."""

import numpy as np

SIZES = (16, 710)


def inputs(n):
    rng = np.random.default_rng(5)
    u = np.ones((n, n))
    v = np.zeros((n, n))
    lo, hi = n // 2 - n // 8, n // 2 + n // 8
    u[lo:hi, lo:hi] = 0.5
    v[lo:hi, lo:hi] = 0.25
    u += 0.02 * rng.standard_normal((n, n))
    v += 0.02 * rng.standard_normal((n, n))
    return {"u": u, "v": v, "feed": 0.035, "kill": 0.065, "steps": 100}


def laplace(a):
    return np.roll(a, 1, axis=0) + np.roll(a, -1, axis=0) + np.roll(a, 1, axis=1) + np.roll(a, -1, axis=1) - 4 * a


def run(u, v, feed, kill, steps):
    du, dv, dt = 0.16, 0.08, 1.0
    for _ in range(steps):
        uvv = u * v * v
        u = u + dt * (du * laplace(u) - uvv + feed * (1.0 - u))
        v = v + dt * (dv * laplace(v) + uvv - (feed + kill) * v)
    return u, v
