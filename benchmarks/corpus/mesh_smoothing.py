"""Smoothing an unstructured mesh whose neighbours are ragged lists."""

import math
import random

SIZES = (5, 64)


def inputs(n):
    rng = random.Random(64)
    vertices = [[x + 0.3 * rng.random(), y + 0.3 * rng.random(), 0.2 * rng.random()] for y in range(n) for x in range(n)]
    neighbours = []
    for y in range(n):
        for x in range(n):
            here = []
            for dx, dy in ((1, 0), (-1, 0), (0, 1), (0, -1), (1, 1)):
                if 0 <= x + dx < n and 0 <= y + dy < n:
                    here.append((y + dy) * n + x + dx)
            neighbours.append(here)
    fixed = [x in (0, n - 1) or y in (0, n - 1) for y in range(n) for x in range(n)]
    return {"vertices": vertices, "neighbours": neighbours, "fixed": fixed, "rounds": 40}


def run(vertices, neighbours, fixed, rounds):
    moved = 0.0
    for _ in range(rounds):
        moved = 0.0
        fresh = []
        for index, vertex in enumerate(vertices):
            if fixed[index]:
                fresh.append(vertex)
                continue
            centre = [0.0, 0.0, 0.0]
            for k in neighbours[index]:
                other = vertices[k]
                for axis in range(3):
                    centre[axis] += other[axis]
            count = len(neighbours[index])
            new = [0.5 * v + 0.5 * c / count for v, c in zip(vertex, centre)]
            moved += math.sqrt(sum((a - b) ** 2 for a, b in zip(new, vertex)))
            fresh.append(new)
        vertices = fresh
    return vertices, moved
