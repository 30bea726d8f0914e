"""Many random walkers on a lattice that are absorbed at the walls."""

import numpy as np

SIZES = (20, 34000)


def inputs(n):
    return {"walkers": n, "steps": 120, "half_width": 20, "seed": 42}


def run(walkers, steps, half_width, seed):
    rng = np.random.default_rng(seed)
    position = np.zeros((walkers, 2), dtype=np.int64)
    alive = np.ones(walkers, dtype=bool)
    moves = np.array([[1, 0], [-1, 0], [0, 1], [0, -1]])
    survivors = []
    for _ in range(steps):
        step = moves[rng.integers(0, 4, walkers)]
        position[alive] += step[alive]
        alive &= (np.abs(position) < half_width).all(axis=1)
        survivors.append(int(alive.sum()))
    distance = np.sqrt((position**2).sum(axis=1))
    return position, survivors, distance.mean()
