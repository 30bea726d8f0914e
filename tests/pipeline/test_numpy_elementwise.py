"""Functions of single elements against NumPy, with their options, and the methods of ufuncs."""

from __future__ import annotations

from pathlib import Path

from built import build, profile_of
from one_liners import ARGUMENTS, Table, checks_of, fresh, observe

TABLE = Table(
    """
u: u + u
u: u * 2
u: u / 2
u: ~u & 15
u: (u >> 2) | (u << 1)
u: np.abs(u.astype(np.int16) - 100)
u: np.where(u > 100, u, 0)
u,j: u + j
h: h * 2 + 1
h: h // 7
h: h % 7
h: np.fmod(h, 7)
l: l ^ (l >> 3)
l: l * 3
l: l > 5
l: l == -1
i: np.fmod(i, 3)
j: np.sign(j)
j: abs(j)
v: np.fmod(v, 0.3)
x: np.maximum(x, 0.5)
x: np.clip(x, 0.0, 1.0)
v: v.clip(0.0, 1.0)
x: np.clip(x, 0, None)
x: np.clip(x, None, 0.5)
x: x.clip(max=1.0)
u: np.clip(u, 10, 200)
u: np.clip(u, -10, 200)
u: np.clip(u, 10, 300)
j: j.clip(-5, 5)
x: np.nan_to_num(x)
f: np.nan_to_num(f, posinf=1.0)
x: np.nan_to_num(x, nan=-1.0, posinf=9.0, neginf=-9.0)
i: np.nan_to_num(i)
e: np.isnan(e) & np.isfinite(e)
v: np.isclose(v, 0.5)
v: np.isclose(v, v * (1 + 1e-6))
v,w: np.allclose(v, w)
v: np.allclose(v, v + 1e-9, rtol=1e-7)
v: np.array_equal(v, v * 1.0)
x: np.array_equal(x, x)
v: np.round(v, 2)
f: f.round(3)
v: np.round(v, -1)
v: np.divmod(v, 0.75)[0]
j: np.divmod(j, 7)[1]
v: np.select([v > 1, v > 0], [v, 2 * v], 0.0)
x: np.select([x > 1, x > 0], [x, 1.0])
v: np.polyval([1.0, 2.0, 3.0], v)
v: np.polyval((2, 0, 1), v)
z: np.angle(z)
e: np.nansum(e)
e: np.nansum(e, axis=0)
v,w: np.add(v, w, dtype=np.float64)
f: np.multiply(f, 2.5, dtype=np.float64)
f: np.sqrt(np.abs(f), dtype=np.float64)
i: i / 4
i: np.add(i, 1, dtype=np.float64)
v,w: np.add(v, w, out=np.zeros_like(v))
v,w: np.add(v, w, where=v > 0.5, out=np.zeros_like(v))
v,x: np.divide(1.0, v, out=np.zeros_like(v), where=v > 0.1) + v
v: np.add.reduce(v)
a: np.add.reduce(a)
c: np.add.reduce(c, axis=(0, 1))
a: np.add.reduce(a, axis=None)
a: np.maximum.reduce(a, axis=0)
m: np.logical_or.reduce(m)
m: np.logical_and.reduce(m, axis=1, keepdims=True)
v: np.multiply.reduce(v)
a: np.add.accumulate(a)
e: np.maximum.accumulate(e, axis=1)
g: np.minimum.accumulate(g, axis=2)
v,w: np.multiply.outer(v, w)
v,w: np.subtract.outer(v, w)
a,v: np.add.outer(a, v)
v,w: np.outer(v, w)
v: np.exp(-np.square(v)) / np.sqrt(np.abs(v) + 1.0)
z: np.exp(z) * 2.0
v: np.deg2rad(v) + np.degrees(v)
v: np.logaddexp(v, 1.0) - np.log1p(np.exp(v))
v: np.hypot(v, 1.0) + np.arctan2(v, 2.0) + np.cbrt(v)
v: np.sinh(v, where=v > 0.1, out=np.zeros_like(v)) * 1.0
v: np.array([np.sinh(x) for x in v]) * 2.0
v: np.sinh(v) + np.arcsinh(v)
v: np.heaviside(v, 0.5) + np.sign(v) + np.copysign(1.0, v)
""",
    """
x: np.fmax(x, 0.5)  -> position-dependent
v: np.add(v, v, where=v > 0)  -> keyword-argument
v: np.interp(v, v, v)  -> library-call
v: np.unwrap(v)  -> call
v: np.sinh(v[::-1])  -> reversed-operand
""",
)

STORES = '''
import numpy as np


def outs(a, b):
    np.add(a, b, out=a)
    np.multiply(a, 2.0, a)
    np.clip(a, -1.0, 1.0, out=b)
    return a.sum(axis=0)


def masked(a, b):
    np.divide(a, b, out=b, where=b > 0.5)
    np.sqrt(a, where=a > 0.0, out=a)
    np.copyto(b, a)
    np.fill_diagonal(b, 3.0)


def aliased(a, b):
    c = np.subtract(a[:-1], b[1:], out=a[1:])
    c += 1.0
    return (c * 2.0).copy()
'''


test_lowering, test_native = checks_of(TABLE, "elementwise")


def test_results_that_go_into_given_arrays(tmp_path: Path) -> None:
    names = ("outs", "masked", "aliased")
    calls = {name: [[ARGUMENTS["a"][0], ARGUMENTS["b"][0]]] for name in names}
    built = build(tmp_path, "outs", STORES, profile_of(STORES, "outs.mod", calls))
    for name in names:
        for place in range(len(ARGUMENTS["a"])):
            values = [ARGUMENTS["a"][place], ARGUMENTS["b"][place] * 0.5 + 0.25]
            theirs, ours = (observe(getattr(module, name), [fresh(v) for v in values]) for module in (built.plain, built.built))
            assert ours == theirs, (name, place)
            if not place:
                assert getattr(built.built._polyopt, f"{name}_0").__self__.refusal is None, name
