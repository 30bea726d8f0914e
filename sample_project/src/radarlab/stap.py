"""The STAP (space-time adaptive processing) radar application.

An antenna of ``nx * ny`` channels receives ``pulses`` echoes of a linear chirp.  For each data cube (pulse,
channel, sample) the channels are combined towards the target, each pulse is compressed with the matched filter,
and a Fourier transform over the pulses sorts the echoes by speed.  Cubes are independent of each other.

Two forms of the program: :func:`process_cubes` takes measured data cubes, :func:`simulate_cubes` draws the
receiver noise itself.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LIGHT_SPEED = 0.299792458e9  # m/s
CARRIER = 9e9  # Hz
SAMPLE_RATE = 1e9  # Hz
BANDWIDTH = 1e8  # Hz, swept during one pulse
DUTY_CYCLE = 0.1
TARGET_SPEED = 30.0  # m/s
START_RANGE = -250.0  # m, relative to the range centre
DIRECTION_U = 0.2
DIRECTION_W = -0.3
HALF_WIDTH = 1.5  # m, antenna
HALF_HEIGHT = 1.05  # m, antenna


@dataclass(frozen=True)
class Scenario:
    """The size of a problem: pulse width in seconds, number of pulses, antenna elements in x and y."""

    pulse_width: float
    pulses: int
    nx: int
    ny: int

    @property
    def channels(self):
        return self.nx * self.ny

    @property
    def samples(self):
        return round(self.pulse_width * SAMPLE_RATE)

    @property
    def fft_length(self):
        return 2 * 2 ** int(np.ceil(np.log2(self.samples)))


SCENARIOS = {
    "tiny": Scenario(0.5e-6, 8, 5, 3),
    "small": Scenario(10e-6, 32, 21, 15),
    "medium": Scenario(10e-6, 64, 21, 15),
    "large": Scenario(10e-6, 64, 21, 30),
    "max": Scenario(30e-6, 100, 40, 25),
}


@dataclass(frozen=True)
class Setup:
    """What is computed once: echoes ``g`` (P, S), steering vector ``s`` (Ch,), matched filter ``h`` (F,)."""

    echoes: NDArray[np.complex128]
    steering: NDArray[np.complex128]
    matched: NDArray[np.complex128]


def sample_times(scenario):
    """The S sampling instants of one pulse, from -Tp/2 in steps of 1/fs."""
    return -scenario.pulse_width / 2 + np.arange(scenario.samples) / SAMPLE_RATE


def pulse_delays(scenario):
    """The two-way delay of the target for each of the P pulses."""
    interval = scenario.pulse_width / DUTY_CYCLE
    pulse = np.arange(scenario.pulses)
    return 2.0 * (START_RANGE + interval * pulse * TARGET_SPEED) / LIGHT_SPEED


def chirp_echoes(t: NDArray[np.float64], tau: NDArray[np.float64], rate: float) -> NDArray[np.complex128]:
    """One delayed chirp per row: ``exp(i pi rate (t - tau[p])**2)``, shape (P, S)."""
    delay = t[np.newaxis, :] - tau[:, np.newaxis]
    return np.exp(1j * np.pi * rate * delay**2)


def steering_vector(nx, ny):
    """The phase of a plane wave from the target at each antenna element, x fastest."""
    xs = np.linspace(-HALF_WIDTH, HALF_WIDTH, nx)
    ys = np.linspace(-HALF_HEIGHT, HALF_HEIGHT, ny)
    wavenumber = 2.0 * np.pi * CARRIER / LIGHT_SPEED
    phase = np.empty(nx * ny)
    for k in range(ny):
        for i in range(nx):
            phase[k * nx + i] = wavenumber * (xs[i] * DIRECTION_U + ys[k] * DIRECTION_W)
    return np.exp(1j * phase)


def matched_filter(t, rate, fft_length, window=None):
    """The conjugate spectrum of the transmitted chirp, weighted with ``window`` (default: ones), shape (F,)."""
    if window is None:
        window = np.ones(fft_length)
    spectrum = np.fft.fft(np.exp(1j * np.pi * rate * t**2), fft_length)
    weighted = np.fft.fftshift(np.fft.fftshift(spectrum) * window)
    return np.conj(weighted)


def prepare(scenario: Scenario, window=None) -> Setup:
    """Everything that does not depend on the received data."""
    t = sample_times(scenario)
    rate = BANDWIDTH / scenario.pulse_width
    return Setup(
        echoes=chirp_echoes(t, pulse_delays(scenario), rate),
        steering=steering_vector(scenario.nx, scenario.ny),
        matched=matched_filter(t, rate, scenario.fft_length, window),
    )


def form_beam(cube, steering):
    """Combine the channels of a data cube (P, Ch, S) towards the target: one beam (P, S)."""
    pulses = cube.shape[0]
    weights = np.conj(steering)
    beam = np.zeros((pulses, cube.shape[2]), dtype=np.complex128)
    for p in range(pulses):
        beam[p, :] = weights @ cube[p]
    return beam


def compress_pulses(beam, matched):
    """Correlate each row of the beam (P, S) with the transmitted chirp: range profiles (P, F)."""
    samples = beam.shape[1]
    spectrum = np.fft.fft(beam, matched.shape[0], axis=1)
    filtered = spectrum * matched
    profile = np.fft.ifft(filtered, axis=1) / samples
    return np.fft.fftshift(profile, axes=1)


def doppler_map(profile):
    """The spectrum over the pulses, zero padded four times: (4P, F), zero speed in the middle."""
    return np.fft.fftshift(np.fft.fft(profile, 4 * profile.shape[0], axis=0), axes=0)


def process_cubes(cubes: NDArray[np.complex128], steering, matched) -> NDArray[np.complex128]:
    """Range-Doppler maps (n, 4P, F) of ``n`` measured data cubes (n, P, Ch, S)."""
    count, pulses = cubes.shape[0], cubes.shape[1]
    maps = np.empty((count, 4 * pulses, matched.shape[0]), dtype=np.complex128)
    for c in range(count):
        beam = form_beam(cubes[c], steering)
        maps[c] = doppler_map(compress_pulses(beam, matched))
    return maps


def noisy_pulse(echo, steering, noise_real, noise_imag):
    """What the channels receive of one pulse: the echo from the target plus receiver noise, shape (Ch, S)."""
    return np.outer(steering, echo) + (noise_real + 1j * noise_imag) / np.sqrt(2.0)


def simulate_cubes(setup: Setup, count: int, rng: np.random.Generator):
    """Range-Doppler maps (n, 4P, F) of ``count`` simulated data cubes; receiver noise is drawn from ``rng``."""
    pulses, samples = setup.echoes.shape
    channels = setup.steering.shape[0]
    weights = np.conj(setup.steering)
    maps = np.empty((count, 4 * pulses, setup.matched.shape[0]), dtype=np.complex128)
    for c in range(count):
        beam = np.empty((pulses, samples), dtype=np.complex128)
        for p in range(pulses):
            noise_real = rng.standard_normal((channels, samples))
            noise_imag = rng.standard_normal((channels, samples))
            slab = noisy_pulse(setup.echoes[p], setup.steering, noise_real, noise_imag)
            beam[p, :] = weights @ slab
        maps[c] = doppler_map(compress_pulses(beam, setup.matched))
    return maps
