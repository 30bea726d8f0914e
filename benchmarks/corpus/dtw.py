"""Dynamic time warping with a band, on lists of floats."""

import math

SIZES = (12, 2100)


def inputs(n):
    return {
        "x": [math.sin(0.05 * i) for i in range(n)],
        "y": [math.sin(0.05 * i + 0.4 * math.sin(0.01 * i)) for i in range(n)],
        "band": max(4, n // 5),
    }


def run(x, y, band):
    n, m = len(x), len(y)
    infinity = float("inf")
    cost = [[infinity] * (m + 1) for _ in range(n + 1)]
    cost[0][0] = 0.0
    for i in range(1, n + 1):
        for j in range(max(1, i - band), min(m, i + band) + 1):
            d = abs(x[i - 1] - y[j - 1])
            cost[i][j] = d + min(cost[i - 1][j], cost[i][j - 1], cost[i - 1][j - 1])
    path = []
    i, j = n, m
    while i > 0 and j > 0:
        path.append((i - 1, j - 1))
        steps = [(cost[i - 1][j - 1], i - 1, j - 1), (cost[i - 1][j], i - 1, j), (cost[i][j - 1], i, j - 1)]
        _, i, j = min(steps)
    return cost[n][m], path[::-1]
