"""Moving-average crossover: exponential averages, positions, draw-down."""

import numpy as np

SIZES = (60, 630000)


def inputs(n):
    return {"returns": np.random.default_rng(50).normal(0.0002, 0.01, n), "fast": 12, "slow": 48, "fee": 0.0005}


def ema(values, span):
    alpha = 2.0 / (span + 1)
    out = np.empty_like(values)
    out[0] = values[0]
    for i in range(1, len(values)):
        out[i] = alpha * values[i] + (1 - alpha) * out[i - 1]
    return out


def max_drawdown(equity):
    peak = equity[0]
    worst = 0.0
    for value in equity:
        if value > peak:
            peak = value
        drop = (peak - value) / peak
        if drop > worst:
            worst = drop
    return worst


def run(returns, fast, slow, fee):
    prices = 100.0 * np.cumprod(1.0 + returns)
    signal = ema(prices, fast) > ema(prices, slow)
    position = np.where(signal, 1.0, 0.0)
    position = np.concatenate(([0.0], position[:-1]))
    trades = np.abs(np.diff(position, prepend=0.0))
    equity = np.cumprod(1.0 + position * returns - fee * trades)
    return equity, max_drawdown(equity), int(trades.sum()), equity[-1] - 1.0
