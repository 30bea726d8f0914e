"""FNV hashes and xorshift numbers in 64-bit arithmetic, and a chi-square of their buckets."""

SIZES = (50, 480000)
MASK = (1 << 64) - 1


def inputs(n):
    return {"count": n, "seed": 88172645463325252}


def xorshift(state):
    state ^= (state << 13) & MASK
    state ^= state >> 7
    state ^= (state << 17) & MASK
    return state & MASK


def fnv1a(value):
    h = 0xCBF29CE484222325
    for shift in range(0, 32, 8):
        h ^= (value >> shift) & 0xFF
        h = (h * 0x100000001B3) & MASK
    return h


def run(count, seed):
    buckets = [0] * 64
    state = seed
    for _ in range(count):
        state = xorshift(state)
        buckets[fnv1a(state) >> 58] += 1
    expected = count / len(buckets)
    return state, buckets, sum((b - expected) ** 2 / expected for b in buckets)
