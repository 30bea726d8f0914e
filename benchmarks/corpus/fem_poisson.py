"""Linear finite elements on triangles: assembly of a dense matrix element by element, then a solve."""

import numpy as np

SIZES = (4, 44)


def inputs(n):
    y, x = np.mgrid[0:n, 0:n] / (n - 1)
    index = np.arange(n * n).reshape(n, n)
    triangles = []
    for i in range(n - 1):
        for j in range(n - 1):
            a, b, c, d = index[i, j], index[i, j + 1], index[i + 1, j], index[i + 1, j + 1]
            triangles.append((a, b, d))
            triangles.append((a, d, c))
    boundary = np.unique(np.concatenate([index[0], index[-1], index[:, 0], index[:, -1]]))
    return {"nodes": np.stack([x.ravel(), y.ravel()], 1), "triangles": np.array(triangles), "boundary": boundary}


def element(p):
    b = np.array([p[1, 1] - p[2, 1], p[2, 1] - p[0, 1], p[0, 1] - p[1, 1]])
    c = np.array([p[2, 0] - p[1, 0], p[0, 0] - p[2, 0], p[1, 0] - p[0, 0]])
    area = 0.5 * abs(b[0] * c[1] - b[1] * c[0])
    return (np.outer(b, b) + np.outer(c, c)) / (4.0 * area), area


def run(nodes, triangles, boundary):
    n = len(nodes)
    stiffness = np.zeros((n, n))
    load = np.zeros(n)
    for triangle in triangles:
        local, area = element(nodes[triangle])
        for i in range(3):
            load[triangle[i]] += area / 3.0
            for j in range(3):
                stiffness[triangle[i], triangle[j]] += local[i, j]
    for node in boundary:
        stiffness[node, :] = 0.0
        stiffness[node, node] = 1.0
        load[node] = 0.0
    return np.linalg.solve(stiffness, load)
