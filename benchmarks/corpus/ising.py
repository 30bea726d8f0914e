"""Metropolis sweeps of the Ising model; random numbers drawn a sweep at a time."""

import math

import numpy as np

SIZES = (8, 120)


def inputs(n):
    return {"spins": np.random.default_rng(37).choice(np.array([-1, 1]), size=(n, n)), "beta": 0.44, "sweeps": 20}


def sweep(spins, beta, uniforms):
    n = spins.shape[0]
    accepted = 0
    for i in range(n):
        for j in range(n):
            neighbours = spins[(i + 1) % n, j] + spins[i - 1, j] + spins[i, (j + 1) % n] + spins[i, j - 1]
            change = 2 * spins[i, j] * neighbours
            if change <= 0 or uniforms[i, j] < math.exp(-beta * change):
                spins[i, j] = -spins[i, j]
                accepted += 1
    return accepted


def run(spins, beta, sweeps):
    rng = np.random.default_rng(38)
    magnetisation = np.zeros(sweeps)
    accepted = 0
    for s in range(sweeps):
        accepted += sweep(spins, beta, rng.random(spins.shape))
        magnetisation[s] = abs(spins.mean())
    return spins, magnetisation, accepted
