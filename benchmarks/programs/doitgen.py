"""Multi-resolution analysis kernel: each row of a cube times a matrix, in place."""

import numpy as np

SMALL, LARGE = 7, 32


def initialize(n):
    rng = np.random.default_rng(26)
    return {"A": rng.random((n, n + 1, n + 2)), "C4": rng.random((n + 2, n + 2))}


def kernel(A, C4):
    nr, nq, np_ = A.shape
    total = np.zeros(np_)
    for r in range(nr):
        for q in range(nq):
            for p in range(np_):
                total[p] = 0.0
                for s in range(np_):
                    total[p] += A[r, q, s] * C4[s, p]
            for p in range(np_):
                A[r, q, p] = total[p]
