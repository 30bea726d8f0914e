"""Connected components of a binary image with a union-find structure."""

import numpy as np

SIZES = (10, 670)


def inputs(n):
    return {"mask": np.random.default_rng(8).random((n, n)) < 0.55}


def find(parent, x):
    while parent[x] != x:
        parent[x] = parent[parent[x]]
        x = parent[x]
    return x


def union(parent, a, b):
    ra = find(parent, a)
    rb = find(parent, b)
    if ra < rb:
        parent[rb] = ra
    elif rb < ra:
        parent[ra] = rb


def run(mask):
    rows, cols = mask.shape
    parent = np.arange(rows * cols)
    for r in range(rows):
        for c in range(cols):
            if not mask[r, c]:
                continue
            here = r * cols + c
            if r > 0 and mask[r - 1, c]:
                union(parent, here, here - cols)
            if c > 0 and mask[r, c - 1]:
                union(parent, here, here - 1)
    labels = np.zeros((rows, cols), dtype=np.int64)
    numbers = {}
    for r in range(rows):
        for c in range(cols):
            if mask[r, c]:
                root = int(find(parent, r * cols + c))
                if root not in numbers:
                    numbers[root] = len(numbers) + 1
                labels[r, c] = numbers[root]
    return labels, len(numbers)
