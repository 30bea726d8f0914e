"""CRC-16 bit by bit over an array of bytes."""

import numpy as np

SIZES = (20, 660000)


def inputs(n):
    return {"data": np.random.default_rng(62).integers(0, 256, n, dtype=np.uint8)}


def run(data):
    crc = 0xFFFF
    for b in data:
        crc ^= int(b) << 8
        for _ in range(8):
            if crc & 0x8000:
                crc = ((crc << 1) ^ 0x1021) & 0xFFFF
            else:
                crc = (crc << 1) & 0xFFFF
    return crc
