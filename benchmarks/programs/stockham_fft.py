"""Fourier transform after Stockham, radix 2, with explicit butterflies on complex arrays."""

import math

import numpy as np

SMALL, LARGE = 4, 14


def initialize(n):
    rng = np.random.default_rng(44)
    return {"x": rng.random(2**n) + 1j * rng.random(2**n)}


def kernel(x):
    n = x.shape[0]
    y = x.copy()
    work = np.empty_like(y)
    half = n // 2
    stages = int(math.log2(n))
    span = 1
    for _ in range(stages):
        blocks = half // span
        for j in range(blocks):
            angle = -2.0 * math.pi * (j * span) / n
            w = complex(math.cos(angle), math.sin(angle))
            for k in range(span):
                a = y[j * span + k]
                b = y[j * span + k + half]
                work[2 * j * span + k] = a + b
                work[(2 * j + 1) * span + k] = (a - b) * w
        y, work = work, y
        span *= 2
    return y
