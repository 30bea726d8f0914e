"""RNA folding: the most base pairs, and one structure, with a minimal hairpin."""

import random

import numpy as np

SIZES = (16, 250)
PAIRS = {("A", "U"), ("U", "A"), ("G", "C"), ("C", "G"), ("G", "U"), ("U", "G")}


def inputs(n):
    rng = random.Random(33)
    return {"sequence": "".join(rng.choice("ACGU") for _ in range(n)), "hairpin": 3}


def fill(sequence, hairpin):
    n = len(sequence)
    pairs = np.zeros((n, n), dtype=np.int32)
    for span in range(hairpin + 1, n):
        for i in range(n - span):
            j = i + span
            best = max(pairs[i + 1, j], pairs[i, j - 1])
            if (sequence[i], sequence[j]) in PAIRS:
                best = max(best, pairs[i + 1, j - 1] + 1)
            for k in range(i + 1, j):
                split = pairs[i, k] + pairs[k + 1, j]
                if split > best:
                    best = split
            pairs[i, j] = best
    return pairs


def structure(pairs, sequence, i, j, hairpin, out):
    if j - i <= hairpin:
        return
    if pairs[i, j] == pairs[i + 1, j]:
        structure(pairs, sequence, i + 1, j, hairpin, out)
        return
    for k in range(i + hairpin + 1, j + 1):
        if (sequence[i], sequence[k]) in PAIRS:
            rest = pairs[k + 1, j] if k < j else 0
            if pairs[i, j] == 1 + pairs[i + 1, k - 1] + rest:
                out[i], out[k] = "(", ")"
                structure(pairs, sequence, i + 1, k - 1, hairpin, out)
                if k < j:
                    structure(pairs, sequence, k + 1, j, hairpin, out)
                return


def run(sequence, hairpin):
    pairs = fill(sequence, hairpin)
    out = ["."] * len(sequence)
    structure(pairs, sequence, 0, len(sequence) - 1, hairpin, out)
    return pairs[0, -1], "".join(out)
