"""Conjugate gradients with a sparse matrix class over slices of rows."""

import numpy as np

SIZES = (5, 51)


class CSRMatrix:
    def __init__(self, indptr, indices, data):
        self.indptr = indptr
        self.indices = indices
        self.data = data

    def dot(self, x):
        y = np.zeros(len(self.indptr) - 1)
        for i in range(len(y)):
            start, end = self.indptr[i], self.indptr[i + 1]
            y[i] = np.dot(self.data[start:end], x[self.indices[start:end]])
        return y


def laplacian(n):
    indptr, indices, data = [0], [], []
    for i in range(n):
        for j in range(n):
            for di, dj, value in ((-1, 0, -1.0), (0, -1, -1.0), (0, 0, 4.0), (0, 1, -1.0), (1, 0, -1.0)):
                if 0 <= i + di < n and 0 <= j + dj < n:
                    indices.append((i + di) * n + j + dj)
                    data.append(value)
            indptr.append(len(indices))
    return CSRMatrix(np.array(indptr), np.array(indices), np.array(data))


def inputs(n):
    return {"n": n, "b": np.random.default_rng(21).random(n * n)}


def run(n, b):
    a = laplacian(n)
    x = np.zeros_like(b)
    r = b - a.dot(x)
    p = r.copy()
    rs = r @ r
    iterations = 0
    while rs > 1e-10 and iterations < 200:
        ap = a.dot(p)
        alpha = rs / (p @ ap)
        x += alpha * p
        r -= alpha * ap
        new = r @ r
        p = r + (new / rs) * p
        rs = new
        iterations += 1
    return x, iterations
