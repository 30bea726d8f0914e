"""Floyd-Steinberg dithering to a few grey levels."""

import numpy as np

SIZES = (8, 450)


def inputs(n):
    y, x = np.mgrid[0:n, 0:n]
    return {"image": (x + y) * 255.0 / (2 * n), "levels": 4}


def run(image, levels):
    work = image.astype(np.float64)
    h, w = work.shape
    step = 255.0 / (levels - 1)
    for y in range(h):
        for x in range(w):
            old = work[y, x]
            new = round(old / step) * step
            work[y, x] = new
            error = old - new
            if x + 1 < w:
                work[y, x + 1] += error * 7 / 16
            if y + 1 < h:
                if x > 0:
                    work[y + 1, x - 1] += error * 3 / 16
                work[y + 1, x] += error * 5 / 16
                if x + 1 < w:
                    work[y + 1, x + 1] += error * 1 / 16
    return work
