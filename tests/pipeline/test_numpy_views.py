"""Views, and assignment through them, against NumPy."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from built import build, profile_of
from one_liners import ARGUMENTS, Table, checks_of, fresh, observe

TABLE = Table(
    """
a: a.T + 1.0
a: (a.T * 2.0).sum(axis=0)
a,b: a.T * b.T - 1.0
c: c.transpose() * 2.0
c: c.transpose(2, 0, 1).copy()
c: np.transpose(c, (1, 0, 2)).copy()
c: np.swapaxes(c, 0, -1) * 2.0
c: c.swapaxes(0, 1).copy()
c: np.moveaxis(c, 0, -1).copy()
d: np.moveaxis(d, (0, 3), (2, 0)).copy()
c: np.rollaxis(c, 2).copy()
c: np.rollaxis(c, 0, 3).copy()
v: v[:, np.newaxis] * v
v: v[None] + v[:, None]
v: np.expand_dims(v, 0) * 2.0
v: np.expand_dims(v, (0, 2)) * 2.0
a: np.expand_dims(a, -1) * a[:, None]
a: np.squeeze(a[0:1], axis=0) * 2.0
a: a[0:1].squeeze() * 2.0
a: np.sum(a, axis=1, keepdims=True).squeeze(1) * a[:, 0]
a: np.flip(a) * 2.0
a: np.flip(a, 0) * 2.0
c: np.flip(c, (0, 2)) + 1.0
a: np.fliplr(a) + np.flipud(a)
v: v[::-1] * 2.0
q: np.rot90(q) * 2.0
a: np.rot90(a, 2) * 2.0
q: np.rot90(q, 3) * 2.0
q: np.rot90(q, 4) * 2.0
q: np.diagonal(q) * 2.0
a: a.diagonal(1) * 2.0
a: a.diagonal(-2) * 2.0
c: np.diagonal(c, axis1=1, axis2=2).copy()
q: np.diagonal(q).sum()
v: np.broadcast_to(v, (3, v.shape[0])) * 2.0
v: np.broadcast_to(v[:, None], (v.shape[0], 3)) * 2.0
z: z.real + z.imag
z: np.real(z) * np.imag(z)
z: z.T.real * 2.0
a: np.atleast_2d(a) + 1.0
v: np.atleast_2d(v) + 1.0
v: np.atleast_3d(v) + 1.0
v: v.reshape(3, 2) + 1.0
v: v.reshape((2, 3)) + 1.0
v: np.reshape(v, (-1, 2)) * 2.0
v: v.reshape(-1, 3).sum(axis=0)
v: v.reshape(v.shape[0] // 2, 2) * 2.0
v: v.reshape(v.shape[0] // 2, 2).max(axis=1)
c: c.reshape(c.shape[0] // 2, 2, c.shape[1] // 2, 2, -1).max(axis=(1, 3)) * 1.0
a: a.reshape(a.shape[0], 1, a.shape[1]) * 2.0
a: a.reshape(1, a.shape[0], -1) * 2.0
v: v.reshape(-1) * 2.0
""",
    """
a: a.reshape(-1) * 2.0  -> view
v: v.reshape(2, -1) * 2.0  -> view
c: c.transpose(2, 0, 1) * 2.0  -> result-layout
c: np.diagonal(c) * 2.0  -> result-layout
""",
)

STORES = '''
import numpy as np


def transposed(a, b):
    a.T[:] = b.T + 1.0
    a.T[0, :] = 7.0
    a.T[1] += 1.0


def swapped(a, b):
    v = np.swapaxes(a, 0, 1)
    for i in range(v.shape[0]):
        v[i] = v[i] * 2.0 + b[:, i]


def backwards(a, b):
    np.flip(a, 1)[:] = b * 2.0
    a[::-1][0] += 1.0


def halves(a, b):
    h = a[0].reshape(2, 2)
    h[:, 1] = 3.0
    h[0] += b[0, 0]


def parts(z, w):
    z.real[:] = w.imag * 2.0
    z.imag[1] += 3.0
    z.imag[:, 0] = 0.0


def mirrored(a, b):
    a[:] = a[::-1]
    a[:, :] = np.fliplr(a) + b


def read_only(a, b):
    d = np.diagonal(a)
    for i in range(2):
        d[i] = 1.0
'''


test_lowering, test_native = checks_of(TABLE, "views")


def test_stores_through_views(tmp_path: Path) -> None:
    names = ["transposed", "swapped", "backwards", "halves", "parts", "mirrored", "read_only"]
    kinds = {name: "zz" if name == "parts" else "ab" for name in names}
    calls = {name: [[ARGUMENTS[kind][0] for kind in kinds[name]]] for name in names}
    built = build(tmp_path, "stores", STORES, profile_of(STORES, "stores.mod", calls))
    optimised = {region.function for module in built.compiled.report.modules for region in module.regions}
    assert optimised >= {*names} - {"read_only"}
    for name in names:
        for place in range(len(ARGUMENTS["a"])):
            first, second = (ARGUMENTS[kind][place] for kind in kinds[name])
            values = [first, second * 2.0]
            theirs, ours = (observe(getattr(module, name), [fresh(v) for v in values]) for module in (built.plain, built.built))
            assert ours == theirs, (name, place)
        arguments = [fresh(ARGUMENTS[kind][0]) for kind in kinds[name]]
        if name != "read_only":
            getattr(built.built, name)(*arguments)
            assert getattr(built.built._polyopt, f"{name}_0").__self__.refusal is None, name
    assert np.array_equal(ARGUMENTS["a"][0], ARGUMENTS["b"][0])
