"""Radix-2 FFT by hand on a list of complex numbers, with bit reversal."""

import cmath
import math

SIZES = (4, 16)


def inputs(n):
    size = 2**n
    return {"signal": [complex(math.sin(0.1 * k) + 0.5 * math.cos(0.37 * k), 0.0) for k in range(size)]}


def bit_reverse(values):
    n = len(values)
    j = 0
    for i in range(1, n):
        bit = n >> 1
        while j & bit:
            j ^= bit
            bit >>= 1
        j |= bit
        if i < j:
            values[i], values[j] = values[j], values[i]


def fft(values, inverse=False):
    n = len(values)
    out = list(values)
    bit_reverse(out)
    length = 2
    while length <= n:
        angle = (2 if inverse else -2) * math.pi / length
        step = cmath.exp(1j * angle)
        for start in range(0, n, length):
            w = 1 + 0j
            for k in range(length // 2):
                even = out[start + k]
                odd = out[start + k + length // 2] * w
                out[start + k] = even + odd
                out[start + k + length // 2] = even - odd
                w *= step
        length *= 2
    if inverse:
        out = [v / n for v in out]
    return out


def run(signal):
    spectrum = fft(signal)
    power = [abs(v) ** 2 for v in spectrum]
    back = fft(spectrum, inverse=True)
    error = max(abs(a - b) for a, b in zip(signal, back))
    return spectrum, power.index(max(power)), error
