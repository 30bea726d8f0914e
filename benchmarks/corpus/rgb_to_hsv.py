"""Colour conversion with masks, and a saturation boost."""

import numpy as np

SIZES = (8, 1400)


def inputs(n):
    return {"rgb": np.random.default_rng(9).random((n, n, 3)), "boost": 1.3}


def rgb_to_hsv(rgb):
    r, g, b = rgb[..., 0], rgb[..., 1], rgb[..., 2]
    high = rgb.max(axis=-1)
    low = rgb.min(axis=-1)
    delta = high - low
    hue = np.zeros_like(high)
    nonzero = delta > 0
    idx = nonzero & (high == r)
    hue[idx] = ((g[idx] - b[idx]) / delta[idx]) % 6
    idx = nonzero & (high == g) & (high != r)
    hue[idx] = (b[idx] - r[idx]) / delta[idx] + 2
    idx = nonzero & (high == b) & (high != r) & (high != g)
    hue[idx] = (r[idx] - g[idx]) / delta[idx] + 4
    saturation = np.where(high > 0, delta / np.where(high > 0, high, 1), 0)
    return np.stack([hue * 60.0, saturation, high], axis=-1)


def run(rgb, boost):
    hsv = rgb_to_hsv(rgb)
    hsv[..., 1] = np.clip(hsv[..., 1] * boost, 0.0, 1.0)
    hist, edges = np.histogram(hsv[..., 0], bins=36, range=(0, 360))
    return hsv, hist, edges
