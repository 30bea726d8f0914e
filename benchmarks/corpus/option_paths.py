"""Asian and barrier options by simulated paths."""

import numpy as np

SIZES = (20, 220000)


def inputs(n):
    return {"paths": n, "steps": 50, "s0": 100.0, "strike": 105.0, "rate": 0.03, "sigma": 0.2, "barrier": 130.0}


def run(paths, steps, s0, strike, rate, sigma, barrier):
    rng = np.random.default_rng(40)
    dt = 1.0 / steps
    normals = rng.standard_normal((paths, steps))
    increments = (rate - 0.5 * sigma**2) * dt + sigma * np.sqrt(dt) * normals
    prices = s0 * np.exp(np.cumsum(increments, axis=1))
    average = prices.mean(axis=1)
    asian = np.exp(-rate) * np.maximum(average - strike, 0.0)
    alive = prices.max(axis=1) < barrier
    knockout = np.exp(-rate) * np.where(alive, np.maximum(prices[:, -1] - strike, 0.0), 0.0)
    return asian.mean(), asian.std(ddof=1) / np.sqrt(paths), knockout.mean(), alive.sum()
