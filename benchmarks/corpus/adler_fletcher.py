"""Adler-32 and Fletcher-16 over blocks of an array."""

import numpy as np

SIZES = (40, 5300000)


def inputs(n):
    return {"data": np.random.default_rng(63).integers(0, 256, n, dtype=np.uint8), "block": 4096}


def adler32(data, value=1):
    a = value & 0xFFFF
    b = (value >> 16) & 0xFFFF
    for byte in data:
        a = (a + byte) % 65521
        b = (b + a) % 65521
    return (b << 16) | a


def fletcher16(values):
    low = high = 0
    for v in values:
        low = (low + v) % 255
        high = (high + low) % 255
    return high << 8 | low


def run(data, block):
    checks = []
    for start in range(0, len(data), block):
        checks.append(fletcher16(data[start : start + block].tolist()))
    return adler32(data.tolist()), checks
