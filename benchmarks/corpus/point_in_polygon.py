"""Which of many points lie inside a polygon, by ray casting."""

import math

import numpy as np

SIZES = (20, 39000)


def inputs(n):
    rng = np.random.default_rng(54)
    polygon = [
        ((1 + 0.4 * math.sin(5 * a)) * math.cos(a), (1 + 0.4 * math.sin(5 * a)) * math.sin(a))
        for a in (2 * math.pi * k / 40 for k in range(40))
    ]
    return {"points": rng.uniform(-1.5, 1.5, (n, 2)), "polygon": polygon}


def inside(x, y, polygon):
    n = len(polygon)
    result = False
    px, py = polygon[0]
    for i in range(1, n + 1):
        qx, qy = polygon[i % n]
        if min(py, qy) < y <= max(py, qy) and x <= max(px, qx):
            if py != qy:
                crossing = (y - py) * (qx - px) / (qy - py) + px
            if px == qx or x <= crossing:
                result = not result
        px, py = qx, qy
    return result


def run(points, polygon):
    flags = np.zeros(len(points), dtype=bool)
    for i, (x, y) in enumerate(points):
        flags[i] = inside(x, y, polygon)
    return flags, flags.mean() * 9.0
