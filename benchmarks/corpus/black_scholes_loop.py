"""Option prices and implied volatilities by Newton's method, an option at a time."""

from math import erf, exp, log, pi, sqrt

import numpy as np

SIZES = (10, 48000)


def inputs(n):
    rng = np.random.default_rng(48)
    return {
        "spot": rng.uniform(80, 120, n),
        "strike": rng.uniform(80, 120, n),
        "expiry": rng.uniform(0.2, 2.0, n),
        "rate": 0.02,
        "vol": rng.uniform(0.1, 0.5, n),
    }


def cdf(x):
    return 0.5 * (1.0 + erf(x / sqrt(2.0)))


def call_price(s, k, t, r, sigma):
    d1 = (log(s / k) + (r + 0.5 * sigma * sigma) * t) / (sigma * sqrt(t))
    d2 = d1 - sigma * sqrt(t)
    return s * cdf(d1) - k * exp(-r * t) * cdf(d2), s * sqrt(t) * exp(-0.5 * d1 * d1) / sqrt(2 * pi)


def implied(price, s, k, t, r):
    sigma = 0.3
    for _ in range(20):
        value, vega = call_price(s, k, t, r, sigma)
        diff = value - price
        if abs(diff) < 1e-8 or vega < 1e-10:
            break
        sigma = max(1e-3, sigma - diff / vega)
    return sigma


def run(spot, strike, expiry, rate, vol):
    n = len(spot)
    prices = np.zeros(n)
    recovered = np.zeros(n)
    for i in range(n):
        prices[i], _ = call_price(spot[i], strike[i], expiry[i], rate, vol[i])
        recovered[i] = implied(prices[i], spot[i], strike[i], expiry[i], rate)
    return prices, recovered
