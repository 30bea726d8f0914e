"""K-means over a list of (x, y) tuples, without arrays."""

import random

SIZES = (20, 12000)


def inputs(n):
    rng = random.Random(27)
    return {"points": [(rng.gauss(c, 0.7), rng.gauss(-c, 0.7)) for c in range(5) for _ in range(n // 5)], "k": 5}


def squared(p, q):
    return (p[0] - q[0]) ** 2 + (p[1] - q[1]) ** 2


def nearest(point, centres):
    best = 0
    best_d = squared(point, centres[0])
    for i in range(1, len(centres)):
        d = squared(point, centres[i])
        if d < best_d:
            best, best_d = i, d
    return best


def run(points, k):
    centres = points[:: max(1, len(points) // k)][:k]
    labels = [0] * len(points)
    for _ in range(20):
        changed = 0
        for i, p in enumerate(points):
            label = nearest(p, centres)
            if label != labels[i]:
                labels[i] = label
                changed += 1
        sums = [[0.0, 0.0, 0] for _ in range(k)]
        for label, (x, y) in zip(labels, points):
            entry = sums[label]
            entry[0] += x
            entry[1] += y
            entry[2] += 1
        centres = [(sx / c, sy / c) if c else centres[i] for i, (sx, sy, c) in enumerate(sums)]
        if changed == 0:
            break
    return centres, labels
