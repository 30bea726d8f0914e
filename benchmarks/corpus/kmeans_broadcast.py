"""Lloyd's algorithm with broadcasting and masks until the centres stop moving."""

import numpy as np

SIZES = (30, 65000)


def inputs(n):
    rng = np.random.default_rng(26)
    centres = rng.random((6, 4)) * 10
    return {"points": centres[rng.integers(0, 6, n)] + rng.standard_normal((n, 4)), "k": 6, "rounds": 25}


def assign(points, centres):
    distances = np.linalg.norm(points[:, np.newaxis, :] - centres[np.newaxis, :, :], axis=2)
    return np.argmin(distances, axis=1)


def run(points, k, rounds):
    centres = points[:k].copy()
    labels = np.zeros(len(points), dtype=int)
    for step in range(rounds):
        labels = assign(points, centres)
        moved = np.array([points[labels == c].mean(axis=0) if np.any(labels == c) else centres[c] for c in range(k)])
        if np.allclose(moved, centres, atol=1e-8):
            break
        centres = moved
    inertia = ((points - centres[labels]) ** 2).sum()
    return centres, labels, inertia, step
