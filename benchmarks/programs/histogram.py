"""A histogram with equal bins, counted in a loop with a data-dependent index."""

import numpy as np

SMALL, LARGE = 60, 300_000


def initialize(n):
    return {"values": np.random.default_rng(49).random(n), "bins": 32, "low": 0.0, "high": 1.0}


def kernel(values, bins: int, low: float, high: float):
    counts = np.zeros(bins, dtype=np.int64)
    scale = bins / (high - low)
    for i in range(len(values)):
        v = values[i]
        if v >= low and v < high:
            counts[int((v - low) * scale)] += 1
    return counts
