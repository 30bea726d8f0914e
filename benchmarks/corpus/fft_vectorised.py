"""Iterative FFT over a whole batch: reshape and stack instead of recursion."""

import numpy as np

SIZES = (4, 20)


def inputs(n):
    rng = np.random.default_rng(25)
    return {"x": rng.random(2**n) + 1j * rng.random(2**n)}


def run(x):
    n = x.shape[0]
    smallest = min(n, 32)
    k = np.arange(smallest)
    matrix = np.exp(-2j * np.pi * k * k[:, None] / smallest)
    result = np.dot(matrix, x.reshape((smallest, -1)))
    while result.shape[0] < n:
        half = result.shape[1] // 2
        even = result[:, :half]
        odd = result[:, half:]
        factor = np.exp(-1j * np.pi * np.arange(result.shape[0]) / result.shape[0])[:, None]
        result = np.vstack([even + factor * odd, even - factor * odd])
    return result.ravel()
