"""Eigenvalues of a symmetric matrix by cyclic Jacobi rotations, as nested lists."""

import math
import random

SIZES = (5, 85)


def inputs(n):
    rng = random.Random(66)
    a = [[0.0] * n for _ in range(n)]
    for i in range(n):
        for j in range(i, n):
            a[i][j] = a[j][i] = rng.uniform(-1, 1)
    return {"a": a, "sweeps": 6}


def rotate(a, p, q, n):
    if abs(a[p][q]) < 1e-12:
        return
    theta = (a[q][q] - a[p][p]) / (2 * a[p][q])
    t = (1 if theta >= 0 else -1) / (abs(theta) + math.sqrt(theta * theta + 1))
    c = 1 / math.sqrt(t * t + 1)
    s = t * c
    for k in range(n):
        akp, akq = a[k][p], a[k][q]
        a[k][p] = c * akp - s * akq
        a[k][q] = s * akp + c * akq
    for k in range(n):
        apk, aqk = a[p][k], a[q][k]
        a[p][k] = c * apk - s * aqk
        a[q][k] = s * apk + c * aqk


def run(a, sweeps):
    n = len(a)
    for _ in range(sweeps):
        off = math.sqrt(sum(a[i][j] ** 2 for i in range(n) for j in range(n) if i != j))
        if off < 1e-9:
            break
        for p in range(n - 1):
            for q in range(p + 1, n):
                rotate(a, p, q, n)
    return sorted(a[i][i] for i in range(n))
