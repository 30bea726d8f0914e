"""A cascade of biquad sections as objects with state, sample by sample."""

import math

SIZES = (50, 1200000)


class Biquad:
    def __init__(self, frequency, q, rate):
        w = 2 * math.pi * frequency / rate
        alpha = math.sin(w) / (2 * q)
        a0 = 1 + alpha
        self.b0 = (1 - math.cos(w)) / 2 / a0
        self.b1 = (1 - math.cos(w)) / a0
        self.b2 = self.b0
        self.a1 = -2 * math.cos(w) / a0
        self.a2 = (1 - alpha) / a0
        self.z1 = 0.0
        self.z2 = 0.0

    def process(self, samples):
        out = []
        for x in samples:
            y = self.b0 * x + self.z1
            self.z1 = self.b1 * x - self.a1 * y + self.z2
            self.z2 = self.b2 * x - self.a2 * y
            out.append(y)
        return out


def inputs(n):
    return {"signal": [math.sin(0.02 * i) + 0.5 * math.sin(1.7 * i) for i in range(n)], "rate": 48000.0}


def run(signal, rate):
    filters = [Biquad(1000.0, 0.54, rate), Biquad(1000.0, 1.31, rate)]
    for f in filters:
        signal = f.process(signal)
    return signal, max(abs(s) for s in signal)
