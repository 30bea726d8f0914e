"""The detector against a NumPy formulation and known targets."""

import numpy as np
import pytest
from radarlab.cfar import CfarDetector


def expected_noise(power, guard, train):
    noise = np.zeros_like(power)
    reach = guard + train
    for j in range(reach, power.shape[1] - reach):
        window = np.concatenate([power[:, j - reach : j - guard], power[:, j + guard + 1 : j + reach + 1]], axis=1)
        noise[:, j] = window.mean(axis=1)
    return noise


def test_scan():
    power = np.random.default_rng(1).exponential(size=(5, 60))
    power[2, 30] = 100.0
    power[4, 13] = 80.0
    detector = CfarDetector(5, 60, guard=1, train=4, scale=10.0)
    found = detector.scan(power)
    noise = expected_noise(power, 1, 4)
    np.testing.assert_allclose(detector.noise, noise, rtol=1e-12)
    valid = np.zeros(power.shape, dtype=bool)
    valid[:, 5:-5] = True
    np.testing.assert_array_equal(detector.hits, valid & (power > 10.0 * noise))
    assert detector.hits[[2, 4], [30, 13]].all()
    assert found == np.count_nonzero(detector.hits)


def test_scan_forgets_old_targets():
    detector = CfarDetector(1, 40)
    power = np.ones((1, 40))
    power[0, 20] = 50.0
    assert detector.scan(power) == 1
    assert detector.scan(np.ones((1, 40))) == 0
    assert not detector.hits.any()
    assert detector.scans == 2


def test_scan_of_a_map_that_is_too_small():
    with pytest.raises(IndexError):
        CfarDetector(3, 60).scan(np.ones((2, 60)))


def test_nothing_fits_between_the_edges():
    assert CfarDetector(4, 12).scan(np.ones((4, 12))) == 0


def test_smooth():
    detector = CfarDetector(2, 5)
    detector.noise[:] = [[1.0, 2.0, 3.0, 4.0, 5.0], [0.0, 8.0, 0.0, 0.0, 0.0]]
    detector.smooth(0.5)
    np.testing.assert_array_equal(detector.noise, [[1.0, 1.5, 2.25, 3.125, 4.0625], [0.0, 4.0, 2.0, 1.0, 0.5]])
