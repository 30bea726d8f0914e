"""Savitzky-Golay smoothing: least squares for the weights, then a convolution in a loop."""

import numpy as np

SIZES = (40, 220000)


def inputs(n):
    rng = np.random.default_rng(58)
    return {"y": np.sin(np.arange(n) * 0.01) + 0.1 * rng.standard_normal(n), "window": 11, "order": 3}


def weights(window, order):
    half = window // 2
    basis = np.array([[float(k) ** p for p in range(order + 1)] for k in range(-half, half + 1)])
    return np.linalg.pinv(basis)[0]


def run(y, window, order):
    w = weights(window, order)
    half = window // 2
    first = y[0] - np.abs(y[1 : half + 1][::-1] - y[0])
    last = y[-1] + np.abs(y[-half - 1 : -1][::-1] - y[-1])
    padded = np.concatenate((first, y, last))
    smooth = np.zeros(len(y))
    for i in range(len(y)):
        s = 0.0
        for k in range(window):
            s += w[k] * padded[i + k]
        smooth[i] = s
    return smooth, np.convolve(w[::-1], y, mode="valid")
