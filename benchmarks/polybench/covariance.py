"""The covariance matrix of the columns of a table."""

import numpy as np

SIZES = {
    "tiny": (7, 8),
    "small": (100, 110),
    "large": (800, 850),
}


def initialise(m, n):
    return {"data": np.arange(n)[:, None] * np.arange(m) % 17 / m}


def lists(data):
    n, m = len(data), len(data[0])
    mean = [0.0] * m
    cov = [[0.0] * m for _ in range(m)]
    for j in range(m):
        for i in range(n):
            mean[j] += data[i][j]
        mean[j] /= n
    for i in range(n):
        for j in range(m):
            data[i][j] -= mean[j]
    for i in range(m):
        for j in range(i, m):
            for k in range(n):
                cov[i][j] += data[k][i] * data[k][j]
            cov[i][j] /= n - 1.0
            cov[j][i] = cov[i][j]
    return cov


def loops(data):
    n, m = data.shape
    mean = np.zeros(m)
    cov = np.zeros((m, m))
    for j in range(m):
        for i in range(n):
            mean[j] += data[i, j]
        mean[j] /= n
    for i in range(n):
        for j in range(m):
            data[i, j] -= mean[j]
    for i in range(m):
        for j in range(i, m):
            for k in range(n):
                cov[i, j] += data[k, i] * data[k, j]
            cov[i, j] /= n - 1.0
            cov[j, i] = cov[i, j]
    return cov


def arrays(data):
    data -= data.mean(axis=0)
    return data.T @ data / (len(data) - 1.0)
