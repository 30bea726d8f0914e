"""Monte Carlo integration with stratified samples and a running variance."""

import numpy as np

SIZES = (30, 1200000)


def inputs(n):
    return {"samples": n, "seed": 41}


def integrand(x, y):
    return np.exp(-(x * x + y * y)) * np.cos(3.0 * x) + 0.1 * np.abs(np.sin(5.0 * y))


def run(samples, seed):
    rng = np.random.default_rng(seed)
    x = (np.arange(samples) + rng.random(samples)) / samples
    y = rng.random(samples)
    values = integrand(x, y)
    mean = 0.0
    m2 = 0.0
    count = 0
    for value in values:
        count += 1
        delta = value - mean
        mean += delta / count
        m2 += delta * (value - mean)
    return mean, m2 / (count - 1), values.mean()
