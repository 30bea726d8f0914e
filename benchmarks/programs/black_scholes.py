"""Option prices after Black and Scholes, with a polynomial for the normal distribution."""

import numpy as np

SMALL, LARGE = 25, 150_000


def initialize(n):
    rng = np.random.default_rng(53)
    return {
        "spot": rng.uniform(10, 50, n),
        "strike": rng.uniform(10, 50, n),
        "years": rng.uniform(1.0, 2.0, n),
        "rate": 0.1,
        "vol": 0.2,
    }


def cnd(d):
    k = 1.0 / (1.0 + 0.2316419 * np.abs(d))
    poly = k * (0.31938153 + k * (-0.356563782 + k * (1.781477937 + k * (-1.821255978 + k * 1.330274429))))
    tail = np.exp(-0.5 * d * d) / np.sqrt(2.0 * np.pi) * poly
    return np.where(d > 0, 1.0 - tail, tail)


def kernel(spot, strike, years, rate, vol):
    root = np.sqrt(years)
    d1 = (np.log(spot / strike) + (rate + 0.5 * vol * vol) * years) / (vol * root)
    d2 = d1 - vol * root
    discounted = strike * np.exp(-rate * years)
    call = spot * cnd(d1) - discounted * cnd(d2)
    put = discounted * cnd(-d2) - spot * cnd(-d1)
    return call, put
