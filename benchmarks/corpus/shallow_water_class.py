"""Shallow water on a staggered grid, as a class with keyword arguments and a callable for the start."""

import numpy as np


class ShallowWater:
    GRAVITY = 9.81

    def __init__(self, n, *, depth=10.0, drag=1e-3, hill=None):
        self.n = n
        self.dx = 1000.0
        self.depth = depth
        self.drag = drag
        self.eta = np.zeros((n, n))
        self.u = np.zeros((n, n + 1))
        self.v = np.zeros((n + 1, n))
        if hill is not None:
            y, x = np.mgrid[0:n, 0:n]
            self.eta += hill(x, y)
        self.dt = 0.5 * self.dx / np.sqrt(2 * self.GRAVITY * depth)

    def step(self):
        g, dt, dx = self.GRAVITY, self.dt, self.dx
        self.u[:, 1:-1] -= dt * (g * (self.eta[:, 1:] - self.eta[:, :-1]) / dx + self.drag * self.u[:, 1:-1])
        self.v[1:-1, :] -= dt * (g * (self.eta[1:, :] - self.eta[:-1, :]) / dx + self.drag * self.v[1:-1, :])
        self.eta -= self.depth * dt / dx * (np.diff(self.u, axis=1) + np.diff(self.v, axis=0))

    def energy(self):
        uc = 0.5 * (self.u[:, 1:] + self.u[:, :-1])
        vc = 0.5 * (self.v[1:, :] + self.v[:-1, :])
        return float(np.sum(0.5 * self.depth * (uc**2 + vc**2) + 0.5 * self.GRAVITY * self.eta**2))


SIZES = (10, 820)


def inputs(n):
    return {"n": n, "steps": 60}


def run(n, steps):
    model = ShallowWater(n, hill=lambda x, y: np.exp(-((x - n / 2) ** 2 + (y - n / 3) ** 2) / (0.01 * n * n)))
    energies = []
    for k in range(steps):
        model.step()
        if k % 5 == 0:
            energies.append(model.energy())
    return model.eta, energies
