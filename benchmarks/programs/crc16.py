"""A 16-bit cyclic redundancy check, bit by bit."""

import numpy as np

SMALL, LARGE = 40, 60_000


def initialize(n):
    return {"data": np.random.default_rng(43).integers(0, 256, n, dtype=np.uint8)}


def kernel(data, poly=0x8408):
    crc = 0xFFFF
    for b in data:
        cur_byte = 0xFF & b
        for _ in range(8):
            if (crc & 0x0001) ^ (cur_byte & 0x0001):
                crc = (crc >> 1) ^ poly
            else:
                crc >>= 1
            cur_byte >>= 1
    crc = ~crc & 0xFFFF
    crc = (crc << 8) | ((crc >> 8) & 0xFF)
    return crc & 0xFFFF
