"""Functions on lists of numbers (`SOURCE`), and arguments for which their regions run (`CALLS`)."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import numpy as np

SOURCE = '''
import math

import numpy as np

LARGEST = float("1e300")


def gemm(alpha: float, c: list[list[float]], a: list[list[float]], b: list[list[float]]):
    for i in range(len(c)):
        for j in range(len(c[0])):
            for k in range(len(b)):
                c[i][j] += alpha * a[i][k] * b[k][j]


def axpy(a: float, x: list[float], y: list[float]):
    for i in range(len(x)):
        y[i] = a * x[i] + y[i]


def shifted(x: list[float], y: list[float]):
    for i in range(1, len(x)):
        y[i] = 0.5 * (x[i] + x[i - 1])


def positive(x: list[float], y: list[float]):
    for i in range(len(x)):
        if x[i] > 0.0:
            y[i] = math.sqrt(x[i]) / x[i] + y[i]


def quotients(x: list[float], y: list[float]):
    for i in range(len(x)):
        y[i] = 1.0 / x[i] + x[i] * x[i]


def bits(x: list[int], y: list[int]):
    total = 0
    for i in range(len(x)):
        x[i] = (x[i] * 3 + y[i]) // 2 - (x[i] % 7)
        total += x[i] ^ y[i]
    return total


def flags(x: list[bool], y: list[bool]):
    count = 0
    for i in range(len(x)):
        x[i] = not y[i] and x[i]
        if x[i] == y[i]:
            count += 1
    return count


def turned(x: list[complex], z: complex):
    for i in range(len(x)):
        x[i] = x[i] * z + 1.0j * x[i] * x[i]


def rows(a: list[list[float]], b: list[float]):
    for i in range(len(a)):
        row = a[i]
        for j in range(len(b)):
            row[j] = row[j] * 2.0 + b[j] - row[-1]


def cube(a: list[list[list[float]]]):
    for i in range(len(a)):
        for j in range(len(a[0])):
            for k in range(1, len(a[0][0])):
                a[i][j][k] = a[i][j][k] + a[i][j][k - 1] * 0.5 + a[i][j - 1][k]


def made(n: int, m: int, x: list[float]):
    c = [[0.0] * m for _ in range(n)]
    for i in range(n):
        for j in range(m):
            c[i][j] = x[j] * i + c[i][j - 1] + c[i - 1][j]
    return c


def squares(x: list[float]):
    y = [v * v + 1.0 for v in x]
    total = 0.0
    for i in range(len(y)):
        total += y[i] * x[i]
    return y, total


def table(n: int, m: int):
    c = [[i * j - 3 for j in range(m)] for i in range(n)]
    for i in range(n):
        for j in range(m):
            c[i][j] += i // 2
    return c


def pairs(x: list[float], y: list[float]):
    z = [a * b + k for k, (a, b) in enumerate(zip(x, y))]
    for i in range(len(z)):
        z[i] -= x[i] / 4.0
    return z


def of_numpy(a, n: int):
    x = [a[i] * 2.0 for i in range(n)]
    for i in range(n):
        a[i] = x[i] + 1.0
    return x


def to_numpy(x: list[list[float]], k: list[int]):
    a = np.array(x)
    w = np.array(k, dtype=np.float64)
    return a * w + np.exp(a)


def from_numpy(a):
    x = a.tolist()
    for i in range(len(x)):
        for j in range(len(x[0])):
            x[i][j] = x[i][j] * 2.0 + 1.0
    return x


def extremes(x: list[float], n: int):
    low, high = min(x), max(x)
    for i in range(n):
        x[i] = (x[i] - low) / (high - low)
    return low, high


def tuples(weights: tuple[float, ...], p: tuple[int, int], x: list[float]):
    i0, i1 = p
    for i in range(len(x)):
        for k in range(len(weights)):
            x[i] += weights[k] * i0 - i1
    return x[0]


def both(a, x: list[float]):
    for i in range(len(x)):
        a[i] = a[i] * x[i]
        x[i] = x[i] + 0.5


def parts(x: list[float], n: int):
    y = x[1:n]
    for i in range(len(y)):
        y[i] = y[i] * 2.0 + x[i]
    return y


def few(x: list[float]):
    return x[0] * x[1] + x[2] * x[3] + x[4] * x[5] + x[0] * x[3] + x[1] * x[4] - x[2]


def gathered(x: list[float], index: list[int], y: list[float]):
    for i in range(len(index)):
        y[i] = y[i] + x[index[i]] * 2.0


def mean(x: list[float], n: int):
    s = x[0]
    for i in range(1, n):
        s += x[i] * 0.5
    return s


def common(a: list[int], b: list[int]):
    before = [0] * (len(b) + 1)
    for i in range(len(a)):
        now = [0] * (len(b) + 1)
        for j in range(len(b)):
            if a[i] == b[j]:
                now[j + 1] = before[j] + 1
            else:
                now[j + 1] = max(before[j + 1], now[j])
        before = now
    return before[len(b)], before


def distance(a: list[int], b: list[int]):
    before = [j for j in range(len(b) + 1)]
    now = [0] * (len(b) + 1)
    for i in range(len(a)):
        now[0] = i + 1
        for j in range(1, len(b) + 1):
            now[j] = min(before[j] + 1, now[j - 1] + 1, before[j - 1] + (0 if a[i] == b[j - 1] else 1))
        before, now = now, before
    return before[len(b)]


def diffused(u: list[float], steps: int):
    for _ in range(steps):
        v = [0.0] * len(u)
        for i in range(1, len(u) - 1):
            v[i] = u[i] + 0.1 * (u[i - 1] - 2.0 * u[i] + u[i + 1])
        u = v
    return u


def in_place(u: list[float], v: list[float], steps: int):
    for _ in range(steps):
        for i in range(1, len(u) - 1):
            v[i] = u[i] + 0.1 * (u[i - 1] - 2.0 * u[i] + u[i + 1])
        u, v = v, u
    return u[0]


def products(a: list[list[float]], x: list[float]):
    y = [0] * len(a)
    for i in range(len(a)):
        for j in range(len(x)):
            y[i] += a[i][j] * x[j]
    return y


def triangle(n: int, x: list[float]):
    c = [[0] * n for _ in range(n)]
    for i in range(n):
        for j in range(i):
            c[i][j] = x[i] - x[j]
        if x[i] > 0.5:
            c[i][i] = 1
    return c


def product(a: list[list[float]], b: list[list[float]]):
    c = [[0 for _ in range(len(b[0]))] for _ in range(len(a))]
    for i in range(len(a)):
        for j in range(len(b[0])):
            s = 0
            for k in range(len(b)):
                s += a[i][k] * b[k][j]
            c[i][j] = s
    return c


def filtered(a: list[list[float]], t: float):
    y = [0] * len(a)
    best = 0
    for i in range(len(a)):
        s = 0
        for j in range(len(a[0])):
            if a[i][j] > t:
                s += a[i][j]
        y[i] = s
        if best < y[i]:
            best = y[i]
    return y, best, y[0]


def appended(x: list[float], n: int):
    out = []
    signs = []
    for i in range(n - 1, 0, -2):
        out.append(x[i] * 2.0)
        signs.append(x[i] > 0.0)
    return out, signs


def appended_rows(n: int, m: int, x: list[float]):
    rows = []
    for i in range(n):
        row = []
        for j in range(m):
            row.append(x[j] * i)
        row[0] = 1.0
        rows.append(row)
        row[1] = 2.0
    for k in range(n):
        rows[k][0] += rows[k][m - 1]
    return rows


def appended_twice(x: list[float]):
    first = second = []
    for i in range(len(x)):
        first.append(x[i] * 2.0)
    return first, second


def appended_rows_twice(n: int, x: list[float]):
    first = []
    second = []
    for i in range(n):
        row = [0.0] * n
        first.append(row)
        second.append(row)
        for j in range(n):
            row[j] = x[j] * i
    return first, second


def appended_one_row(n: int, x: list[float]):
    rows = []
    row = [0.0] * n
    for i in range(n):
        row[i] = x[i]
        rows.append(row)
    return rows


def nothing_appended(x: list[float], y: list[float]):
    out = []
    for i in range(len(x)):
        y[i] = x[i] + y[i] * 0.5
    return out


def dots(a: list[list[float]], x: list[float]):
    return [sum(v * w for v, w in zip(row, x)) for row in a]


def softmax(x: list[float]):
    top = max(x)
    e = [math.exp(v - top) for v in x]
    s = sum(e)
    return [v / s for v in e]


def counted(x: list[int], k: int):
    return (
        sum(v * v for v in x), sum(1 for v in x if v % k == 0), any(v > k for v in x), all(v < 100 // k for v in x),
        max(v * v - 3 for v in x), min(x), any(100 // (v - k) > 90 for v in x), sum(v > 0 for v in x),
    )


def of_array(a, n: int):
    x = sum(a) + max(a) - min(v * 2.0 for v in a)
    y = [sum(a[i] * a[j] for j in range(i + 1)) for i in range(n)]
    return x, y, any(v > 1.5 for v in a)


def listed(x: list[float], n: int):
    y = list(x)
    k = list(range(n - 1, -1, -1))
    z = list(v * 2.0 for v in x)
    for i in range(len(y)):
        y[i] += k[i % n] * z[i]
    return y, k


def nearest(x: list[float], y: list[float]):
    found = []
    for i in range(len(x)):
        best = float("inf")
        for j in range(len(y)):
            d = abs(x[i] - y[j])
            if d < best:
                best = d
        found.append(min(best, LARGEST))
    return found


def by_rows(a: list[list[float]], x: list[float], sums: dict):
    for row in a:
        total = 0.0
        for j in range(len(x)):
            total += row[j] * x[j]
        sums["total"] = sums.get("total", 0.0) + total


def last(x: list[float], n: int):
    best = x[0]
    for i in range(n):
        if x[i] > best:
            best = x[i]
    return best
'''


def numbers(count: int, seed: int = 0) -> list[float]:
    drawn = random.Random(seed)
    return [drawn.uniform(-2.0, 2.0) for _ in range(count)]


def table(n: int, m: int, seed: int = 0) -> list[list[float]]:
    return [numbers(m, seed + i) for i in range(n)]


def whole(count: int, seed: int = 0) -> list[int]:
    drawn = random.Random(seed)
    return [drawn.randrange(-50, 50) for _ in range(count)]


CALLS: dict[str, tuple[Callable[[], list[Any]], ...]] = {
    "gemm": (lambda: [1.5, table(7, 8), table(7, 9, 20), table(9, 8, 40)],),
    "axpy": (lambda: [2.0, numbers(40), numbers(40, 1)],),
    "shifted": (lambda: [numbers(40), numbers(40, 1)], lambda: [numbers(40), whole(1) + numbers(39, 1)]),
    "positive": (lambda: [numbers(40), numbers(40, 1)],),
    "quotients": (lambda: [numbers(40), numbers(40, 1)], lambda: [numbers(40), list(range(40))]),
    "bits": (lambda: [whole(40), whole(40, 1)], lambda: [[10**17, *whole(39)], whole(40, 1)]),
    "flags": (lambda: [[v > 0 for v in whole(40)], [v > 5 for v in whole(40, 1)]],),
    "turned": (lambda: [[complex(a, b) for a, b in zip(numbers(20), numbers(20, 1), strict=True)], 0.5 - 2j],),
    "rows": (lambda: [table(12, 12), numbers(12)],),
    "cube": (lambda: [[table(4, 5, k) for k in range(3)]],),
    "made": (lambda: [9, 8, numbers(8)],),
    "squares": (lambda: [numbers(50)],),
    "table": (lambda: [8, 9], lambda: [0, 9], lambda: [9, 0]),
    "pairs": (lambda: [numbers(40), numbers(40, 1)],),
    "of_numpy": (lambda: [np.array(numbers(40)), 40],),
    "to_numpy": (lambda: [table(9, 8), whole(8)],),
    "from_numpy": (lambda: [np.array(table(9, 8))],),
    "extremes": (lambda: [numbers(50), 50],),
    "tuples": (lambda: [tuple(numbers(3)), (2, 3), numbers(40)],),
    "both": (lambda: [np.array(numbers(40)), numbers(40, 1)],),
    "parts": (lambda: [numbers(50), 41],),
    "few": (lambda: [numbers(6)],),
    "gathered": (lambda: [numbers(30), [v % 30 for v in whole(50)], numbers(50)],),
    "mean": (lambda: [numbers(50), 50],),
    "common": (lambda: [[v % 4 for v in whole(30)], [v % 4 for v in whole(25, 1)]],),
    "distance": (lambda: [[v % 4 for v in whole(30)], [v % 4 for v in whole(25, 1)]],),
    "diffused": (lambda: [numbers(40), 10],),
    "in_place": (lambda: [numbers(40), numbers(40, 1), 7],),
    "products": (lambda: [table(9, 12), numbers(12)],),
    "triangle": (lambda: [12, numbers(12)],),
    "product": (lambda: [table(7, 9), table(9, 8, 9)],),
    "filtered": (lambda: [table(9, 12), 1.0],),
    "appended": (lambda: [numbers(50), 40], lambda: [numbers(50), 1], lambda: [numbers(50), -5]),
    "appended_rows": (lambda: [8, 9, numbers(12)],),
    "nothing_appended": (lambda: [numbers(40), numbers(40, 1)],),
    "dots": (lambda: [table(9, 12), numbers(12)],),
    "softmax": (lambda: [numbers(40)],),
    "counted": (lambda: [[v + 100 for v in whole(50)], 7],),
    "of_array": (lambda: [np.array(numbers(40)), 40],),
    "listed": (lambda: [numbers(30), 30],),
    "nearest": (lambda: [numbers(20), numbers(15, 1)],),
    "by_rows": (lambda: [table(9, 12), numbers(12), {}],),
    "last": (lambda: [numbers(50), 50],),
}
"""Arguments for which the regions run."""
