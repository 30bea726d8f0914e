"""The loop kernels against NumPy, linear algebra and exhaustive search."""

from itertools import pairwise, permutations

import numpy as np
import pytest
from radarlab import kernels


def test_integrate():
    total = np.arange(6.0)
    kernels.integrate(total, np.full((3, 6), 0.5), 4.0)
    np.testing.assert_array_equal(total, np.arange(6.0) + 6.0)


def test_integrate_one_buffer_shifted():
    """Overlapping views: each element sees the one that was just updated."""
    chain = np.ones(5)
    kernels.integrate(chain[1:], chain[np.newaxis, :-1], 1.0)
    np.testing.assert_array_equal(chain, [1.0, 2.0, 3.0, 4.0, 5.0])


def test_integrate_too_short_an_echo():
    total = np.zeros(4)
    with pytest.raises(IndexError):
        kernels.integrate(total, np.ones((2, 3)), 1.0)
    np.testing.assert_array_equal(total, [1.0, 1.0, 1.0, 0.0])


@pytest.mark.parametrize("shape", [(7, 5, 6), (1, 1, 1), (3, 0, 2)])
def test_matmul(shape):
    n, depth, m = shape
    rng = np.random.default_rng(1)
    a, b = rng.standard_normal((n, depth)), rng.standard_normal((depth, m))
    np.testing.assert_allclose(kernels.matmul(a, b), a @ b, rtol=1e-12, atol=1e-12)


def test_covariance():
    data = np.random.default_rng(2).standard_normal((30, 9))
    np.testing.assert_allclose(kernels.covariance(data), np.cov(data, rowvar=False), rtol=1e-11, atol=1e-13)


def test_correlation():
    data = np.random.default_rng(3).standard_normal((25, 8)) * 3.0 + 1.0
    np.testing.assert_allclose(kernels.correlation(data), np.corrcoef(data, rowvar=False), rtol=1e-10, atol=1e-12)


def test_correlation_of_a_constant_column():
    data = np.random.default_rng(4).standard_normal((12, 4))
    data[:, 2] = 5.0
    corr = kernels.correlation(data)
    np.testing.assert_allclose(corr[2, [0, 1, 3]], 0.0, atol=1e-12)
    assert corr[2, 2] == 1.0


@pytest.mark.parametrize("shape", [(9, 9), (6, 11), (2, 5)])
def test_heat2d_is_the_sliced_update(shape):
    plate = np.random.default_rng(5).random(shape)
    expected, buffer = plate.copy(), plate.copy()
    other = plate.copy()
    for _ in range(2 * 3):
        u = expected
        other[1:-1, 1:-1] = 0.2 * (u[1:-1, 1:-1] + u[1:-1, :-2] + u[1:-1, 2:] + u[2:, 1:-1] + u[:-2, 1:-1])
        expected, other = other, expected
    kernels.heat2d(plate, buffer, 3)
    np.testing.assert_array_equal(plate, expected)


def test_heat2d_without_steps():
    plate = np.eye(4)
    kernels.heat2d(plate, np.zeros((4, 4)), 0)
    np.testing.assert_array_equal(plate, np.eye(4))


def dominant(n, seed):
    return np.random.default_rng(seed).random((n, n)) + n * np.eye(n)


def test_lu_multiplies_back():
    original = dominant(12, 6)
    factors = original.copy()
    kernels.lu(factors)
    lower = np.tril(factors, -1) + np.eye(12)
    np.testing.assert_allclose(lower @ np.triu(factors), original, rtol=1e-12, atol=1e-12)


def test_lu_solve():
    a = dominant(10, 7)
    rhs = np.arange(10.0)
    factors = a.copy()
    kernels.lu(factors)
    np.testing.assert_allclose(a @ kernels.lu_solve(factors, rhs), rhs, rtol=1e-11, atol=1e-11)


def test_lu_warns_about_a_zero_pivot():
    with pytest.warns(RuntimeWarning, match="divide by zero"):
        kernels.lu(np.array([[0.0, 1.0], [1.0, 1.0]]))


def test_shortest_paths_by_exhaustive_search():
    n = 5
    distance = np.random.default_rng(8).integers(1, 20, (n, n)).astype(float)
    np.fill_diagonal(distance, 0.0)
    found = kernels.shortest_paths(distance.copy())
    for i in range(n):
        for j in range(n):
            others = [k for k in range(n) if k not in (i, j)]
            best = distance[i, j]
            for count in range(1, len(others) + 1):
                for stops in permutations(others, count):
                    path = (i, *stops, j)
                    best = min(best, sum(distance[p, q] for p, q in pairwise(path)))
            assert found[i, j] == best


def test_shortest_paths_of_integers():
    distance = np.array([[0, 9, 1], [9, 0, 9], [9, 2, 0]])
    assert kernels.shortest_paths(distance) is distance
    np.testing.assert_array_equal(distance, [[0, 3, 1], [9, 0, 9], [9, 2, 0]])


def test_ambiguity_finds_delay_and_rate():
    rng = np.random.default_rng(5)
    replica = rng.standard_normal(60)
    t = np.arange(54)
    echo = np.concatenate([np.zeros(6), replica[:54] * np.cos(0.25 * t)])
    rates = np.array([0.0, 0.125, 0.25, 0.375])
    surface = kernels.ambiguity(echo, replica, rates, 12)
    assert np.unravel_index(np.argmax(surface), surface.shape) == (6, 2)
    transform = np.abs(np.sum(echo[6:] * replica[:54] * np.exp(-0.25j * t)))
    np.testing.assert_allclose(surface[6, 2], transform)


def test_ambiguity_of_more_delays_than_samples():
    surface = kernels.ambiguity(np.ones(3), np.ones(3), np.zeros(1), 5)
    np.testing.assert_array_equal(surface[:, 0], [3.0, 2.0, 1.0, 0.0, 0.0])
