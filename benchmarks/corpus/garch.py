"""GARCH(1,1): simulate, then fit by a coarse grid search over the likelihood."""

import math

import numpy as np

SIZES = (30, 44000)


def inputs(n):
    return {"shocks": np.random.default_rng(51).standard_normal(n), "grid": 5}


def simulate(shocks, omega, alpha, beta):
    returns = np.zeros(len(shocks))
    var = omega / (1 - alpha - beta)
    for t, z in enumerate(shocks):
        returns[t] = math.sqrt(var) * z
        var = omega + alpha * returns[t] ** 2 + beta * var
    return returns


def likelihood(returns, omega, alpha, beta):
    var = np.var(returns)
    total = 0.0
    for r in returns:
        total -= 0.5 * (math.log(2 * math.pi * var) + r * r / var)
        var = omega + alpha * r * r + beta * var
    return total


def run(shocks, grid):
    returns = simulate(shocks, 0.05, 0.1, 0.85)
    best = (-math.inf, None)
    for a in np.linspace(0.05, 0.2, grid):
        for b in np.linspace(0.7, 0.9, grid):
            if a + b < 1:
                score = likelihood(returns, np.var(returns) * (1 - a - b), a, b)
                if score > best[0]:
                    best = (score, (float(a), float(b)))
    return best, returns
