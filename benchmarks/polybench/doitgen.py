"""Each row of a three-dimensional array times a matrix."""

import numpy as np

SIZES = {
    "tiny": (4, 5, 6),
    "small": (22, 24, 26),
    "large": (120, 130, 140),
}


def initialise(r, q, p):
    i, j, k = np.ogrid[0:r, 0:q, 0:p]
    a = (i * j + k) % p / p
    c4 = np.arange(p)[:, None] * np.arange(p) % p / p
    return {"A": a, "C4": c4}


def lists(A, C4):
    nr, nq, ns = len(A), len(A[0]), len(A[0][0])
    total = [0.0] * ns
    for r in range(nr):
        for q in range(nq):
            for p in range(ns):
                total[p] = 0.0
                for s in range(ns):
                    total[p] += A[r][q][s] * C4[s][p]
            for p in range(ns):
                A[r][q][p] = total[p]
    return A


def loops(A, C4):
    nr, nq, ns = A.shape
    total = np.zeros(ns)
    for r in range(nr):
        for q in range(nq):
            for p in range(ns):
                total[p] = 0.0
                for s in range(ns):
                    total[p] += A[r, q, s] * C4[s, p]
            for p in range(ns):
                A[r, q, p] = total[p]
    return A


def arrays(A, C4):
    A[:] = A @ C4
    return A
