"""Smooth each row with a five-point Savitzky-Golay filter; edges are copied; progress goes to a log."""

import logging

import numpy as np
from numpy.typing import NDArray

SMALL, LARGE = 12, 400

log = logging.getLogger(__name__)
COEFFICIENTS = (-3.0, 12.0, 17.0, 12.0, -3.0)
NORM = 35.0


def initialize(n):
    return {"signal": np.random.default_rng(56).random((n // 2, n)).astype(np.float32)}


def kernel(signal: NDArray[np.float32]) -> tuple[NDArray[np.float32], dict]:
    rows, cols = signal.shape
    log.debug("smoothing %d rows", rows)
    out = signal.copy()
    for i in range(rows):
        for j in range(2, cols - 2):
            acc = 0.0
            for k in range(5):
                acc += COEFFICIENTS[k] * signal[i, j + k - 2]
            out[i, j] = acc / NORM
    stats = {"rows": rows, "largest": float(np.max(np.abs(out - signal)))}
    log.debug("largest change %(largest)g in %(rows)d rows", stats)
    return out, stats
