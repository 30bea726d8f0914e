"""Functions that run on the cluster, and calls from which their types are taken."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import numpy as np

SCALED = '''

def scaled(x):
    """Two kernels a chunk: the second one needs what the first one has added up."""
    n, m = x.shape
    y = np.zeros((n, m))
    for i in range(n):
        s = 1.0
        for j in range(m):
            s += x[i, j] * x[i, j]
        for j in range(m):
            y[i, j] = x[i, j] / s
    return y
'''

TEXT = '''
import math

import numpy as np


def matmul(a, b):
    c = np.zeros((a.shape[0], b.shape[1]))
    for i in range(a.shape[0]):
        for j in range(b.shape[1]):
            for k in range(a.shape[1]):
                c[i, j] += a[i, k] * b[k, j]
    return c


def waves(x, out, n):
    for i in range(x.shape[0]):
        s = 0.0
        for k in range(n):
            s += math.sin(x[i] + k)
        out[i] = s


def stencil(u, v):
    v[1:-1, 1:-1] = 0.25 * (u[:-2, 1:-1] + u[2:, 1:-1] + u[1:-1, :-2] + u[1:-1, 2:])


def covariance(data):
    n, m = data.shape
    mean = np.zeros(m)
    for j in range(m):
        for i in range(n):
            mean[j] += data[i, j]
        mean[j] /= n
    cov = np.zeros((m, m))
    for i in range(m):
        for j in range(i, m):
            acc = 0.0
            for k in range(n):
                acc += (data[k, i] - mean[i]) * (data[k, j] - mean[j])
            cov[i, j] = acc / (n - 1.0)
            cov[j, i] = cov[i, j]
    return cov


def columns(a, out):
    for j in range(a.shape[1]):
        s = 0.0
        for i in range(a.shape[0]):
            s = s * 0.5 + a[i, j]
            out[i, j] = s


def softmax(x):
    t = np.exp(x - np.max(x, axis=1, keepdims=True))
    return t / np.sum(t, axis=1, keepdims=True)


def backwards(a, b):
    n = a.shape[0]
    for i in range(n - 1, -1, -1):
        for j in range(a.shape[1]):
            b[n - 1 - i, j] = a[i, j] * 2.0 + b[n - 1 - i, j]


def several(a, x):
    s = np.zeros(a.shape[0])
    p = np.zeros(a.shape[0], dtype=np.int64)
    total = x * 2.0
    for i in range(a.shape[0]):
        best = a[i, 0]
        for j in range(a.shape[1]):
            if a[i, j] > best:
                best = a[i, j]
                p[i] = j
            s[i] += a[i, j] * total
    return s, p, total


def divided(a, b):
    out = np.zeros(a.shape[0])
    for i in range(a.shape[0]):
        s = 0.0
        for j in range(a.shape[1]):
            s += a[i, j] / b[i]
        out[i] = s
    return out


def update(a, b):
    for i in range(a.shape[0]):
        for j in range(a.shape[1]):
            a[i, j] = a[i, j] + math.sqrt(b[i])


def sparse(a, mask):
    for i in range(a.shape[0]):
        for j in range(a.shape[1]):
            if mask[i, j] > 0.5:
                a[i, j] = -1.0


def doubled(x):
    out = np.empty_like(x)
    for i in range(x.shape[0]):
        for j in range(x.shape[1]):
            out[i, j] = 2.0 * x[i, j] + 1.0
    return out
'''


def numbers(*shape: int) -> Any:
    """Random numbers in [0, 1)."""
    return np.random.default_rng(1).random(shape)


def with_value(array: Any, index: int, value: float) -> Any:
    """The array with one element changed."""
    array[index] = value
    return array


_small = numbers(5, 6)
CALLS: dict[str, list[list[Any]]] = {
    "matmul": [[_small, numbers(6, 7)]],
    "waves": [[numbers(5), numbers(5), 10]],
    "stencil": [[_small, numbers(5, 6)]],
    "covariance": [[_small]],
    "columns": [[_small, numbers(5, 6)]],
    "softmax": [[_small]],
    "backwards": [[_small, numbers(5, 6)]],
    "several": [[_small, 1.5]],
    "divided": [[_small, numbers(5)]],
    "update": [[_small, numbers(5)]],
    "sparse": [[_small, numbers(5, 6)]],
    "doubled": [[_small]],
}

CASES = {
    "shared operand": ("matmul", (numbers(100, 60), numbers(60, 300))),
    "columns in memory": ("matmul", (np.asfortranarray(numbers(100, 60)), np.asfortranarray(numbers(60, 300)))),
    "one dimension": ("waves", (numbers(3000), np.zeros(3000), 200)),
    "halo": ("stencil", (numbers(64, 50), numbers(64, 50))),
    "several stages and a mirror image": ("covariance", (numbers(30, 100),)),
    "parallel dimension last": ("columns", (numbers(30, 2000), np.zeros((30, 2000)))),
    "functions of NumPy": ("softmax", (numbers(30, 100),)),
    "negative step": ("backwards", (numbers(30, 40), numbers(30, 40))),
    "views": ("backwards", (numbers(60, 80)[::-2, ::2], numbers(60, 80)[::2, ::-2])),
    "several results": ("several", (numbers(50, 20), 0.3)),
    "a warning": ("divided", (numbers(64, 20), with_value(numbers(64), 30, 0.0))),
    "in place": ("update", (numbers(64, 20), numbers(64))),
    "an exception": ("update", (numbers(64, 20), with_value(numbers(64), 40, -1.0))),
    "perhaps": ("sparse", (numbers(64, 20), numbers(64, 20))),
    "nothing": ("sparse", (numbers(64, 20), np.zeros((64, 20)))),
}
"""Calls: what is special about them, the function, its arguments."""


def outcome(function: Callable[..., Any], args: tuple[Any, ...]) -> Any:
    """The result or the exception, and the arguments afterwards."""
    args = deepcopy(args)
    try:
        result = function(*args)
    except Exception as error:  # noqa: BLE001 -- whatever CPython raises
        return type(error), str(error), args
    return result, args


def same(left: Any, right: Any) -> bool:
    """The same types and bits."""
    if isinstance(left, tuple):
        return isinstance(right, tuple) and len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, np.ndarray):
        return left.dtype == right.dtype and left.shape == right.shape and left.tobytes() == right.tobytes()
    return type(left) is type(right) and left == right
