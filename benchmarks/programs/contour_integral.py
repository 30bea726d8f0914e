"""Contour integration with a linear solve at each node."""

import numpy as np

SMALL, LARGE = 4, 60


def initialize(n):
    rng = np.random.default_rng(45)
    nodes = np.exp(2j * np.pi * (np.arange(16) + 0.5) / 16)
    return {
        "hamiltonian": rng.random((3, n, n)) + 1j * rng.random((3, n, n)) + 8.0 * np.eye(n),
        "nodes": nodes,
        "y": rng.random((n, n)) + 1j * rng.random((n, n)),
    }


def kernel(hamiltonian, nodes, y):
    n = y.shape[0]
    p0 = np.zeros((n, n), dtype=np.complex128)
    p1 = np.zeros((n, n), dtype=np.complex128)
    for z in nodes:
        tz = np.zeros((n, n), dtype=np.complex128)
        for k in range(hamiltonian.shape[0]):
            tz += z ** (1.0 - k) * hamiltonian[k]
        x = np.linalg.solve(tz, y)
        if abs(z) < 1.0:
            x = -x
        p0 += x
        p1 += z * x
    return p0, p1
