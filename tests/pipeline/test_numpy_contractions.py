"""Products of arrays against NumPy: exact ones, and those of floats by NumPy's own library; in bounded mode sums within bounds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from built import build, profile_of
from one_liners import ARGUMENTS, Table, checks_of

from setuptools_polyopt.config import Settings

TABLE = Table(
    """
i: i @ i.T
i: np.dot(i, i[0])
i: i[:, 0] @ i
i: i[0] @ i[1]
j: np.matmul(j[None], j.T)
i: np.matmul(np.stack((i, i + 1)), np.stack((i.T, i.T * 2)))
i: np.dot(np.stack((i, i)), i.T)
i: np.inner(i, i[:2])
i: np.inner(i[0], i[1])
i: np.vdot(i, i)
m: m @ m.T
u: u @ u.T
h: np.dot(h, h)
i: np.tensordot(i, i, axes=([1], [1]))
i: np.tensordot(i, i.T, 1)
i: np.einsum("ij,kj->ik", i, i)
i: np.einsum("ij,ij->j", i, i)
i: np.einsum("ij,ij", i, i)
i: np.einsum("ij,kj,k->i", i, i, i[:, 0])
v,w: np.einsum("i,j->ij", v, w)
a,b: np.einsum("ij,ij->ij", a, b * 0.0)
a: np.einsum("ij,j->ij", a, a[0])
q: np.einsum("ii,i->i", q, q[0])
q,r: q @ r
q,r: np.dot(q, r)
a: a @ a.T
a: a.T @ a
a: np.dot(a.T, a)
a: a @ a[0]
a: a[:, 0] @ a
a: np.dot(a, a[0])
a: np.dot(a[:, 0], a)
a: a[:, 0].dot(a[:, 1])
a: np.dot(a[1:, 1:], a[0, 1:])
a: np.dot(a[:, 1:], a[:, 1:].T)
a: a[:, ::-1] @ a[0]
a: np.dot(a[::-1, ::2], a[0, ::-2])
a: a[:, :1] @ a[:1]
a: a[:1] @ a[0]
a: np.dot(a[:1], a.T)
a,b: (a.T + 1.0) @ b
a,b: np.dot((a * b).T, a - b)
a: (a.T * 2.0)[1] @ a
a: np.inner(a, a)
a: np.inner(a, a[0])
v,w: v @ w
v,w: np.dot(v, w)
v: v[::-1] @ v
v: v[::2].dot(v[::2])
v,w: np.vdot(v, w)
a: np.vdot(a[:, 0], a[:, 1])
f: f @ f.T
f: np.dot(f, f[0])
f: f[0] @ f[1]
e: e @ e.T
z: z @ z.T
z: z.dot(z[0])
z: z[0] @ z[1]
c: c @ c.swapaxes(1, 2)
c: c @ c[0].T
c: np.matmul(c[:, :1], c[0].T)

""",
    """
i,a: i @ a.T  -> library-contraction
z: z.real @ z.real.T  -> library-contraction
c: np.dot(c, c[0, 0])  -> library-contraction
a: np.vdot(a, a)  -> library-contraction
d: d[:, :1] @ d.swapaxes(2, 3)  -> result-layout
a,b: np.einsum("ij,ij->i", a, b)  -> library-contraction
a: np.einsum("ij->ji", a)  -> arguments
i: np.einsum("ij,jk", i, i.T)  -> result-layout
i: np.tensordot(i, i, 2)  -> rank-0
v,w: np.convolve(v, w)  -> library-call
q,r: np.kron(q, r)  -> call
""",
)

BOUNDED = '''
import numpy as np


def batched(c, d):
    return np.matmul(c, d), np.einsum("bij,bjk->ik", c, d), np.tensordot(c, d, axes=((0, 1), (0, 2)))


def norms(c, d):
    return np.linalg.norm(c[0]), np.inner(c[0], d[0].T), c[0] @ d[0][:, 0], np.vdot(c, c)
'''


test_lowering, test_native = checks_of(TABLE, "contractions")


def test_bounded_products(tmp_path: Path) -> None:
    c, d = ARGUMENTS["c"][0], np.ascontiguousarray(ARGUMENTS["c"][0].swapaxes(1, 2))
    calls = {name: [[c, d]] for name in ("batched", "norms")}
    built = build(tmp_path, "bounded", BOUNDED, profile_of(BOUNDED, "bounded.mod", calls), Settings(fp="bounded"))
    for name in calls:
        theirs, ours = (getattr(module, name)(c, d) for module in (built.plain, built.built))
        assert getattr(built.built._polyopt, f"{name}_0").__self__.refusal is None
        for one, other in zip(ours, theirs, strict=True):
            assert type(one) is type(other)
            np.testing.assert_allclose(one, other, rtol=1e-11, atol=1e-9)
