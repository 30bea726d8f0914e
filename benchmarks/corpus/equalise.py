"""Histogram equalisation of an image through its cumulative histogram."""

import numpy as np

SIZES = (16, 3500)


def inputs(n):
    rng = np.random.default_rng(45)
    return {"image": (rng.beta(2.0, 5.0, (n, n)) * 255).astype(np.uint8)}


def equalise(image):
    hist = np.bincount(image.ravel(), minlength=256)
    cdf = hist.cumsum()
    nonzero = cdf[cdf > 0]
    scaled = (cdf - nonzero[0]) * 255 / (nonzero[-1] - nonzero[0])
    table = np.clip(np.round(scaled), 0, 255).astype(np.uint8)
    return table[image]


def contrast(image, tiles):
    h, w = image.shape
    values = np.zeros((tiles, tiles))
    for i in range(tiles):
        for j in range(tiles):
            tile = image[i * h // tiles : (i + 1) * h // tiles, j * w // tiles : (j + 1) * w // tiles]
            values[i, j] = tile.std() / (tile.mean() + 1e-9)
    return values


def run(image):
    result = image
    for _ in range(4):
        result = equalise(result)
    return result, contrast(image, 8), contrast(result, 8)
