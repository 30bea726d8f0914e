"""A two-dimensional weighted histogram, with outliers counted apart."""

import numpy as np

SIZES = (50, 990000)


def inputs(n):
    rng = np.random.default_rng(44)
    return {
        "x": rng.normal(0.5, 0.3, n),
        "y": rng.normal(0.5, 0.2, n),
        "weights": rng.random(n),
        "bins": 32,
    }


def run(x, y, weights, bins):
    counts = np.zeros((bins, bins))
    outside = 0
    for xi, yi, w in zip(x, y, weights):
        if not (0.0 <= xi < 1.0 and 0.0 <= yi < 1.0):
            outside += 1
            continue
        counts[int(xi * bins), int(yi * bins)] += w
    profile = counts.sum(axis=0)
    mean = (profile * (np.arange(bins) + 0.5) / bins).sum() / profile.sum()
    return counts, outside, mean
