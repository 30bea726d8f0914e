"""All shortest paths over integer weights."""

import numpy as np

SIZES = {
    "tiny": (8,),
    "small": (110,),
    "large": (300,),
}


def initialise(n):
    i, j = np.ogrid[0:n, 0:n]
    path = i * j % 7 + 1
    path[((i + j) % 13 == 0) | ((i + j) % 7 == 0) | ((i + j) % 11 == 0)] = 999
    return {"path": path}


def lists(path):
    n = len(path)
    for k in range(n):
        for i in range(n):
            for j in range(n):
                path[i][j] = path[i][j] if path[i][j] < path[i][k] + path[k][j] else path[i][k] + path[k][j]
    return path


def loops(path):
    n = len(path)
    for k in range(n):
        for i in range(n):
            for j in range(n):
                path[i, j] = path[i, j] if path[i, j] < path[i, k] + path[k, j] else path[i, k] + path[k, j]
    return path


def arrays(path):
    for k in range(len(path)):
        path[:] = np.minimum(path, path[:, k, np.newaxis] + path[k])
    return path
