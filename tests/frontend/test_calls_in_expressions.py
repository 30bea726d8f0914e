"""Calls of the module's own functions wherever an expression may stand: conditions, bounds, subscripts, comprehensions, updates.

Most callees write what stands beside their call, so that the order of evaluation shows.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from frontend_oracle import Rewritten

SOURCE = """
import math
import numpy as np
from numpy.typing import NDArray


def norm(v):
    s = 0.0
    for i in range(len(v)):
        s += v[i] * v[i]
    return s


def bump(v, i):
    v[i] += 1.0
    return v[i]


def count(v):
    k = 0
    for i in range(len(v)):
        if v[i] > 0:
            k += 1
    return k


def idx(i, n):
    return (i + 1) % n


def add(x, y):
    return x + y


def sq(x):
    return x * x


def maybe(x):
    if x > 0.0:
        return x


def t_while(x: NDArray[np.float64]):
    k = 0
    while norm(x) > 0.01:
        x *= 0.5
        k += 1
    return k


def t_while2(x: NDArray[np.float64]):
    k = 0
    while bump(x, 0) < 9.0 and bump(x, 1) < 20.0:
        k += 1
    return k


def t_range(x: NDArray[np.float64], y: NDArray[np.float64]):
    for i in range(count(x)):
        y[i] = i


def t_if(x: NDArray[np.float64]):
    for i in range(len(x)):
        if norm(x) > bump(x, i):
            x[i] += 1.0
        elif bump(x, 0) > 2.0:
            x[i] -= 1.0


def t_index(x: NDArray[np.float64], y: NDArray[np.float64]):
    n = len(x)
    for i in range(n):
        y[idx(i, n)] = x[idx(idx(i, n), n)]


def t_widen(x: NDArray[np.float64]):
    s = 0
    for i in range(len(x)):
        s = add(s, x[i])
    return s


def t_comp(x: NDArray[np.float64]):
    y = [sq(x[i]) for i in range(len(x))]
    z = sum(sq(v) for v in x)
    return y, z


def t_any(x: NDArray[np.float64]):
    r = any(bump(x, i) > 1.0 for i in range(len(x)))
    x[0] = norm(x)
    return r



def t_maybe(x: NDArray[np.float64]):
    s = 0.0
    for i in range(len(x)):
        r = maybe(x[i])
        if r is not None:
            s += r
    return s


def t_swap(x: NDArray[np.float64]):
    for i in range(len(x) - 1):
        x[i], x[i + 1] = bump(x, i + 1), x[i] + bump(x, i)


def t_chain(x: NDArray[np.float64]):
    for i in range(len(x)):
        if 0.0 < bump(x, i) < 3.0:
            x[i] = 7.0


def t_lists(v: list[float], n: int):
    for i in range(n):
        v[i] = v[0] + bump(v, 0) * v[i]
    return norm(v)


def t_minmax(x: NDArray[np.float64]):
    s = 0.0
    for i in range(len(x)):
        s += max(x[i], bump(x, i), x[i])
    return s



def t_kw(x: NDArray[np.float64]):
    for i in range(len(x)):
        x[i] = add(y=bump(x, i), x=x[i]) - add(x[i], y=bump(x, i))



def t_arr(x: NDArray[np.float64]):
    y = x * bump(x, 0) + x[::-1] * bump(x, 1)
    z = sq(x[1:]) + sq(y[:-1])
    return y, z
"""
PYTHON = {"t_maybe", "t_chain"}
"""What stays Python for now."""
CASES = sorted(row[4 : row.index("(")] for row in SOURCE.splitlines() if row.startswith("def t_"))


@pytest.fixture(scope="module")
def module() -> Rewritten:
    """Plain and rewritten functions."""
    return Rewritten(SOURCE)


def vector(seed: int) -> np.ndarray[Any, Any]:
    """Normal numbers."""
    return np.random.default_rng(seed).normal(size=7)


@pytest.mark.parametrize("name", CASES)
def test_against_cpython(module: Rewritten, name: str) -> None:
    arguments: dict[str, tuple[Any, ...]] = {
        "t_range": (vector(0), vector(1)),
        "t_index": (vector(0), vector(1)),
        "t_lists": ([1.0, 2.0, 3.0], 3),
    }
    for seed in range(3):
        before = len(module.hits)
        module.compare(name, *arguments.get(name, (vector(seed),)))
        assert (len(module.hits) > before) == (name not in PYTHON), module.misses[-1:]
