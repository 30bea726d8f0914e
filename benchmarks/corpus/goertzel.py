"""Detect tones in a signal with Goertzel's recurrence."""

import math

SIZES = (40, 1700000)
TONES = (697.0, 770.0, 852.0, 941.0, 1209.0, 1336.0, 1477.0, 1633.0)


def inputs(n):
    rate = 8000.0
    signal = [
        math.sin(2 * math.pi * 770.0 * t / rate) + math.sin(2 * math.pi * 1336.0 * t / rate) for t in range(n)
    ]
    return {"signal": signal, "rate": rate}


def goertzel(samples, target, rate):
    n = len(samples)
    k = int(0.5 + n * target / rate)
    w = 2.0 * math.pi * k / n
    coeff = 2.0 * math.cos(w)
    s_prev = 0.0
    s_prev2 = 0.0
    for sample in samples:
        s = sample + coeff * s_prev - s_prev2
        s_prev2 = s_prev
        s_prev = s
    return s_prev2**2 + s_prev**2 - coeff * s_prev * s_prev2


def run(signal, rate):
    powers = {tone: goertzel(signal, tone, rate) for tone in TONES}
    ranked = sorted(powers, key=powers.get, reverse=True)
    return ranked[:2], list(powers.values())
