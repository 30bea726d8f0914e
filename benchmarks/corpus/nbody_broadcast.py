"""Gravity between all pairs by broadcasting, leapfrog steps."""

import numpy as np

SIZES = (8, 440)


def inputs(n):
    rng = np.random.default_rng(18)
    return {
        "pos": rng.standard_normal((n, 3)),
        "vel": rng.standard_normal((n, 3)) * 0.1,
        "mass": np.full(n, 1.0 / n),
        "dt": 0.01,
        "steps": 40,
    }


def acceleration(pos, mass, softening=0.05):
    d = pos[np.newaxis, :, :] - pos[:, np.newaxis, :]
    r2 = (d**2).sum(axis=-1) + softening**2
    inv = r2**-1.5
    return (d * inv[:, :, np.newaxis] * mass[np.newaxis, :, np.newaxis]).sum(axis=1)


def run(pos, vel, mass, dt, steps):
    vel -= np.mean(mass[:, None] * vel, axis=0) / np.mean(mass)
    acc = acceleration(pos, mass)
    kinetic = np.zeros(steps)
    for i in range(steps):
        vel += acc * dt / 2.0
        pos += vel * dt
        acc = acceleration(pos, mass)
        vel += acc * dt / 2.0
        kinetic[i] = 0.5 * np.sum(mass * np.sum(vel**2, axis=1))
    return pos, vel, kinetic
