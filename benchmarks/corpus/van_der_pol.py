"""A general Runge-Kutta stepper that is given the right-hand side as a function of (t, y)."""

import numpy as np

SIZES = (10, 40000)


def van_der_pol(t, y):
    mu = 2.5
    return np.array([y[1], mu * (1 - y[0] ** 2) * y[1] - y[0]])


def rk4_step(f, t, y, h):
    k1 = f(t, y)
    k2 = f(t + h / 2, y + h / 2 * k1)
    k3 = f(t + h / 2, y + h / 2 * k2)
    k4 = f(t + h, y + h * k3)
    return y + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)


def inputs(n):
    return {"y0": np.array([2.0, 0.0]), "steps": n, "h": 0.01}


def run(y0, steps, h):
    trajectory = np.zeros((steps + 1, len(y0)))
    trajectory[0] = y0
    t = 0.0
    for k in range(steps):
        trajectory[k + 1] = rk4_step(van_der_pol, t, trajectory[k], h)
        t += h
    return trajectory, t
