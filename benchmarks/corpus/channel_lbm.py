"""Flow past a cylinder in a channel: lattice Boltzmann with nine velocities."""

import numpy as np

SIZES = (20, 500)
V = np.array([[1, 1], [1, 0], [1, -1], [0, 1], [0, 0], [0, -1], [-1, 1], [-1, 0], [-1, -1]])
T = np.array([1 / 36, 1 / 9, 1 / 36, 1 / 9, 4 / 9, 1 / 9, 1 / 36, 1 / 9, 1 / 36])


def inputs(n):
    nx, ny = n, n // 2
    x, y = np.indices((nx, ny))
    obstacle = (x - nx // 4) ** 2 + (y - ny // 2) ** 2 < (ny // 9) ** 2
    vel = 0.04 * (1 + 1e-4 * np.sin(np.arange(ny) / (ny - 1) * 2 * np.pi))
    start = np.zeros((2, nx, ny))
    start[0] = vel
    return {"obstacle": obstacle, "start": start, "omega": 1.0 / (3 * 0.02 + 0.5), "steps": 30}


def macroscopic(f):
    rho = np.sum(f, axis=0)
    u = np.zeros((2, *rho.shape))
    for i in range(9):
        u[0] += V[i, 0] * f[i]
        u[1] += V[i, 1] * f[i]
    return rho, u / rho


def equilibrium(rho, u):
    usq = 1.5 * (u[0] ** 2 + u[1] ** 2)
    feq = np.zeros((9, *rho.shape))
    for i in range(9):
        cu = 3 * (V[i, 0] * u[0] + V[i, 1] * u[1])
        feq[i] = rho * T[i] * (1 + cu + 0.5 * cu**2 - usq)
    return feq


def run(obstacle, start, omega, steps):
    left, middle, right = [0, 1, 2], [3, 4, 5], [6, 7, 8]
    f = equilibrium(np.ones(obstacle.shape), start)
    for _ in range(steps):
        f[right, -1, :] = f[right, -2, :]
        rho, u = macroscopic(f)
        u[:, 0, :] = start[:, 0, :]
        rho[0, :] = 1 / (1 - u[0, 0, :]) * (np.sum(f[middle, 0, :], axis=0) + 2 * np.sum(f[right, 0, :], axis=0))
        feq = equilibrium(rho, u)
        f[left, 0, :] = feq[left, 0, :] + f[[8, 7, 6], 0, :] - feq[[8, 7, 6], 0, :]
        out = f - omega * (f - feq)
        for i in range(9):
            out[i, obstacle] = f[8 - i, obstacle]
        for i in range(9):
            f[i] = np.roll(np.roll(out[i], V[i, 0], axis=0), V[i, 1], axis=1)
    return u, rho
