"""Arrays that go into calls and come out of them: aliases, views, new ones; what a callee binds and what it changes in place."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
import pytest
from frontend_oracle import Rewritten

SOURCE = """
import math
import numpy as np
from numpy.typing import NDArray


def ident(v):
    return v


def first(v, w):
    return v, w


def grow(u):
    u = u + 1.0
    return u


def inplace(u):
    u += 1.0
    return u


def alias(u, n):
    w = u
    for k in range(n):
        w[k] = k
        u[0] += w[k]
    return w


def rebind(x, n):
    for i in range(n):
        x = x * 0.5
    return x


def loopvar(n):
    for i in range(n):
        pass
    return i


def pick(a, b, c):
    if c:
        return a
    return b


def make(n):
    t = np.zeros(n)
    t[0] = 1.0
    return t, t


def nothing(v):
    v[0] = 2.0


def b_ident(x: NDArray[np.float64]):
    y = ident(x)
    y[0] = 5.0
    z = ident(x) * 2.0
    return z


def b_ident_returned(x: NDArray[np.float64]):
    for i in range(len(x)):
        x[i] += 1.0
    return ident(x)


def b_pair(x: NDArray[np.float64]):
    a, b = first(x * 2.0, x)
    b[0] = a[0] + 1.0
    return a


def b_grow(x: NDArray[np.float64]):
    y = grow(x)
    y[0] = 3.0
    return x.sum() + y.sum()


def b_inplace(x: NDArray[np.float64]):
    t = x * 2.0
    u = inplace(t)
    u[0] = 9.0
    return t.sum(), u[0]


def b_inplace_both(x: NDArray[np.float64]):
    t = x * 2.0
    u = inplace(t)
    return t, u


def b_alias(x: NDArray[np.float64]):
    w = alias(x, 3)
    w[1] = x[0]
    return w[1] + x[1]


def b_rebind(x: NDArray[np.float64], n: int):
    y = rebind(x, n)
    y[0] = 7.0
    return x[0], y[0]


def b_rebind_fresh(x: NDArray[np.float64], n: int):
    t = x + 0.0
    y = rebind(t, n)
    y[0] = 7.0
    return t[0], y[0]


def b_loopvar(x: NDArray[np.float64], n: int):
    for i in range(len(x)):
        x[i] = loopvar(n)
    return i


def b_pick(x: NDArray[np.float64], y: NDArray[np.float64], n: int):
    z = pick(x, y, n > 2)
    z[0] = 4.0
    for i in range(len(x)):
        x[i] += 1.0
    return n


def b_make(x: NDArray[np.float64]):
    a, b = make(len(x))
    a[1] = x[0]
    return a.sum() + b.sum() * 2.0


def b_make_both(x: NDArray[np.float64]):
    a, b = make(len(x))
    a[1] = x[0]
    return a, b


def b_nothing(x: NDArray[np.float64]):
    r = nothing(x)
    for i in range(1, len(x)):
        x[i] = x[i - 1] * 0.5
    return r


def b_views(x: NDArray[np.float64]):
    nothing(x[2:])
    inplace(x[::2])
    nothing(x[::-1])
    return inplace(x[1:3]).sum()


def b_swap(x: NDArray[np.float64], y: NDArray[np.float64], n: int):
    for i in range(n):
        x, y = first(y, x)
        x[i] += 1.0


def b_state(x: NDArray[np.float64], n: int):
    u = x.copy()
    for k in range(n):
        u = grow(u)
    return u, x


def b_state2(x: NDArray[np.float64], n: int):
    u = x.copy()
    v = u
    for k in range(n):
        u = inplace(u)
    return u.sum(), v.sum()


def b_state3(x: NDArray[np.float64], n: int):
    u = x
    for k in range(n):
        u = pick(grow(u), u, k > 0)
    return u.sum()
"""
PYTHON = {"b_inplace_both", "b_alias", "b_make_both", "b_swap", "b_state3", "b_ident", "b_pair"}
"""What stays Python, or a guard refuses."""
CASES = sorted(row[4 : row.index("(")] for row in SOURCE.splitlines() if row.startswith("def b_"))


@pytest.fixture(scope="module")
def module() -> Rewritten:
    """Plain and rewritten functions."""
    return Rewritten(SOURCE)


def arguments(module: Rewritten, name: str, n: int) -> tuple[Any, ...]:
    """Normal numbers, and n where it is asked for."""
    names = inspect.signature(module.plain[name]).parameters
    return tuple(n if name == "n" else np.random.default_rng(seed).normal(size=7) for seed, name in enumerate(names))


@pytest.mark.parametrize("name", CASES)
def test_against_cpython(module: Rewritten, name: str) -> None:
    for n in (0, 1, 2, 3, 5):
        module.compare(name, *arguments(module, name, n))
    assert bool([hit for hit in module.hits if hit.startswith(f"{name}_0")]) == (name not in PYTHON), module.misses[-1:]


@pytest.mark.parametrize("name", ["b_ident_returned", "b_inplace_both", "b_make_both"])
def test_the_same_object_comes_back(module: Rewritten, name: str) -> None:
    x = np.ones(7)
    found = module.optimised[name](x)
    assert found[0] is found[1] if isinstance(found, tuple) else found is x
