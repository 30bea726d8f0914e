"""Heat conduction in a plate as a solver class with two buffers that are swapped."""

import numpy as np

SIZES = (10, 150)


class HeatSolver:
    def __init__(self, n, alpha, dx):
        self.n = n
        self.alpha = alpha
        self.dx = dx
        self.dt = dx * dx / (4.0 * alpha)
        self.u = np.zeros((n, n))
        self.next = np.zeros((n, n))
        self.time = 0.0

    def set_boundary(self, top, left):
        self.u[0, :] = top
        self.u[:, 0] = left
        self.next[0, :] = top
        self.next[:, 0] = left

    def step(self):
        c = self.alpha * self.dt / (self.dx * self.dx)
        for i in range(1, self.n - 1):
            for j in range(1, self.n - 1):
                lap = self.u[i + 1, j] + self.u[i - 1, j] + self.u[i, j + 1] + self.u[i, j - 1] - 4.0 * self.u[i, j]
                self.next[i, j] = self.u[i, j] + c * lap
        self.u, self.next = self.next, self.u
        self.time += self.dt

    def total_heat(self):
        return self.u.sum() * self.dx**2


def inputs(n):
    return {"n": n, "steps": 20}


def run(n, steps):
    solver = HeatSolver(n, 0.01, 1.0 / (n - 1))
    solver.set_boundary(100.0, 50.0)
    history = []
    for _ in range(steps):
        solver.step()
        history.append(solver.total_heat())
    return solver.u, np.array(history), solver.time
