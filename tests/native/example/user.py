"""The user's module of the hand-written example, as the build would have rewritten it."""

import warnings
from math import sqrt as root

import numpy as np

from ._polyopt import bind as _polyopt_bind

_polyopt = _polyopt_bind(__name__, globals())
N = 100
EPS = 0.25
FLAG = True
NOTHING = None


def helper(x):
    return x + 1.0


def axpy(a, x, y):
    if (_polyopt_r := _polyopt.axpy(a, x, y)) is not None:
        pass
    else:
        for i in range(len(y)):
            y[i] = a * x[i] + y[i]


def plain_axpy(a, x, y):
    for i in range(len(y)):
        y[i] = a * x[i] + y[i]


def smooth(u):
    if (_polyopt_r := _polyopt.smooth(u)) is not None:
        (out,) = _polyopt_r
    else:
        out = (u[:-2] + u[1:-1] + u[2:]) / 3.0
    return out


def plain_smooth(u):
    return (u[:-2] + u[1:-1] + u[2:]) / 3.0


def exponential(x):
    if (_polyopt_r := _polyopt.exponential(x)) is not None:
        (out,) = _polyopt_r
    else:
        out = np.exp(x)
    return out


__all__ = ["axpy", "exponential", "helper", "root", "smooth", "warnings"]
