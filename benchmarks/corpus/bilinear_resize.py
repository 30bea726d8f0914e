"""Resize by bilinear interpolation with index arrays."""

import numpy as np

SIZES = (10, 1400)


def inputs(n):
    return {"image": np.random.default_rng(7).random((n, n)), "height": int(1.7 * n), "width": int(1.3 * n)}


def run(image, height, width):
    h, w = image.shape
    y = (np.arange(height) + 0.5) * (h / height) - 0.5
    x = (np.arange(width) + 0.5) * (w / width) - 0.5
    y = np.clip(y, 0, h - 1)
    x = np.clip(x, 0, w - 1)
    y0 = np.floor(y).astype(int)
    x0 = np.floor(x).astype(int)
    y1 = np.minimum(y0 + 1, h - 1)
    x1 = np.minimum(x0 + 1, w - 1)
    fy = (y - y0)[:, None]
    fx = (x - x0)[None, :]
    top = image[y0[:, None], x0] * (1 - fx) + image[y0[:, None], x1] * fx
    bottom = image[y1[:, None], x0] * (1 - fx) + image[y1[:, None], x1] * fx
    return top * (1 - fy) + bottom * fy
