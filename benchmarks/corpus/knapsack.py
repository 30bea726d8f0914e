"""The 0/1 knapsack in one row, filled from the right."""

import random

SIZES = (6, 410)


def inputs(n):
    rng = random.Random(32)
    return {
        "weights": [rng.randint(5, 60) for _ in range(n)],
        "values": [rng.randint(10, 100) for _ in range(n)],
        "capacity": 40 * n,
    }


def run(weights, values, capacity):
    best = [0] * (capacity + 1)
    for w, v in zip(weights, values):
        for c in range(capacity, w - 1, -1):
            candidate = best[c - w] + v
            if candidate > best[c]:
                best[c] = candidate
    return best[capacity], best
