"""Shallow-water equations on a periodic grid with np.roll, the state held by a small class."""

import numpy as np

SMALL, LARGE = 9, 200


class State:
    def __init__(self, height, u, v):
        self.height = height
        self.u = u
        self.v = v
        self.time = 0.0

    def step(self, dt, gravity, depth):
        h, u, v = self.height, self.u, self.v
        self.u = u - dt * gravity * 0.5 * (np.roll(h, -1, axis=1) - np.roll(h, 1, axis=1))
        self.v = v - dt * gravity * 0.5 * (np.roll(h, -1, axis=0) - np.roll(h, 1, axis=0))
        divergence = 0.5 * (np.roll(self.u, -1, axis=1) - np.roll(self.u, 1, axis=1)) + 0.5 * (
            np.roll(self.v, -1, axis=0) - np.roll(self.v, 1, axis=0)
        )
        self.height = h - dt * depth * divergence
        self.time += dt


def initialize(n):
    height = 1.0 + 0.1 * np.random.default_rng(55).random((n, n))
    return {"height": height, "u": np.zeros((n, n)), "v": np.zeros((n, n)), "steps": 5, "dt": 0.01}


def kernel(height, u, v, steps, dt):
    state = State(height, u, v)
    for _ in range(steps):
        state.step(dt, 9.81, 1.0)
    return state.height, state.u, state.v, state.time
