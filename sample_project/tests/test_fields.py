"""The NumPy expressions against element-by-element formulas."""

import math

import numpy as np
import pytest
from radarlab import fields


def diffused_cell(f, coeff, i, j):
    """One cell of the horizontal diffusion; (i, j) counts from the first cell of the result."""
    p, q = i + 2, j + 2

    def lap(a, b):
        return 4.0 * f[a, b] - (f[a + 1, b] + f[a - 1, b] + f[a, b + 1] + f[a, b - 1])

    def limited(a, b, c, d):
        flux = lap(c, d) - lap(a, b)
        return 0.0 if flux * (f[c, d] - f[a, b]) > 0.0 else flux

    x = limited(p, q, p + 1, q) - limited(p - 1, q, p, q)
    y = limited(p, q, p, q + 1) - limited(p, q - 1, p, q)
    return f[p, q] - coeff[i, j] * (x + y)


@pytest.mark.parametrize("shape", [(6, 6), (1, 1), (5, 9)])
def test_horizontal_diffusion(shape):
    rng = np.random.default_rng(1)
    n, m = shape
    f, coeff = rng.random((n + 4, m + 4)), rng.random((n, m))
    expected = [[diffused_cell(f, coeff, i, j) for j in range(m)] for i in range(n)]
    np.testing.assert_allclose(fields.horizontal_diffusion(f, coeff), expected, rtol=1e-12, atol=1e-12)


def test_horizontal_diffusion_of_a_plane_changes_nothing():
    f = np.add.outer(np.arange(10.0), 2.0 * np.arange(12.0))
    np.testing.assert_array_equal(fields.horizontal_diffusion(f, np.ones((6, 8))), f[2:-2, 2:-2])


@pytest.mark.parametrize("shape", [(7,), (4, 9), (2, 3, 5)])
def test_softmax(shape):
    x = np.random.default_rng(2).standard_normal(shape) * 5
    result = fields.softmax(x)
    for index in np.ndindex(shape[:-1]):
        weights = [math.exp(v) for v in x[index]]
        np.testing.assert_allclose(result[index], [w / math.fsum(weights) for w in weights], rtol=1e-12)


def test_softmax_does_not_overflow():
    extreme = np.array([[1000.0, 1000.0], [-1000.0, 1000.0]])
    np.testing.assert_allclose(fields.softmax(extreme), [[0.5, 0.5], [0.0, 1.0]])


def test_softmax_keeps_single_precision():
    assert fields.softmax(np.zeros((2, 4), dtype=np.float32)).dtype == np.float32


def test_decibels():
    np.testing.assert_allclose(fields.decibels(np.array([1.0, 100.0, 1e-30])), [0.0, 20.0, -120.0])
    np.testing.assert_allclose(fields.decibels(np.array([[2.0]]), reference=20.0), [[-10.0]])
