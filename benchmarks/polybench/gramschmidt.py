"""QR by the modified Gram-Schmidt process."""

import math

import numpy as np

SIZES = {
    "tiny": (8, 6),
    "small": (80, 70),
    "large": (320, 280),
}


def initialise(m, n):
    a = (np.arange(m)[:, None] * np.arange(n) % m / m) * 100 + 10
    return {"A": a + 20 * np.eye(m, n)}


def lists(A):
    m, n = len(A), len(A[0])
    Q = [[0.0] * n for _ in range(m)]
    R = [[0.0] * n for _ in range(n)]
    for k in range(n):
        norm = 0.0
        for i in range(m):
            norm += A[i][k] * A[i][k]
        R[k][k] = math.sqrt(norm)
        for i in range(m):
            Q[i][k] = A[i][k] / R[k][k]
        for j in range(k + 1, n):
            for i in range(m):
                R[k][j] += Q[i][k] * A[i][j]
            for i in range(m):
                A[i][j] -= Q[i][k] * R[k][j]
    return Q, R


def loops(A):
    m, n = A.shape
    Q = np.zeros((m, n))
    R = np.zeros((n, n))
    for k in range(n):
        norm = 0.0
        for i in range(m):
            norm += A[i, k] * A[i, k]
        R[k, k] = math.sqrt(norm)
        for i in range(m):
            Q[i, k] = A[i, k] / R[k, k]
        for j in range(k + 1, n):
            for i in range(m):
                R[k, j] += Q[i, k] * A[i, j]
            for i in range(m):
                A[i, j] -= Q[i, k] * R[k, j]
    return Q, R


def arrays(A):
    n = A.shape[1]
    Q = np.zeros_like(A)
    R = np.zeros((n, n))
    for k in range(n):
        R[k, k] = np.sqrt(np.dot(A[:, k], A[:, k]))
        Q[:, k] = A[:, k] / R[k, k]
        R[k, k + 1 :] = Q[:, k] @ A[:, k + 1 :]
        A[:, k + 1 :] -= np.outer(Q[:, k], R[k, k + 1 :])
    return Q, R
