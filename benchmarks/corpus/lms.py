"""Adaptive noise cancelling: normalised LMS with a sliding window."""

import numpy as np

SIZES = (40, 160000)


def inputs(n):
    rng = np.random.default_rng(60)
    noise = rng.standard_normal(n)
    return {
        "reference": noise,
        "desired": np.sin(0.05 * np.arange(n)) + np.convolve(noise, [0.6, -0.3, 0.1])[:n],
        "taps": 16,
        "mu": 0.01,
    }


def run(reference, desired, taps, mu):
    n = len(reference)
    w = np.zeros(taps)
    error = np.zeros(n)
    for i in range(taps, n):
        window = reference[i - taps : i][::-1]
        y = np.dot(w, window)
        error[i] = desired[i] - y
        w += mu / (1e-6 + np.dot(window, window)) * error[i] * window
    return error, w
