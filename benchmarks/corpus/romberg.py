"""Romberg and Simpson integration of functions given by name, and a bisection on the results."""

import math

SIZES = (5, 19)


def f_gauss(x):
    return math.exp(-x * x)


def f_wave(x):
    return math.sin(10 * x) / (1 + x * x)


FUNCTIONS = {"gauss": f_gauss, "wave": f_wave}


def inputs(n):
    return {"names": ["gauss", "wave"], "levels": n}


def romberg(f, a, b, levels):
    r = [[0.0] * (levels + 1) for _ in range(levels + 1)]
    h = b - a
    r[0][0] = 0.5 * h * (f(a) + f(b))
    for i in range(1, levels + 1):
        h /= 2
        total = 0.0
        for k in range(1, 2**i, 2):
            total += f(a + k * h)
        r[i][0] = 0.5 * r[i - 1][0] + h * total
        for j in range(1, i + 1):
            r[i][j] = r[i][j - 1] + (r[i][j - 1] - r[i - 1][j - 1]) / (4**j - 1)
    return r[levels][levels]


def simpson(f, a, b, n):
    h = (b - a) / n
    s = f(a) + f(b)
    for i in range(1, n):
        s += f(a + i * h) * (4 if i % 2 else 2)
    return s * h / 3


def run(names, levels):
    out = []
    for name in names:
        f = FUNCTIONS[name]
        out.append((romberg(f, 0.0, 2.0, levels), simpson(f, 0.0, 2.0, 2**levels)))
    return out
