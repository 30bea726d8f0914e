"""New arrays and rearrangements against NumPy."""

from __future__ import annotations

from one_liners import Table, checks_of

TABLE = Table(
    """
n: np.eye(n)
n,k: np.eye(n, k)
n: np.eye(n, n + 1, 1)
n,k: np.eye(n, k=k, dtype=np.float32)
n: np.eye(n, k=-1, dtype=int)
n: np.identity(n)
n: np.arange(n) * 2
n: np.arange(1, n) * 2
n: np.arange(0, n, 2) + 1
n,k: np.arange(k, n, 3) + 1
n: np.arange(n, 0, -1) + 1
n: np.arange(n, -3, -2)
n: np.arange(n, dtype=np.float64) * 0.5
n: np.arange(n, dtype=np.int32)
n: np.arange(n, dtype=np.uint8)
n: np.arange(0.0, 1.0, 0.1) * n
n: np.arange(5.0) * n
n: np.arange(2.0, -1.0, -0.25) + n
n: np.linspace(0.0, 1.0, n)
s: np.linspace(0.0, s, 11)
s,t: np.linspace(s, t, 7)
n,s: np.linspace(-1, s, n, endpoint=False)
n: np.linspace(0, 1, num=n)
s: np.linspace(s, 2)
n: np.full((n, n), 2.0)
n: np.full(n, 3, dtype=np.float64)
n: np.zeros([n, 2]) + 1.0
s: np.array([s, 1.0, 2.0])
s,t: np.array([[s, 1.0], [2.0, t]])
s: np.array(((s, 1, 2), (3, 4, 5)))
n: np.array([1, n, 3], dtype=np.float32)
: np.array([[1, 2], [3, 4]]) * 2
v: np.array([v[0], v[1]])
v,w: np.array([v, w])
v,w: np.array([[v, w], [w, v]])
v: np.asarray(v) * 2.0
f: np.asarray(f, dtype=np.float64)
a: np.ascontiguousarray(a) * 2.0
v,w: np.meshgrid(v, w)[0]
v,w: np.meshgrid(v, w)[1]
v,w: np.meshgrid(v, w, indexing="ij")[1]
v,w: np.meshgrid(v, w, sparse=True)[0] * 2.0
n,k: np.indices((n, k))
n: np.indices((n, 3))[1] * 2
n: np.mgrid[0:n, 1:4][1] * 2
n,k: np.mgrid[k:n:2, 0:k]
n: np.mgrid[0:n] * 2
n,k: np.ogrid[0:n, 0:k][1] * 2
v: np.copy(v)
a: a.copy()
a: a.T.copy()
a: np.copy(a.T)
v: v.flatten()
v: v.astype(np.float32)
v: v.astype(np.int64)
v: np.abs(v).astype(np.uint8)
x: x.astype(bool)
v: v.astype("int32")
v: (np.abs(v) * 2.5).astype(np.uint8)
u: u.astype(np.float64)
u: u.astype(int)
i: i.astype(np.uint8)
v: v.astype(np.float64, copy=False) * 2.0
f: f.astype(np.float64, copy=False)
v: np.zeros_like(v, dtype=np.int64)
v: np.full_like(v, 2)
a: np.ones_like(a.T)
v: np.ones(v.shape)
q: np.triu(q)
q: np.tril(q, -1)
a: np.triu(a, 1)
q,k: np.tril(q, k)
e: np.tril(e.T)
c: np.triu(c)
n: np.tri(n)
n,k: np.tri(n, k, 1, dtype=int)
v: np.diag(v)
v: np.diag(v, 2) + np.diag(v, -2)
q: np.diag(q) * 2.0
v,w: np.concatenate((v, w))
a,b: np.concatenate((a, b), axis=1)
a,b: np.concatenate([a.T, b.T], axis=0)
v,w: np.concatenate([v, w, v])
f,a: np.concatenate((f, a))
i,u: np.concatenate((i, u), axis=-1)
v: np.concatenate((v[-1:], v, v[:1]))
v,w: np.stack((v, w))
v,w: np.stack([v, w], axis=1)
a,b: np.stack((a, b), -1)
v,w: np.hstack((v, w))
a,b: np.hstack((a, b))
a,b: np.vstack((a, b))
v,w: np.vstack((v, w))
v,w: np.column_stack((v, w))
a,b: np.dstack((a, b))
v,w: np.append(v, w)
v: np.tile(v, 3)
a: np.tile(a, (2, 2))
v: np.tile(v, (2, 1))
a: np.tile(a, 2)
v: np.repeat(v, 3)
a: np.repeat(a, 2, axis=0)
a: a.repeat(3, axis=1)
v: np.roll(v, 1)
v: np.roll(v, -2)
v,k: np.roll(v, k)
a: np.roll(a, -1, axis=0)
a: np.roll(a, (1, 2), (0, 1))
a: np.roll(a, 1, (0, 1))
a: np.roll(a, 1, axis=0) + np.roll(a, -1, axis=0) - 2.0 * a
v: np.pad(v, 1)
v: np.pad(v, (1, 2), constant_values=7)
v,s: np.pad(v, 2, "constant", constant_values=s)
a: np.pad(a, ((1, 1), (2, 0)), mode="constant")
a,k: np.pad(a, k)
a: np.pad(a, 1, mode="edge")
a: np.pad(a, ((2, 1), (0, 3)), mode="edge")
v: np.pad(v, 2, mode="wrap")
a: np.pad(a, 1, "reflect")
a: np.pad(a, (2, 1), "symmetric")
a: np.pad(a, ((1, 2), (2, 1)), "wrap")
d: np.pad(d, ((0, 0), (1, 1), (1, 1), (0, 0)))
u: np.pad(u, 1, mode="edge")
""",
    """
a: a.flatten()  -> creation
a: np.roll(a, 1)  -> axis
v,k: np.repeat(v, k)  -> arguments
n,s: np.arange(0.0, n, s)  -> arguments
v: np.pad(v, 1, "linear_ramp")  -> arguments
v: np.insert(v, 0, 1.0)  -> call
""",
)


test_lowering, test_native = checks_of(TABLE, "creation")
