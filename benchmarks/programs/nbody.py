"""N-body accelerations from all pairs, leapfrog integration, kinetic energies."""

import numpy as np

SMALL, LARGE = 6, 90


def initialize(n):
    rng = np.random.default_rng(37)
    return {
        "mass": 20.0 * np.ones((n, 1)) / n,
        "pos": rng.standard_normal((n, 3)),
        "vel": rng.standard_normal((n, 3)),
        "steps": 10,
        "dt": 0.01,
        "softening": 0.1,
    }


def get_acc(pos, mass, softening):
    x = pos[:, 0:1]
    y = pos[:, 1:2]
    z = pos[:, 2:3]
    dx = x.T - x
    dy = y.T - y
    dz = z.T - z
    inv_r3 = dx**2 + dy**2 + dz**2 + softening**2
    inv_r3[inv_r3 > 0] = inv_r3[inv_r3 > 0] ** (-1.5)
    ax = (dx * inv_r3) @ mass
    ay = (dy * inv_r3) @ mass
    az = (dz * inv_r3) @ mass
    return np.hstack((ax, ay, az))


def kernel(mass, pos, vel, steps, dt, softening):
    vel -= np.mean(mass * vel, axis=0) / np.mean(mass)
    acc = get_acc(pos, mass, softening)
    energy = np.ndarray(steps)
    for i in range(steps):
        vel += acc * dt / 2.0
        pos += vel * dt
        acc = get_acc(pos, mass, softening)
        vel += acc * dt / 2.0
        energy[i] = 0.5 * np.sum(mass * vel**2)
    return energy
