"""Page rank over an edge list with np.add.at, and a plain-list variant that must agree closely."""

import numpy as np

SIZES = (10, 49000)


def inputs(n):
    rng = np.random.default_rng(22)
    return {"sources": rng.integers(0, n, 6 * n), "targets": rng.integers(0, n, 6 * n), "n": n}


def ranks_numpy(sources, targets, n, damping=0.85, rounds=20):
    degree = np.bincount(sources, minlength=n)
    rank = np.full(n, 1.0 / n)
    for _ in range(rounds):
        share = np.where(degree > 0, rank / np.maximum(degree, 1), 0.0)
        dangling = rank[degree == 0].sum() / n
        new = np.full(n, (1 - damping) / n + damping * dangling)
        np.add.at(new, targets, damping * share[sources])
        rank = new
    return rank


def ranks_lists(sources, targets, n, damping=0.85, rounds=5):
    out = [0] * n
    for s in sources:
        out[s] += 1
    rank = [1.0 / n] * n
    for _ in range(rounds):
        new = [(1 - damping) / n] * n
        lost = 0.0
        for i in range(n):
            if out[i] == 0:
                lost += rank[i]
        for s, t in zip(sources, targets):
            new[t] += damping * rank[s] / out[s]
        rank = [r + damping * lost / n for r in new]
    return rank


def run(sources, targets, n):
    rank = ranks_numpy(sources, targets, n)
    order = np.argsort(-rank, kind="stable")[:10]
    return rank, order, ranks_lists(sources.tolist(), targets.tolist(), n)
