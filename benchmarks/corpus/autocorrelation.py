"""Pitch by autocorrelation over overlapping windowed frames, checked against an FFT."""

import numpy as np

SIZES = (600, 20000)


def inputs(n):
    t = np.arange(n) / 8000.0
    return {"signal": np.sin(2 * np.pi * (120 + 40 * t) * t), "frame": 256, "hop": 128, "rate": 8000.0}


def pitch(frame, rate, low, high):
    best_lag, best = 0, 0.0
    for lag in range(int(rate / high), int(rate / low)):
        value = 0.0
        for i in range(len(frame) - lag):
            value += frame[i] * frame[i + lag]
        if value > best:
            best, best_lag = value, lag
    return rate / best_lag if best_lag else 0.0


def run(signal, frame, hop, rate):
    window = np.hanning(frame)
    count = 1 + (len(signal) - frame) // hop
    pitches = np.zeros(count)
    peaks = np.zeros(count, dtype=int)
    for k in range(count):
        piece = signal[k * hop : k * hop + frame] * window
        pitches[k] = pitch(piece, rate, 80.0, 400.0)
        peaks[k] = np.argmax(np.abs(np.fft.rfft(piece)))
    return pitches, peaks
