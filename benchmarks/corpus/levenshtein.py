"""Edit distance between two strings with two rows."""

import random

SIZES = (12, 1400)


def inputs(n):
    rng = random.Random(29)
    return {
        "a": "".join(rng.choice("ACGT") for _ in range(n)),
        "b": "".join(rng.choice("ACGT") for _ in range(n + 5)),
    }


def run(a, b):
    previous = list(range(len(b) + 1))
    for i, ca in enumerate(a, 1):
        current = [i]
        for j, cb in enumerate(b, 1):
            cost = 0 if ca == cb else 1
            current.append(min(previous[j] + 1, current[j - 1] + 1, previous[j - 1] + cost))
        previous = current
    return previous[-1]
