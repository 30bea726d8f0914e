"""Edges by Sobel's operator, thinned and thresholded, in NumPy."""

import numpy as np

SIZES = (16, 2100)


def inputs(n):
    rng = np.random.default_rng(3)
    return {"image": rng.integers(0, 255, size=(n, n, 3), dtype=np.uint8), "low": 60.0, "high": 150.0}


def to_gray(rgb):
    return rgb[..., 0] * 0.299 + rgb[..., 1] * 0.587 + rgb[..., 2] * 0.114


def gradients(gray):
    gx = (gray[:-2, 2:] + 2 * gray[1:-1, 2:] + gray[2:, 2:]) - (gray[:-2, :-2] + 2 * gray[1:-1, :-2] + gray[2:, :-2])
    gy = (gray[2:, :-2] + 2 * gray[2:, 1:-1] + gray[2:, 2:]) - (gray[:-2, :-2] + 2 * gray[:-2, 1:-1] + gray[:-2, 2:])
    return gx, gy


def run(image, low, high):
    gray = to_gray(image)
    gx, gy = gradients(gray)
    magnitude = np.hypot(gx, gy)
    angle = np.arctan2(gy, gx) * 180.0 / np.pi
    angle[angle < 0] += 180.0
    edges = np.zeros(magnitude.shape, dtype=np.uint8)
    edges[magnitude > low] = 128
    edges[magnitude > high] = 255
    horizontal = (angle < 22.5) | (angle >= 157.5)
    return edges, magnitude.max(), np.count_nonzero(edges == 255), magnitude[horizontal].mean()
