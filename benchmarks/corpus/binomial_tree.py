"""American put by a binomial tree in one list."""

import math

SIZES = (10, 2200)


def inputs(n):
    return {"s": 100.0, "k": 110.0, "t": 1.0, "r": 0.05, "sigma": 0.3, "n": n}


def run(s, k, t, r, sigma, n):
    dt = t / n
    u = math.exp(sigma * math.sqrt(dt))
    d = 1 / u
    p = (math.exp(r * dt) - d) / (u - d)
    disc = math.exp(-r * dt)
    values = [max(k - s * u**j * d ** (n - j), 0.0) for j in range(n + 1)]
    exercised = 0
    for i in range(n - 1, -1, -1):
        price = s * d**i
        for j in range(i + 1):
            hold = disc * (p * values[j + 1] + (1 - p) * values[j])
            now = k - price
            if now > hold:
                values[j] = now
                exercised += 1
            else:
                values[j] = hold
            price *= u * u
    return values[0], exercised
