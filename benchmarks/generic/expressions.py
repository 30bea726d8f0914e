"""Small functions of the kind that any numerical program is full of: nobody tuned polyopt for them, and none may become slower.

The names of the parameters say what they are (see ``arguments.py``): ``a b c`` float64, ``f g`` float32, ``i j`` int64, ``z w`` complex128
(all of them n by n), ``u v`` float64 vectors of n * n elements, ``q r`` cubes of short rows.
"""

import numpy as np


def multiply_add(a, b, c):
    return a * b + c


def multiply_add_float32(f, g):
    return f * g + f


def multiply_add_integers(i, j):
    return i * j + i


def multiply_add_complex(z, w):
    return z * w + z


def multiply_add_cubes(q, r):
    return q * r + q


def squared_distance(a, b):
    return np.sum((a - b) ** 2)


def squared_distance_float32(f, g):
    return np.sum((f - g) ** 2)


def share(a):
    return a / np.sum(a)


def exponential_sum(a):
    return np.exp(a - a.max()).sum()


def column_means(a):
    return a.mean(axis=0)


def centred(a):
    return a - a.mean(axis=0)


def row_variance(a):
    return ((a - a.mean(axis=1, keepdims=True)) ** 2).sum(axis=1)


def differences(u):
    return u[1:] - u[:-1]


def turned(a, b):
    return a.T + b


def turned_product(a, b):
    return a.T * b + a


def chosen(a, b):
    return np.where(a > 5, a, b)


def product(a, b, c):
    return a @ b * 2 + c


def add_in_place(a, b):
    a += b


def every_other(a):
    a[::2] *= 0.5
    a[1::2] *= 2.0


def length(a, b):
    return np.sqrt(a * a + b * b)


def length_float32(f, g):
    return np.sqrt(f * f + g * g)


def length_complex(z, w):
    return np.abs(z * w)


def conjugate_product(z, w):
    return z * np.conj(w)


def wave(a):
    return np.sin(a) * 2.0 + 1.0


def decay(u):
    return np.exp(-u)


def scaled_sum(u, v):
    return 2.5 * u + v


def scaled_sum_in_place(u, v):
    v += 2.5 * u


def outer(u, v):
    return u[:50, None] * v[None, :50] + 1.0


def clipped(a):
    return np.minimum(np.maximum(a, 2.0), 7.0)


def between(a, b):
    return (a > b) & (a < 5)


def count(a):
    return np.sum(a > 5)


def laplacian(a):
    return a[1:-1, 1:-1] * 4 - a[:-2, 1:-1] - a[2:, 1:-1] - a[1:-1, :-2] - a[1:-1, 2:]


def polynomial(u):
    return ((1.5 * u + 2.0) * u - 3.0) * u + 0.5


def sigmoid(a):
    return 1.0 / (1.0 + np.exp(-a))


def weighted_mean(u, v):
    return np.sum(u * v) / np.sum(v)


def row_distances(a, b):
    return np.sqrt(((a - b) ** 2).sum(axis=1))


def normalised_rows(a):
    return a / a.sum(axis=1, keepdims=True)
