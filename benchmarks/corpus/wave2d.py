"""Two-dimensional wave equation with slices, three time levels and a sponge layer."""

import numpy as np

SIZES = (16, 820)


def inputs(n):
    x = np.linspace(-1.0, 1.0, n)
    xx, yy = np.meshgrid(x, x, indexing="ij")
    start = np.exp(-40.0 * (xx**2 + yy**2))
    return {"start": start, "courant": 0.5, "steps": 100}


def sponge(n, width, strength):
    damp = np.ones((n, n))
    for k in range(width):
        factor = 1.0 - strength * (1.0 - k / width) ** 2
        damp[k, :] *= factor
        damp[-1 - k, :] *= factor
        damp[:, k] *= factor
        damp[:, -1 - k] *= factor
    return damp


def laplacian(u):
    return u[2:, 1:-1] + u[:-2, 1:-1] + u[1:-1, 2:] + u[1:-1, :-2] - 4.0 * u[1:-1, 1:-1]


def run(start, courant, steps):
    n = start.shape[0]
    damp = sponge(n, max(2, n // 10), 0.1)
    previous = start.copy()
    current = start.copy()
    c2 = courant * courant
    energy = np.empty(steps)
    for t in range(steps):
        new = np.zeros_like(current)
        new[1:-1, 1:-1] = 2.0 * current[1:-1, 1:-1] - previous[1:-1, 1:-1] + c2 * laplacian(current)
        new *= damp
        previous, current = current, new
        energy[t] = 0.5 * np.sum((current - previous) ** 2)
    return current, energy
