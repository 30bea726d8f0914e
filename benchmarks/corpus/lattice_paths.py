"""Percolation of a random grid by breadth-first search with a ring buffer."""

import numpy as np

SIZES = (10, 500)


def inputs(n):
    return {"open_cells": np.random.default_rng(68).random((n, n)) < 0.65}


def run(open_cells):
    n, m = open_cells.shape
    distance = np.full((n, m), -1, dtype=np.int64)
    queue = np.zeros((n * m, 2), dtype=np.int64)
    head = tail = 0
    for c in range(m):
        if open_cells[0, c]:
            distance[0, c] = 0
            queue[tail] = 0, c
            tail += 1
    while head < tail:
        r, c = queue[head]
        head += 1
        for dr, dc in [(0, 1), (1, 0), (0, -1), (-1, 0)]:
            rr, cc = r + dr, c + dc
            if 0 <= rr < n and 0 <= cc < m and open_cells[rr, cc] and distance[rr, cc] < 0:
                distance[rr, cc] = distance[r, c] + 1
                queue[tail] = rr, cc
                tail += 1
    reached = distance[-1] >= 0
    shortest = int(distance[-1][reached].min()) if reached.any() else None
    return distance, shortest, tail
