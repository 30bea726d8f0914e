"""Planets as objects, pairs by itertools, energy at the end."""

import itertools
import math

SIZES = (2, 32000)


class Body:
    def __init__(self, x, y, z, vx, vy, vz, mass):
        self.x, self.y, self.z = x, y, z
        self.vx, self.vy, self.vz = vx, vy, vz
        self.mass = mass


def make_bodies():
    bodies = [Body(0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 39.47)]
    for k in range(1, 8):
        r = 0.4 + 0.7 * k
        v = math.sqrt(39.47 / r)
        a = 0.9 * k
        bodies.append(
            Body(r * math.cos(a), r * math.sin(a), 0.01 * k, -v * math.sin(a), v * math.cos(a), 0.0, 0.001 * k)
        )
    return bodies


def inputs(n):
    return {"steps": n, "dt": 0.001}


def advance(bodies, dt):
    for a, b in itertools.combinations(bodies, 2):
        dx = a.x - b.x
        dy = a.y - b.y
        dz = a.z - b.z
        d2 = dx * dx + dy * dy + dz * dz
        mag = dt / (d2 * math.sqrt(d2))
        a.vx -= dx * b.mass * mag
        a.vy -= dy * b.mass * mag
        a.vz -= dz * b.mass * mag
        b.vx += dx * a.mass * mag
        b.vy += dy * a.mass * mag
        b.vz += dz * a.mass * mag
    for body in bodies:
        body.x += dt * body.vx
        body.y += dt * body.vy
        body.z += dt * body.vz


def energy(bodies):
    e = 0.0
    for i, a in enumerate(bodies):
        e += 0.5 * a.mass * (a.vx**2 + a.vy**2 + a.vz**2)
        for b in bodies[i + 1 :]:
            e -= a.mass * b.mass / math.dist((a.x, a.y, a.z), (b.x, b.y, b.z))
    return e


def run(steps, dt):
    bodies = make_bodies()
    before = energy(bodies)
    for _ in range(steps):
        advance(bodies, dt)
    return before, energy(bodies), [(b.x, b.y, b.z) for b in bodies]
