"""A driven pendulum with an adaptive step (embedded Heun and Euler)."""

import math

SIZES = (1, 1300)


class Pendulum:
    def __init__(self, damping, drive, frequency):
        self.damping = damping
        self.drive = drive
        self.frequency = frequency

    def derivative(self, t, theta, omega):
        return omega, -math.sin(theta) - self.damping * omega + self.drive * math.cos(self.frequency * t)


def inputs(n):
    return {"t_end": float(n), "tolerance": 1e-5}


def integrate(system, theta, omega, t_end, tolerance):
    t = 0.0
    h = 0.01
    accepted = rejected = 0
    while t < t_end:
        if t + h > t_end:
            h = t_end - t
        a1, b1 = system.derivative(t, theta, omega)
        a2, b2 = system.derivative(t + h, theta + h * a1, omega + h * b1)
        error = 0.5 * h * max(abs(a2 - a1), abs(b2 - b1))
        if error <= tolerance:
            theta += 0.5 * h * (a1 + a2)
            omega += 0.5 * h * (b1 + b2)
            t += h
            accepted += 1
        else:
            rejected += 1
        h *= min(2.0, max(0.2, 0.9 * math.sqrt(tolerance / error))) if error > 0 else 2.0
    return theta, omega, accepted, rejected


def run(t_end, tolerance):
    return integrate(Pendulum(0.5, 1.2, 2.0 / 3.0), 0.2, 0.0, t_end, tolerance)
