"""Programs around products of floating-point matrices, which NumPy's own library computes from inside their kernels: the same bits."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest
from built import Built, build, profile_of
from fuzz.fuzz_oracle import difference, observe

SOURCE = '''
import numpy as np


def layers(x, w, b, u, c):
    x = np.maximum(x @ w + b, 0)
    return np.maximum(x @ u + c, 0)


def attention(q, k, v):
    scores = q @ k.T / np.sqrt(q.shape[-1])
    scores = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return (scores / scores.sum(axis=-1, keepdims=True)) @ v


def heads(q, k):
    out = np.zeros((q.shape[0], q.shape[1], k.shape[2]))
    for i in range(q.shape[0]):
        out[i] = q[i] @ k[i] + 1.0
    return out


def cholesky(a):
    for i in range(a.shape[0]):
        for j in range(i):
            a[i, j] -= np.dot(a[i, :j], a[j, :j])
            a[i, j] /= a[j, j]
        a[i, i] -= np.dot(a[i, :i], a[i, :i])
        a[i, i] = np.sqrt(a[i, i])


def lower_upper(a):
    for i in range(a.shape[0]):
        for j in range(i):
            a[i, j] -= a[i, :j] @ a[:j, j]
            a[i, j] /= a[j, j]
        for j in range(i, a.shape[0]):
            a[i, j] -= a[i, :i] @ a[:i, j]


def conjugate(a, b, x, n, tolerance):
    r = b - a @ x
    p = r.copy()
    rs = r @ r
    for i in range(n):
        ap = a @ p
        alpha = rs / (p @ ap)
        x = x + alpha * p
        r = r - alpha * ap
        new = r @ r
        if np.sqrt(new) < tolerance:
            break
        p = r + (new / rs) * p
        rs = new
    return x


def power(a, v, n):
    for _ in range(n):
        w = a @ v
        v = w / np.linalg.norm(w)
    return v @ a @ v


def reflections(a):
    r = a + 0.0
    for k in range(a.shape[1]):
        x = r[k:, k].copy()
        x[0] += np.linalg.norm(x) * (1.0 if x[0] >= 0 else -1.0)
        x /= np.linalg.norm(x)
        r[k:, k:] -= 2.0 * np.outer(x, x @ r[k:, k:])
    return r


def neighbours(index, g, h, s):
    for a in range(index.shape[0]):
        for b in range(index.shape[1]):
            t = g[index[a, b]] @ h[a, b]
            s[a] += t @ t


def turned(a, b):
    t = a.T * 2.0
    u = t[1:] @ b
    return u, t[:, 0] @ t, np.dot(t[0], b[:, 1])


def descent(x, y, w, rate, n):
    for _ in range(n):
        error = x.dot(w) - y
        w = w - rate * x.T.dot(error) / y.size
    return w, np.linalg.norm(error)


def products(a, b):
    return a @ b, np.dot(a, b), a @ a.T
'''


def of(*shape: int, seed: int = 0) -> Any:
    """Normal numbers."""
    return np.random.default_rng(seed + len(shape)).normal(size=shape)


def definite(n: int) -> Any:
    a = of(n, n)
    return a @ a.T + n * np.eye(n)


def complex_of(*shape: int) -> Any:
    return of(*shape) + 1j * of(*shape, seed=9)


INDEX = np.random.default_rng(3).integers(0, 4, (4, 3))
SINGLE = tuple(part.astype("f4") for part in (of(5, 6), of(6, 7), of(7), of(7, 3), of(3)))
CALLS: dict[str, list[tuple[Any, ...]]] = {
    "layers": [(of(5, 6), of(6, 7), of(7), of(7, 3), of(3)), SINGLE, (of(1, 6), of(6, 1), of(1), of(1, 3), of(3)),
               (of(0, 6), of(6, 7), of(7), of(7, 3), of(3)), (of(200, 300), of(300, 150), of(150), of(150, 90), of(90))],
    "attention": [(of(6, 4), of(7, 4), of(7, 3)), (of(4, 6).T, of(7, 8)[:, ::2], of(3, 7).T), (of(1, 1), of(1, 1), of(1, 1))],
    "heads": [(of(3, 4, 5), of(3, 5, 2)), (of(40, 20, 30), of(40, 30, 10)), (of(3, 4, 0), of(3, 0, 2))],
    "cholesky": [(definite(9),), (definite(40),), (np.asfortranarray(definite(12)),), (-definite(4),), (definite(1),)],
    "lower_upper": [(definite(9),), (definite(40),), (definite(12)[::-1, ::-1],)],
    "conjugate": [(definite(9), of(9), np.zeros(9), 5, 1e-9), (definite(40), of(40), of(40), 60, 1e-6),
                  (definite(9), of(18)[::2], of(27)[::3], 5, 1e-9)],
    "power": [(definite(9), of(9), 5), (definite(40), of(40, 40)[:, 3], 9), (definite(9), of(9)[::-1], 3), (definite(9), of(9), 0)],
    "reflections": [(of(9, 6),), (of(50, 30),), (np.asfortranarray(of(9, 6)),)],
    "neighbours": [(INDEX, complex_of(4, 3, 3), complex_of(4, 3, 3, 3), complex_of(4, 3, 3)),
                   (INDEX + 1, complex_of(4, 3, 3), complex_of(4, 3, 3, 3), complex_of(4, 3, 3))],
    "turned": [(of(5, 4), of(5, 6)), (np.asfortranarray(of(5, 4)), of(5, 6)), (of(50, 41), of(50, 60))],
    "descent": [(of(20, 4), of(20), of(4), 0.1, 5), (of(4, 20).T, of(20), of(4), 0.1, 5), (of(40, 4)[::2], of(20), of(8)[::2], 0.1, 5)],
    "products": [(of(4, 4), of(4, 4)), (of(4, 4) * 1e200, of(4, 4) * 1e200), (complex_of(5, 5), complex_of(5, 5)), (of(2, 1), of(1, 2)),
                 (np.full((4, 4), np.inf), np.full((4, 4), np.nan))],
}  # fmt: skip


@pytest.fixture(scope="module")
def modules(tmp_path_factory: pytest.TempPathFactory) -> Built:
    seen = {name: [calls[0], *[call for call in calls if call[0].dtype != calls[0][0].dtype][:1]] for name, calls in CALLS.items()}
    return build(tmp_path_factory.mktemp("products"), "library_products", SOURCE, profile_of(SOURCE, "library_products.mod", seen))


@pytest.mark.parametrize(("name", "place"), [(name, place) for name, calls in CALLS.items() for place in range(len(calls))])
def test_same_bits(modules: Built, name: str, place: int) -> None:
    for mode in ("usual", "raise"):
        functions = (getattr(module, name) for module in (modules.plain, modules.built))
        plain, built = (observe(function, copy.deepcopy(CALLS[name][place]), mode) for function in functions)
        assert difference(plain, built) is None
    if not place:
        assert getattr(modules.built._polyopt, f"{name}_0").__self__.refusal is None


def test_whole_functions(modules: Built) -> None:
    (module,) = modules.compiled.report.modules
    assert sorted(region.function for region in module.regions) == sorted(CALLS)
    assert not [missed for missed in module.missed if missed.severity == "warning"]
