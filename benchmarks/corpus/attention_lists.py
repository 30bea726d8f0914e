"""Attention over plain lists of vectors, as one would write it to explain it."""

import math
import random

SIZES = (6, 480)


def inputs(n):
    rng = random.Random(15)
    return {name: [[rng.gauss(0, 1) for _ in range(16)] for _ in range(n)] for name in ("queries", "keys", "values")}


def dot(a, b):
    return sum(x * y for x, y in zip(a, b))


def softmax(values):
    top = max(values)
    exps = [math.exp(v - top) for v in values]
    total = sum(exps)
    return [e / total for e in exps]


def run(queries, keys, values):
    width = len(queries[0])
    scale = 1.0 / math.sqrt(width)
    out = []
    for q in queries:
        weights = softmax([dot(q, k) * scale for k in keys])
        row = [0.0] * width
        for w, v in zip(weights, values):
            for d in range(width):
                row[d] += w * v[d]
        out.append(row)
    return out
