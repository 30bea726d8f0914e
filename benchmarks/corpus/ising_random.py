"""The same model with the standard library's random module, a spin at a time."""

import math
import random

SIZES = (6, 120)


class Ising:
    def __init__(self, size, temperature, seed):
        self.size = size
        self.rng = random.Random(seed)
        self.lattice = [[self.rng.choice((-1, 1)) for _ in range(size)] for _ in range(size)]
        self.factors = {e: math.exp(-e / temperature) for e in (4, 8)}

    def flip(self):
        n = self.size
        i = self.rng.randrange(n)
        j = self.rng.randrange(n)
        s = self.lattice
        energy = 2 * s[i][j] * (s[(i + 1) % n][j] + s[i - 1][j] + s[i][(j + 1) % n] + s[i][j - 1])
        if energy <= 0 or self.rng.random() < self.factors[energy]:
            s[i][j] = -s[i][j]

    def magnetisation(self):
        return sum(map(sum, self.lattice)) / self.size**2


def inputs(n):
    return {"n": n, "flips": 50 * n * n}


def run(n, flips):
    model = Ising(n, 2.2, 39)
    for _ in range(flips):
        model.flip()
    return model.lattice, model.magnetisation()
