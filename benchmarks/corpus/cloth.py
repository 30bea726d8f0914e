"""A hanging cloth of springs: Verlet integration and relaxed constraints."""

import numpy as np

SIZES = (5, 54)


def inputs(n):
    y, x = np.mgrid[0:n, 0:n]
    return {"points": np.stack([x * 0.1, -y * 0.1, 0.01 * x * y], axis=-1).astype(float), "rest": 0.1, "steps": 12}


def satisfy(p, a, b, rest):
    delta = p[b] - p[a]
    length = np.sqrt(delta[0] ** 2 + delta[1] ** 2 + delta[2] ** 2)
    if length == 0:
        return
    move = delta * (0.5 * (length - rest) / length)
    p[a] += move
    p[b] -= move


def run(points, rest, steps):
    n, m, _ = points.shape
    old = points.copy()
    gravity = np.array([0.0, -9.81, 0.0])
    dt = 0.01
    for _ in range(steps):
        velocity = (points - old) * 0.99
        old = points.copy()
        points = points + velocity + gravity * dt**2
        for _ in range(2):
            for i in range(n):
                for j in range(m):
                    if j + 1 < m:
                        satisfy(points, (i, j), (i, j + 1), rest)
                    if i + 1 < n:
                        satisfy(points, (i, j), (i + 1, j), rest)
        points[0, 0] = (0.0, 0.0, 0.0)
        points[0, m - 1] = ((m - 1) * rest, 0.0, 0.0)
    return points
