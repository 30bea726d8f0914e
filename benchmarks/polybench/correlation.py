"""The correlation matrix of the columns of a table; a constant column counts as of deviation one."""

import math

import numpy as np

SIZES = {
    "tiny": (7, 8),
    "small": (100, 110),
    "large": (800, 850),
}


def initialise(m, n):
    data = np.arange(n)[:, None] * np.arange(m) % 17 / m + np.arange(n)[:, None]
    return {"data": data, "eps": 0.1}


def lists(data, eps):
    n, m = len(data), len(data[0])
    mean = [0.0] * m
    stddev = [0.0] * m
    corr = [[0.0] * m for _ in range(m)]
    for j in range(m):
        for i in range(n):
            mean[j] += data[i][j]
        mean[j] /= n
    for j in range(m):
        for i in range(n):
            stddev[j] += (data[i][j] - mean[j]) ** 2
        stddev[j] = math.sqrt(stddev[j] / n)
        if stddev[j] <= eps:
            stddev[j] = 1.0
    for i in range(n):
        for j in range(m):
            data[i][j] -= mean[j]
            data[i][j] /= math.sqrt(n) * stddev[j]
    for i in range(m - 1):
        corr[i][i] = 1.0
        for j in range(i + 1, m):
            for k in range(n):
                corr[i][j] += data[k][i] * data[k][j]
            corr[j][i] = corr[i][j]
    corr[m - 1][m - 1] = 1.0
    return corr


def loops(data, eps):
    n, m = data.shape
    mean = np.zeros(m)
    stddev = np.zeros(m)
    corr = np.zeros((m, m))
    for j in range(m):
        for i in range(n):
            mean[j] += data[i, j]
        mean[j] /= n
    for j in range(m):
        for i in range(n):
            stddev[j] += (data[i, j] - mean[j]) ** 2
        stddev[j] = math.sqrt(stddev[j] / n)
        if stddev[j] <= eps:
            stddev[j] = 1.0
    for i in range(n):
        for j in range(m):
            data[i, j] -= mean[j]
            data[i, j] /= math.sqrt(n) * stddev[j]
    for i in range(m - 1):
        corr[i, i] = 1.0
        for j in range(i + 1, m):
            for k in range(n):
                corr[i, j] += data[k, i] * data[k, j]
            corr[j, i] = corr[i, j]
    corr[m - 1, m - 1] = 1.0
    return corr


def arrays(data, eps):
    n = data.shape[0]
    stddev = data.std(axis=0)
    stddev[stddev <= eps] = 1.0
    data -= data.mean(axis=0)
    data /= np.sqrt(n) * stddev
    corr = data.T @ data
    np.fill_diagonal(corr, 1.0)
    return corr
