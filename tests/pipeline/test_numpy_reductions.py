"""Reductions and scans against NumPy: values, types, empty arrays, layouts, warnings."""

from __future__ import annotations

import pytest
from one_liners import Table

TABLE = Table(
    """
v: np.sum(v)
a: a.sum(axis=-1)
c: np.sum(c, axis=(0, -1))
c: np.sum(c, axis=1, keepdims=True)
a: np.sum(a.T, axis=0)
a: np.sum(a.T, axis=1, keepdims=True) * 1.0
q: (q.T - q.T.mean(axis=0, keepdims=True)) * 2.0
v: np.sum(v, initial=1.5)
v,s: np.sum(v, initial=s)
a: a.sum(axis=0, initial=-0.0)
i: i.sum()
i: i.sum(dtype=np.int32)
i: i.sum(axis=0, dtype=np.float64)
j: j.mean(dtype=np.float64)
u: np.sum(u)
u: np.sum(u, axis=0)
u: u.sum(dtype=np.uint8)
m: np.sum(m)
m: m.sum(dtype=np.uint8)
f: f[0].sum(dtype=np.float64)
f: f[0].mean(dtype=np.float64)
v: np.prod(v)
a: np.prod(a, axis=0)
u: np.prod(u, axis=1)
u: np.mean(u)
j: j.mean()
m: m.mean(axis=0)
a: a.mean(axis=(0, 1))
v: np.var(v)
a: a.var(axis=0)
a: a.var()
f: f.var(axis=1)
i: np.var(i, axis=0)
u: u.std()
m: np.std(m, axis=1)
v: np.std(v)
a: a.std(axis=1, ddof=1)
a: np.std(a, axis=0, keepdims=True)
c: c.std(axis=(1, 2), ddof=2)
c: (c - c.mean(axis=(1, 2), keepdims=True)) / c.std(axis=(1, 2), keepdims=True)
e: e.min()
e: e.max(axis=0)
e: e.max(axis=1)
e: e.min(axis=1, initial=0.5)
e: np.max(e, initial=-0.0)
g: g.max(axis=(0, 2))
g: g.min(axis=(1, 3))
g: np.max(g, axis=(0, 1, 3), keepdims=True)
g: g.max(axis=(0, 3))
g: g.min()
u: u.max(axis=1) - u.min(axis=1)
v: np.argmax(v)
x: x.argmax()
x: x.argmin()
e: np.argmax(e, axis=0)
e: e.argmin(axis=1)
e: np.argmax(e)
e: np.argmin(e.T, axis=0)
i: np.argmax(i, axis=-1, keepdims=True)
i: np.argmin(i)
u: np.argmax(u, axis=0)
m: np.argmax(m, axis=0)
m: m.argmin()
v: np.any(v > 0.5)
a: (a > 0).all(axis=0)
v: np.count_nonzero(v)
e: np.count_nonzero(e)
a: np.count_nonzero(a > 0.5, axis=0)
i: np.count_nonzero(i, axis=1, keepdims=True)
v: np.cumsum(v)
x: np.cumsum(x)
a: np.cumsum(a, axis=0)
a: a.cumsum(axis=1)
c: np.cumsum(c, axis=1)
f: np.cumsum(f, axis=0, dtype=np.float64)
i: np.cumsum(i, axis=0)
u: np.cumsum(u, axis=1)
m: m.cumsum(axis=0)
v: v.cumprod()
j: np.cumprod(j, axis=1)
v: np.diff(v)
a: np.diff(a, axis=0)
a: np.diff(a)
v: np.diff(v, n=2)
u: np.diff(u, axis=0)
m: np.diff(m)
a: np.linalg.norm(a, axis=1)
f: np.linalg.norm(f, axis=0, keepdims=True)
i: np.linalg.norm(i, axis=1)
v: np.linalg.norm(v, ord=1)
x: np.linalg.norm(x, np.inf)
a: np.linalg.norm(a, ord=-np.inf, axis=0)
v: np.ptp(v)
a: np.ptp(a, axis=0)
v: np.average(v)
v,w: np.average(v, weights=w)
a,b: np.average(a, axis=0, weights=b)
q: np.trace(q)
a: a.trace(1)
i: np.trace(i)
v: np.trapezoid(v)
v,w: np.trapezoid(v, w)
v: np.trapezoid(v, dx=0.1)
p: np.cross(p, p[::-1] * 2.0)
""",
    """
f: np.sum(f, dtype=np.float64)  -> reduction-type
a: np.linalg.norm(a)  -> library-contraction
v: np.sum(v, where=v > 0)  -> keyword-argument
a: np.cumsum(a)  -> axis
z: z.max()  -> complex-order
v: np.median(v)  -> library-call
""",
)


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Table:
    TABLE.build(tmp_path_factory.mktemp("reductions"), "reductions")
    return TABLE


@pytest.mark.parametrize("line", TABLE.every)
def test_lowering(line: str) -> None:
    TABLE.interpret(line)


@pytest.mark.slow
@pytest.mark.parametrize("line", TABLE.every)
def test_native(table: Table, line: str) -> None:
    table.check(line)
