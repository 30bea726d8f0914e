"""Discrete cosine transform of 8 x 8 blocks with quantisation, as in image compression."""

import math

import numpy as np

SIZES = (16, 160)
QUALITY = 12.0


def inputs(n):
    n -= n % 8
    y, x = np.mgrid[0:n, 0:n]
    return {"image": 128 + 60 * np.sin(x / 5.0) + 40 * np.cos(y / 3.0)}


def dct_block(block):
    out = np.zeros((8, 8))
    for u in range(8):
        cu = 1 / math.sqrt(2) if u == 0 else 1.0
        for v in range(8):
            cv = 1 / math.sqrt(2) if v == 0 else 1.0
            total = 0.0
            for x in range(8):
                for y in range(8):
                    total += (
                        block[x, y]
                        * math.cos((2 * x + 1) * u * math.pi / 16)
                        * math.cos((2 * y + 1) * v * math.pi / 16)
                    )
            out[u, v] = 0.25 * cu * cv * total
    return out


def run(image):
    h, w = image.shape
    coefficients = np.zeros((h, w), dtype=np.int32)
    kept = 0
    for by in range(0, h, 8):
        for bx in range(0, w, 8):
            block = dct_block(image[by : by + 8, bx : bx + 8] - 128.0)
            quantised = np.rint(block / QUALITY).astype(np.int32)
            kept += np.count_nonzero(quantised)
            coefficients[by : by + 8, bx : bx + 8] = quantised
    return coefficients, int(kept)
