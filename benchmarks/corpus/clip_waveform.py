"""Soft and hard clipping of audio blocks, DC removal, peak and RMS."""

import numpy as np

SIZES = (64, 17000000)


def inputs(n):
    t = np.arange(n) / 44100.0
    return {"samples": (1.4 * np.sin(2 * np.pi * 220 * t) + 0.3 * np.sin(2 * np.pi * 3300 * t)).astype(np.float32)}


def soft_clip(x, threshold):
    out = x.copy()
    over = np.abs(x) > threshold
    sign = np.sign(x[over])
    excess = np.abs(x[over]) - threshold
    out[over] = sign * (threshold + (1 - threshold) * np.tanh(excess / (1 - threshold)))
    return out


def run(samples):
    centred = samples - samples.mean()
    hard = np.clip(centred, -0.9, 0.9)
    soft = soft_clip(centred, np.float32(0.7))
    mixed = 0.5 * hard + 0.5 * soft
    clipped = np.count_nonzero(np.abs(hard) >= 0.9)
    pcm = np.round(mixed * 32767).astype(np.int16)
    return pcm, np.max(np.abs(mixed)), np.sqrt(np.mean(mixed.astype(np.float64) ** 2)), clipped
