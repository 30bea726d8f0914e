"""Forces between particles, as a physicist's double loop with scalars."""

import math

import numpy as np

SMALL, LARGE = 8, 260


def initialize(n):
    rng = np.random.default_rng(38)
    return {"pos": rng.random((n, 3)), "mass": rng.random(n), "eps": 1e-3}


def kernel(pos, mass, eps):
    n = pos.shape[0]
    force = np.zeros((n, 3))
    potential = 0.0
    for i in range(n):
        for j in range(n):
            if i == j:
                continue
            dx = pos[j, 0] - pos[i, 0]
            dy = pos[j, 1] - pos[i, 1]
            dz = pos[j, 2] - pos[i, 2]
            r2 = dx * dx + dy * dy + dz * dz + eps
            r = math.sqrt(r2)
            f = mass[i] * mass[j] / (r2 * r)
            force[i, 0] += f * dx
            force[i, 1] += f * dy
            force[i, 2] += f * dz
            if i < j:
                potential -= mass[i] * mass[j] / r
    return force, potential
