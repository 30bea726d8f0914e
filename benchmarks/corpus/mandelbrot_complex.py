"""The Mandelbrot set with complex numbers, a while loop and smooth colours."""

import math

SIZES = (8, 520)


def inputs(n):
    return {"width": n, "height": n, "limit": 60}


def escape(c, limit):
    z = 0j
    n = 0
    while abs(z) <= 2.0 and n < limit:
        z = z * z + c
        n += 1
    if n == limit:
        return float(limit)
    return n + 1 - math.log(math.log2(abs(z) + 1e-9) + 1.0)


def run(width, height, limit):
    rows = []
    for j in range(height):
        row = []
        for i in range(width):
            c = complex(-2.0 + 3.0 * i / width, -1.5 + 3.0 * j / height)
            row.append(escape(c, limit))
        rows.append(row)
    return rows
