"""Molecular dynamics in a periodic box: Lennard-Jones forces with a cutoff."""

import numpy as np

SIZES = (8, 200)


def inputs(n):
    rng = np.random.default_rng(19)
    box = (n / 0.5) ** (1 / 3)
    side = int(np.ceil(n ** (1 / 3)))
    grid = np.array([(i, j, k) for i in range(side) for j in range(side) for k in range(side)][:n], dtype=float)
    return {
        "pos": (grid + 0.5) * box / side + 0.01 * rng.standard_normal((n, 3)),
        "vel": rng.standard_normal((n, 3)),
        "box": float(box),
        "dt": 0.002,
        "steps": 5,
    }


def forces(pos, box, cutoff):
    n = len(pos)
    f = np.zeros_like(pos)
    potential = 0.0
    rc2 = cutoff * cutoff
    for i in range(n - 1):
        for j in range(i + 1, n):
            dx = pos[i, 0] - pos[j, 0]
            dy = pos[i, 1] - pos[j, 1]
            dz = pos[i, 2] - pos[j, 2]
            dx -= box * round(dx / box)
            dy -= box * round(dy / box)
            dz -= box * round(dz / box)
            r2 = dx * dx + dy * dy + dz * dz
            if r2 < rc2:
                s6 = 1.0 / r2**3
                ff = 48.0 * s6 * (s6 - 0.5) / r2
                f[i, 0] += ff * dx
                f[i, 1] += ff * dy
                f[i, 2] += ff * dz
                f[j, 0] -= ff * dx
                f[j, 1] -= ff * dy
                f[j, 2] -= ff * dz
                potential += 4.0 * s6 * (s6 - 1.0)
    return f, potential


def run(pos, vel, box, dt, steps):
    f, potential = forces(pos, box, 2.5)
    trace = [potential]
    for _ in range(steps):
        vel = vel + 0.5 * dt * f
        pos = (pos + dt * vel) % box
        f, potential = forces(pos, box, 2.5)
        vel = vel + 0.5 * dt * f
        trace.append(potential)
    return pos, vel, trace
