"""Bilateral filter: weights by distance and by difference in brightness."""

from math import exp

import numpy as np

SIZES = (8, 130)


def inputs(n):
    return {"image": np.random.default_rng(4).random((n, n)), "radius": 2, "sigma_space": 1.5, "sigma_range": 0.2}


def run(image, radius, sigma_space, sigma_range):
    rows, cols = image.shape
    out = np.empty((rows, cols))
    for i in range(rows):
        for j in range(cols):
            centre = image[i, j]
            total = 0.0
            norm = 0.0
            for y in range(max(0, i - radius), min(rows, i + radius + 1)):
                for x in range(max(0, j - radius), min(cols, j + radius + 1)):
                    space = (y - i) ** 2 + (x - j) ** 2
                    diff = image[y, x] - centre
                    w = exp(-space / (2 * sigma_space**2) - diff * diff / (2 * sigma_range**2))
                    total += w * image[y, x]
                    norm += w
            out[i, j] = total / norm
    return out
