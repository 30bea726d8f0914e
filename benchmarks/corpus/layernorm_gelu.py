"""Layer norm, a feed-forward block with GELU, and a residual connection."""

import numpy as np

SIZES = (8, 6200)


def inputs(n):
    rng = np.random.default_rng(16)
    return {
        "x": rng.standard_normal((n, 64)),
        "gamma": rng.standard_normal(64),
        "beta": rng.standard_normal(64),
        "w1": rng.standard_normal((64, 256)) * 0.1,
        "w2": rng.standard_normal((256, 64)) * 0.1,
    }


def layer_norm(x, gamma, beta, eps=1e-5):
    mean = x.mean(axis=-1, keepdims=True)
    var = x.var(axis=-1, keepdims=True)
    return gamma * (x - mean) / np.sqrt(var + eps) + beta


def gelu(x):
    return 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))


def run(x, gamma, beta, w1, w2):
    for _ in range(3):
        x = x + gelu(layer_norm(x, gamma, beta) @ w1) @ w2
    return x
