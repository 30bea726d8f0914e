"""Convolution of one image with a small kernel: four plain loops."""

import numpy as np

SMALL, LARGE = 10, 170


def initialize(n):
    rng = np.random.default_rng(34)
    return {"image": rng.random((n, n + 1)), "stencil": rng.random((5, 3))}


def kernel(image, stencil):
    kh, kw = stencil.shape
    rows = image.shape[0] - kh + 1
    cols = image.shape[1] - kw + 1
    out = np.zeros((rows, cols))
    for i in range(rows):
        for j in range(cols):
            acc = 0.0
            for p in range(kh):
                for q in range(kw):
                    acc += image[i + p, j + q] * stencil[p, q]
            out[i, j] = acc
    return out
