"""Recursive FFT on arrays, halves combined with array expressions; falls back to a matrix for small sizes."""

import numpy as np

SIZES = (5, 16)


def inputs(n):
    return {"x": np.random.default_rng(24).random(2**n), "repeats": 4}


def dft(x):
    n = x.shape[0]
    k = np.arange(n)
    m = np.exp(-2j * np.pi * k.reshape((n, 1)) * k / n)
    return m @ x


def fft(x):
    n = x.shape[0]
    if n <= 16:
        return dft(x)
    even = fft(x[::2])
    odd = fft(x[1::2])
    factor = np.exp(-2j * np.pi * np.arange(n) / n)
    return np.concatenate([even + factor[: n // 2] * odd, even + factor[n // 2 :] * odd])


def run(x, repeats):
    total = np.zeros(len(x), dtype=complex)
    for r in range(repeats):
        total += fft(x * (r + 1))
    return total, np.abs(total[: len(x) // 2]) ** 2
