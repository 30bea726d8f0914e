"""Primes by a sieve over a list of flags, twin primes and the sum of divisors."""

SIZES = (50, 6100000)


def inputs(n):
    return {"n": n}


def sieve(n):
    flags = [True] * (n + 1)
    flags[0] = flags[1] = False
    p = 2
    while p * p <= n:
        if flags[p]:
            for multiple in range(p * p, n + 1, p):
                flags[multiple] = False
        p += 1
    return flags


def run(n):
    flags = sieve(n)
    primes = [i for i, flag in enumerate(flags) if flag]
    twins = sum(1 for a, b in zip(primes, primes[1:]) if b - a == 2)
    total = 0
    for p in primes:
        total = (total * 31 + p) % 1000000007
    return len(primes), twins, total
