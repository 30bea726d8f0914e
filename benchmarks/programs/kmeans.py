"""One k-means iteration: assign each point to the nearest centre, move the centres."""

import numpy as np

SMALL, LARGE = 20, 6000


def initialize(n):
    rng = np.random.default_rng(54)
    return {"points": rng.random((n, 3)), "centres": rng.random((5, 3)), "labels": np.zeros(n, dtype=np.int64)}


def kernel(points, centres, labels):
    n, dims = points.shape
    k = centres.shape[0]
    inertia = 0.0
    for i in range(n):
        best = np.inf
        for c in range(k):
            dist = 0.0
            for d in range(dims):
                diff = points[i, d] - centres[c, d]
                dist += diff * diff
            if dist < best:
                best = dist
                labels[i] = c
        inertia += best
    sums = np.zeros_like(centres)
    sizes = np.zeros(k)
    for i in range(n):
        sizes[labels[i]] += 1.0
        for d in range(dims):
            sums[labels[i], d] += points[i, d]
    for c in range(k):
        if sizes[c] > 0:
            centres[c] = sums[c] / sizes[c]
    return inertia
