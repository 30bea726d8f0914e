"""A satellite with drag, its state a named tuple."""

import math
from typing import NamedTuple

SIZES = (10, 200000)
MU = 398600.4418


class State(NamedTuple):
    x: float
    y: float
    vx: float
    vy: float


def inputs(n):
    return {"steps": n, "dt": 1.0}


def acceleration(state):
    r = math.hypot(state.x, state.y)
    gravity = -MU / r**3
    v = math.hypot(state.vx, state.vy)
    density = 1e-9 * math.exp(-(r - 6778.0) / 60.0)
    return gravity * state.x - density * v * state.vx, gravity * state.y - density * v * state.vy


def leap(state, dt):
    ax, ay = acceleration(state)
    vx = state.vx + 0.5 * dt * ax
    vy = state.vy + 0.5 * dt * ay
    moved = State(state.x + dt * vx, state.y + dt * vy, vx, vy)
    ax, ay = acceleration(moved)
    return State(moved.x, moved.y, vx + 0.5 * dt * ax, vy + 0.5 * dt * ay)


def run(steps, dt):
    state = State(6778.0, 0.0, 0.0, math.sqrt(MU / 6778.0))
    lowest = math.inf
    for _ in range(steps):
        state = leap(state, dt)
        lowest = min(lowest, math.hypot(state.x, state.y))
    return tuple(state), lowest
