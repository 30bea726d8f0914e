"""Separable Gaussian blur with reflected borders."""

import math

import numpy as np

SIZES = (12, 320)


def inputs(n):
    return {"image": np.random.default_rng(1).random((n, n + 7)), "sigma": 1.5}


def gaussian_kernel(sigma):
    radius = int(3 * sigma + 0.5)
    weights = [math.exp(-0.5 * (k / sigma) ** 2) for k in range(-radius, radius + 1)]
    total = sum(weights)
    return np.array([w / total for w in weights]), radius


def blur_rows(image, weights, radius):
    height, width = image.shape
    padded = np.pad(image, ((0, 0), (radius, radius)), mode="reflect")
    out = np.zeros((height, width))
    for y in range(height):
        for x in range(width):
            value = 0.0
            for k in range(2 * radius + 1):
                value += weights[k] * padded[y, x + k]
            out[y, x] = value
    return out


def run(image, sigma):
    weights, radius = gaussian_kernel(sigma)
    horizontal = blur_rows(image, weights, radius)
    return blur_rows(horizontal.T, weights, radius).T
