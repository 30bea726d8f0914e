"""Convex hull by Andrew's monotone chain, area and perimeter."""

import math
import random

SIZES = (20, 140000)


def inputs(n):
    rng = random.Random(55)
    return {"points": [(rng.gauss(0, 1), rng.gauss(0, 1)) for _ in range(n)]}


def cross(o, a, b):
    return (a[0] - o[0]) * (b[1] - o[1]) - (a[1] - o[1]) * (b[0] - o[0])


def hull(points):
    points = sorted(set(points))
    lower = []
    for p in points:
        while len(lower) >= 2 and cross(lower[-2], lower[-1], p) <= 0:
            lower.pop()
        lower.append(p)
    upper = []
    for p in reversed(points):
        while len(upper) >= 2 and cross(upper[-2], upper[-1], p) <= 0:
            upper.pop()
        upper.append(p)
    return lower[:-1] + upper[:-1]


def run(points):
    corners = hull(points)
    area = 0.0
    perimeter = 0.0
    for (x0, y0), (x1, y1) in zip(corners, corners[1:] + corners[:1]):
        area += x0 * y1 - x1 * y0
        perimeter += math.hypot(x1 - x0, y1 - y0)
    return corners, area / 2, perimeter
