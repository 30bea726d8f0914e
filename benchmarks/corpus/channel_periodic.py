"""Channel flow with periodic ends: pressure sweeps and momentum steps until it is steady."""

import numpy as np

SIZES = (8, 250)


def inputs(n):
    return {"nx": n, "ny": n, "force": 1.0, "rho": 1.0, "nu": 0.1, "dt": 0.002, "steps": 60}


def source(u, v, rho, dt, dx, dy):
    b = np.zeros_like(u)
    ux = (np.roll(u, -1, axis=1) - np.roll(u, 1, axis=1)) / (2 * dx)
    vx = (np.roll(v, -1, axis=1) - np.roll(v, 1, axis=1)) / (2 * dx)
    uy = np.zeros_like(u)
    vy = np.zeros_like(v)
    uy[1:-1] = (u[2:] - u[:-2]) / (2 * dy)
    vy[1:-1] = (v[2:] - v[:-2]) / (2 * dy)
    b[1:-1] = (rho * ((ux + vy) / dt - ux**2 - 2 * uy * vx - vy**2))[1:-1]
    return b


def pressure(p, b, dx, dy, sweeps):
    for _ in range(sweeps):
        pn = p.copy()
        east, west = np.roll(pn, -1, axis=1), np.roll(pn, 1, axis=1)
        p[1:-1] = (
            (east[1:-1] + west[1:-1]) * dy**2 + (pn[2:] + pn[:-2]) * dx**2 - b[1:-1] * dx**2 * dy**2
        ) / (2 * (dx**2 + dy**2))
        p[-1] = p[-2]
        p[0] = p[1]
    return p


def momentum(u, v, p, rho, nu, dt, dx, dy, force):
    def diffuse(a):
        flat = (np.roll(a, -1, axis=1) - 2 * a + np.roll(a, 1, axis=1))[1:-1] / dx**2
        return nu * dt * (flat + (a[2:] - 2 * a[1:-1] + a[:-2]) / dy**2)

    un, vn = u.copy(), v.copy()
    mid = slice(1, -1)
    px = (np.roll(p, -1, axis=1) - np.roll(p, 1, axis=1))[mid]
    u[mid] = (
        un[mid]
        - un[mid] * dt / dx * (un - np.roll(un, 1, axis=1))[mid]
        - vn[mid] * dt / dy * (un[1:-1] - un[:-2])
        - dt / (2 * rho * dx) * px
        + diffuse(un)
        + force * dt
    )
    v[mid] = (
        vn[mid]
        - un[mid] * dt / dx * (vn - np.roll(vn, 1, axis=1))[mid]
        - vn[mid] * dt / dy * (vn[1:-1] - vn[:-2])
        - dt / (2 * rho * dy) * (p[2:] - p[:-2])
        + diffuse(vn)
    )
    u[0] = u[-1] = v[0] = v[-1] = 0


def run(nx, ny, force, rho, nu, dt, steps):
    dx, dy = 2 / (nx - 1), 2 / (ny - 1)
    u, v, p = np.zeros((ny, nx)), np.zeros((ny, nx)), np.ones((ny, nx))
    change = 1.0
    done = 0
    while change > 1e-4 and done < steps:
        before = u.sum()
        p = pressure(p, source(u, v, rho, dt, dx, dy), dx, dy, 20)
        momentum(u, v, p, rho, nu, dt, dx, dy, force)
        change = (u.sum() - before) / u.sum()
        done += 1
    return u, v, p, done
