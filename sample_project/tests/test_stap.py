"""The radar application against direct Fourier sums and closed forms."""

import numpy as np
import pytest
from radarlab import stap

TINY = stap.SCENARIOS["tiny"]


@pytest.fixture(scope="module")
def setup():
    return stap.prepare(TINY)


def direct_dft(rows, length):
    """Discrete Fourier transform of each row, zero padded, straight from the definition."""
    k = np.arange(length)[:, None]
    n = np.arange(rows.shape[1])[None, :]
    return rows @ np.exp(-2j * np.pi * k * n / length).T


def noise_free_cube(setup):
    return setup.steering[None, :, None] * setup.echoes[:, None, :]


def test_sizes():
    assert (TINY.channels, TINY.samples, TINY.fft_length) == (15, 500, 1024)
    small = stap.SCENARIOS["small"]
    assert (small.channels, small.samples, small.fft_length) == (315, 10_000, 32_768)
    assert stap.SCENARIOS["max"].fft_length == 65_536


def test_geometry(setup):
    assert setup.echoes.shape == (8, 500)
    np.testing.assert_allclose(np.abs(setup.echoes), 1.0, rtol=1e-12)
    np.testing.assert_allclose(np.abs(setup.steering), 1.0, rtol=1e-12)
    tau = stap.pulse_delays(TINY)
    assert tau[0] == pytest.approx(2 * -250.0 / 0.299792458e9)
    assert tau[1] - tau[0] == pytest.approx(2 * 30.0 * 5e-6 / 0.299792458e9)
    # x runs fastest: neighbours in a row differ by 0.75 m in x only
    step = setup.steering[1] / setup.steering[0]
    assert step == pytest.approx(np.exp(2j * np.pi * 9e9 / 0.299792458e9 * 0.75 * 0.2))


def test_matched_filter_is_the_conjugate_spectrum(setup):
    t = stap.sample_times(TINY)
    chirp = np.exp(1j * np.pi * (1e8 / 0.5e-6) * t**2)[None, :]
    np.testing.assert_allclose(setup.matched, np.conj(direct_dft(chirp, 1024))[0], rtol=1e-7, atol=1e-8)


def test_window_is_centred_on_zero_frequency():
    window = np.zeros(1024)
    window[512] = 1.0
    matched = stap.prepare(TINY, window).matched
    assert matched[0] != 0.0
    assert np.count_nonzero(matched) == 1


def test_beam_without_noise(setup):
    beam = stap.form_beam(noise_free_cube(setup), setup.steering)
    np.testing.assert_allclose(beam, TINY.channels * setup.echoes, rtol=1e-12)


def test_process_cubes_against_direct_sums(setup):
    rng = np.random.default_rng(3)
    shape = (2, 8, 15, 500)
    cubes = noise_free_cube(setup)[None] + rng.standard_normal(shape) + 1j * rng.standard_normal(shape)
    maps = stap.process_cubes(cubes, setup.steering, setup.matched)
    assert maps.shape == (2, 32, 1024)
    beam = np.einsum("k,cpks->cps", np.conj(setup.steering), cubes)
    for c in range(2):
        filtered = direct_dft(beam[c], 1024) * setup.matched
        profile = np.conj(direct_dft(np.conj(filtered), 1024)) / 1024 / 500
        profile = np.roll(profile, 512, axis=1)
        expected = np.roll(direct_dft(profile.T, 32).T, 16, axis=0)
        np.testing.assert_allclose(maps[c], expected, rtol=1e-6, atol=1e-6)


def test_simulated_cubes_are_the_processed_noise(setup):
    """Drawing inside and drawing the same stream outside give the same maps."""
    maps = stap.simulate_cubes(setup, 2, np.random.default_rng(11))
    rng = np.random.default_rng(11)
    cubes = np.empty((2, 8, 15, 500), dtype=complex)
    for c in range(2):
        for p in range(8):
            real = rng.standard_normal((15, 500))
            imag = rng.standard_normal((15, 500))
            cubes[c, p] = stap.noisy_pulse(setup.echoes[p], setup.steering, real, imag)
    np.testing.assert_array_equal(maps, stap.process_cubes(cubes, setup.steering, setup.matched))


def test_simulation_leaves_the_stream_where_it_should(setup):
    rng = np.random.default_rng(5)
    stap.simulate_cubes(setup, 1, rng)
    other = np.random.default_rng(5)
    other.standard_normal(2 * 8 * 15 * 500)
    assert rng.standard_normal() == other.standard_normal()


def test_noise_power(setup):
    """The mean over the beam of |noise|^2 is the number of channels: Ch unit-power noises with unit weights."""
    rng = np.random.default_rng(17)
    silent = np.zeros_like(setup.echoes[0])
    real, imag = rng.standard_normal((2, 15, 500))
    slab = stap.noisy_pulse(silent, setup.steering, real, imag)
    beam = stap.form_beam(slab[None], setup.steering)
    assert np.mean(np.abs(beam) ** 2) == pytest.approx(15.0, rel=0.2)
