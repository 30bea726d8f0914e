"""A residual block: batch normalisation, rectifier, pointwise convolution, shortcut."""

import numpy as np

SMALL, LARGE = 6, 56


def initialize(n):
    rng = np.random.default_rng(35)
    return {
        "x": rng.standard_normal((2, n, n, 8)).astype(np.float32),
        "weights": rng.standard_normal((8, 8)).astype(np.float32),
    }


def relu(x):
    return np.maximum(x, 0)


def batchnorm2d(x, eps=1e-5):
    mean = np.mean(x, axis=0, keepdims=True)
    std = np.std(x, axis=0, keepdims=True)
    return (x - mean) / np.sqrt(std + eps)


def kernel(x, weights):
    hidden = relu(batchnorm2d(x))
    hidden = hidden @ weights
    return relu(batchnorm2d(hidden) + x)
