"""Softmax of attention scores in single precision, rank 4."""

import numpy as np

SMALL, LARGE = 5, 64


def initialize(n):
    return {"x": np.random.default_rng(32).random((4, 8, n, n), dtype=np.float32)}


def kernel(x):
    tmp_max = np.max(x, axis=-1, keepdims=True)
    tmp_out = np.exp(x - tmp_max)
    tmp_sum = np.sum(tmp_out, axis=-1, keepdims=True)
    return tmp_out / tmp_sum
