"""The same idea with plain floats: depth and brightness of a scene of many spheres."""

import math
import random

SIZES = (6, 290)


def inputs(n):
    rng = random.Random(57)
    spheres = [(rng.uniform(-2, 2), rng.uniform(-2, 2), rng.uniform(3, 8), rng.uniform(0.2, 0.8)) for _ in range(25)]
    return {"spheres": spheres, "width": n, "height": n}


def intersect(dx, dy, dz, sphere):
    cx, cy, cz, r = sphere
    b = dx * cx + dy * cy + dz * cz
    disc = b * b - (cx * cx + cy * cy + cz * cz - r * r)
    if disc < 0.0:
        return -1.0
    return b - math.sqrt(disc)


def run(spheres, width, height):
    depth = [[0.0] * width for _ in range(height)]
    shade = [[0.0] * width for _ in range(height)]
    hits = 0
    for row in range(height):
        for col in range(width):
            dx = (col - width / 2) / width
            dy = (height / 2 - row) / height
            norm = math.sqrt(dx * dx + dy * dy + 1.0)
            dx, dy, dz = dx / norm, dy / norm, 1.0 / norm
            best = math.inf
            chosen = None
            for sphere in spheres:
                t = intersect(dx, dy, dz, sphere)
                if 0.0 < t < best:
                    best = t
                    chosen = sphere
            if chosen is not None:
                hits += 1
                nx = (dx * best - chosen[0]) / chosen[3]
                ny = (dy * best - chosen[1]) / chosen[3]
                nz = (dz * best - chosen[2]) / chosen[3]
                depth[row][col] = best
                shade[row][col] = max(0.0, 0.577 * (-nx + ny - nz))
    return depth, shade, hits
