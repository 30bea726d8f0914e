"""CRC-32 of bytes with a table that is made first."""

import random

SIZES = (30, 5300000)


def inputs(n):
    rng = random.Random(61)
    return {"data": bytes(rng.randrange(256) for _ in range(n))}


def make_table(polynomial):
    table = []
    for i in range(256):
        c = i
        for _ in range(8):
            if c & 1:
                c = (c >> 1) ^ polynomial
            else:
                c >>= 1
        table.append(c)
    return table


def run(data):
    table = make_table(0xEDB88320)
    crc = 0xFFFFFFFF
    for byte in data:
        crc = table[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    return crc ^ 0xFFFFFFFF
