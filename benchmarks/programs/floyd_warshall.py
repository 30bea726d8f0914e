"""All-pairs shortest paths on int32 distances, with the builtin min."""

import numpy as np

SMALL, LARGE = 12, 110


def initialize(n):
    return {"path": np.random.default_rng(21).integers(1, 1000, (n, n), dtype=np.int32)}


def kernel(path):
    n = path.shape[0]
    for k in range(n):
        for i in range(n):
            for j in range(n):
                path[i, j] = min(path[i, j], path[i, k] + path[k, j])
    return path
