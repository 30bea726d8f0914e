"""Field operations written as NumPy expressions."""

import numpy as np


def horizontal_diffusion(field, coeff):
    """Fourth-order horizontal diffusion with a flux limiter, as in weather codes.

    ``field`` is (n + 4, m + 4): two rows of halo on each side; ``coeff`` and the result are (n, m).
    """
    laplacian = 4.0 * field[1:-1, 1:-1] - (field[2:, 1:-1] + field[:-2, 1:-1] + field[1:-1, 2:] + field[1:-1, :-2])
    flux_x = laplacian[1:, 1:-1] - laplacian[:-1, 1:-1]
    flux_x = np.where(flux_x * (field[2:-1, 2:-2] - field[1:-2, 2:-2]) > 0.0, 0.0, flux_x)
    flux_y = laplacian[1:-1, 1:] - laplacian[1:-1, :-1]
    flux_y = np.where(flux_y * (field[2:-2, 2:-1] - field[2:-2, 1:-2]) > 0.0, 0.0, flux_y)
    return field[2:-2, 2:-2] - coeff * (flux_x[1:, :] - flux_x[:-1, :] + flux_y[:, 1:] - flux_y[:, :-1])


def softmax(x):
    """``exp(x) / sum(exp(x))`` over the last axis, safe against overflow."""
    shifted = x - np.max(x, axis=-1, keepdims=True)
    weights = np.exp(shifted)
    return weights / np.sum(weights, axis=-1, keepdims=True)


def decibels(power, reference=1.0, floor=-120.0):
    """Power in dB relative to ``reference``, not below ``floor``; power must be positive."""
    return np.maximum(10.0 * np.log10(power / reference), floor)
