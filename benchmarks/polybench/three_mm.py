"""G := (A B) (C D)."""

import numpy as np

SIZES = {
    "tiny": (5, 6, 7, 8, 9),
    "small": (40, 45, 50, 55, 60),
    "large": (550, 600, 650, 700, 750),
}


def initialise(n, m, p, q, r):
    a = (np.arange(n)[:, None] * np.arange(p) + 1.0) % 6 / 6
    b = np.arange(p)[:, None] * (np.arange(m) + 1) % 8 / 8
    c = np.arange(m)[:, None] * (np.arange(r) + 3) % 5 / 5
    d = (np.arange(r)[:, None] * (np.arange(q) + 2) + 1.0) % 7 / 7
    return {"A": a, "B": b, "C": c, "D": d}


def lists(A, B, C, D):
    n, p = len(A), len(A[0])
    m = len(C)
    r, q = len(D), len(D[0])
    E = [[0.0] * m for _ in range(n)]
    F = [[0.0] * q for _ in range(m)]
    G = [[0.0] * q for _ in range(n)]
    for i in range(n):
        for j in range(m):
            for k in range(p):
                E[i][j] += A[i][k] * B[k][j]
    for i in range(m):
        for j in range(q):
            for k in range(r):
                F[i][j] += C[i][k] * D[k][j]
    for i in range(n):
        for j in range(q):
            for k in range(m):
                G[i][j] += E[i][k] * F[k][j]
    return G


def loops(A, B, C, D):
    n, p = A.shape
    m = len(C)
    r, q = D.shape
    E = np.zeros((n, m))
    F = np.zeros((m, q))
    G = np.zeros((n, q))
    for i in range(n):
        for j in range(m):
            for k in range(p):
                E[i, j] += A[i, k] * B[k, j]
    for i in range(m):
        for j in range(q):
            for k in range(r):
                F[i, j] += C[i, k] * D[k, j]
    for i in range(n):
        for j in range(q):
            for k in range(m):
                G[i, j] += E[i, k] * F[k, j]
    return G


def arrays(A, B, C, D):
    return (A @ B) @ (C @ D)
