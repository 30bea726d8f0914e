"""Black and Scholes over arrays, with a rational approximation of the normal distribution."""

import numpy as np

SIZES = (20, 1600000)


def inputs(n):
    rng = np.random.default_rng(49)
    return {
        "s": rng.uniform(50, 150, n),
        "k": rng.uniform(50, 150, n),
        "t": rng.uniform(0.1, 3.0, n),
        "sigma": rng.uniform(0.1, 0.6, n),
        "r": 0.03,
    }


def normal_cdf(x):
    t = 1.0 / (1.0 + 0.2316419 * np.abs(x))
    poly = t * (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))))
    tail = np.exp(-0.5 * x * x) / np.sqrt(2.0 * np.pi) * poly
    return np.where(x >= 0, 1.0 - tail, tail)


def run(s, k, t, sigma, r):
    root = sigma * np.sqrt(t)
    d1 = (np.log(s / k) + (r + sigma**2 / 2) * t) / root
    d2 = d1 - root
    discount = np.exp(-r * t)
    call = s * normal_cdf(d1) - k * discount * normal_cdf(d2)
    put = k * discount * normal_cdf(-d2) - s * normal_cdf(-d1)
    delta = normal_cdf(d1)
    gamma = np.exp(-0.5 * d1**2) / np.sqrt(2 * np.pi) / (s * root)
    return call, put, delta, gamma, np.max(np.abs(call - put - s + k * discount))
