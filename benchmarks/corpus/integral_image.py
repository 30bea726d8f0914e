"""Box filter through a summed-area table, with loops."""

import numpy as np

SIZES = (10, 670)


def inputs(n):
    return {"image": np.random.default_rng(10).integers(0, 256, (n, n)), "radius": 3}


def summed_area(image):
    rows, cols = image.shape
    table = np.zeros((rows + 1, cols + 1), dtype=np.int64)
    for i in range(rows):
        run_sum = 0
        for j in range(cols):
            run_sum += image[i, j]
            table[i + 1, j + 1] = table[i, j + 1] + run_sum
    return table


def run(image, radius):
    rows, cols = image.shape
    table = summed_area(image)
    out = np.empty((rows, cols), dtype=np.float64)
    for i in range(rows):
        top = max(i - radius, 0)
        bottom = min(i + radius + 1, rows)
        for j in range(cols):
            left = max(j - radius, 0)
            right = min(j + radius + 1, cols)
            total = table[bottom, right] - table[top, right] - table[bottom, left] + table[top, left]
            out[i, j] = total / ((bottom - top) * (right - left))
    return out
