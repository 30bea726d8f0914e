"""Transport of a profile with a slope limiter."""

import numpy as np

SIZES = (16, 5900)


def inputs(n):
    x = np.arange(n) / n
    return {"q": np.where((x > 0.2) & (x < 0.5), 1.0, 0.0) + np.exp(-200 * (x - 0.75) ** 2), "speed": 1.0, "steps": 80}


def minmod(a, b):
    if a * b <= 0.0:
        return 0.0
    if abs(a) < abs(b):
        return a
    return b


def run(q, speed, steps):
    n = len(q)
    dx = 1.0 / n
    dt = 0.6 * dx / speed
    flux = np.zeros(n + 1)
    slope = np.zeros(n)
    q = q.copy()
    for _ in range(steps):
        for i in range(n):
            slope[i] = minmod(q[i] - q[i - 1], q[(i + 1) % n] - q[i]) / dx
        for i in range(1, n + 1):
            flux[i] = speed * (q[i - 1] + 0.5 * (dx - speed * dt) * slope[i - 1])
        flux[0] = flux[n]
        for i in range(n):
            q[i] -= dt / dx * (flux[i + 1] - flux[i])
    return q
