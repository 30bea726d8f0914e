"""Value at risk: covariance, Cholesky factor, correlated draws, quantile, risk contributions."""

import numpy as np

SIZES = (20, 480000)


def inputs(n):
    rng = np.random.default_rng(52)
    return {"history": rng.standard_normal((250, 10)) @ rng.random((10, 10)) * 0.01, "scenarios": n}


def run(history, scenarios):
    rng = np.random.default_rng(53)
    mean = history.mean(axis=0)
    centred = history - mean
    cov = centred.T @ centred / (len(history) - 1)
    weights = np.full(cov.shape[0], 1.0 / cov.shape[0])
    factor = np.linalg.cholesky(cov + 1e-8 * np.eye(len(cov)))
    draws = rng.standard_normal((scenarios, len(weights))) @ factor.T + mean
    losses = -(draws * weights).sum(axis=1)
    losses.sort()
    var = losses[int(0.99 * scenarios)]
    shortfall = losses[losses >= var].mean()
    volatility = np.sqrt(weights @ cov @ weights)
    contribution = weights * (cov @ weights) / volatility
    return var, shortfall, contribution
