"""The burning ship with real arithmetic into an image array."""

import numpy as np

SIZES = (8, 430)


def inputs(n):
    return {"image": np.zeros((n, n), dtype=np.uint16), "limit": 80, "window": (-2.2, 1.2, -2.0, 0.8)}


def run(image, limit, window):
    x_min, x_max, y_min, y_max = window
    height, width = image.shape
    for row in range(height):
        cy = y_min + (y_max - y_min) * row / height
        for col in range(width):
            cx = x_min + (x_max - x_min) * col / width
            zx = zy = 0.0
            for n in range(limit):
                xt = zx * zx - zy * zy + cx
                zy = abs(2.0 * zx * zy) + cy
                zx = xt
                if zx * zx + zy * zy > 4.0:
                    image[row, col] = n
                    break
            else:
                image[row, col] = limit
    return image, int(image.sum())
