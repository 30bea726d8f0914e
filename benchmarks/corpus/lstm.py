"""An LSTM cell over a sequence."""

import numpy as np

SIZES = (5, 25000)


def inputs(n):
    rng = np.random.default_rng(17)
    hidden, features = 24, 12
    return {
        "sequence": rng.standard_normal((n, 4, features)),
        "w": rng.standard_normal((features + hidden, 4 * hidden)) * 0.2,
        "b": np.zeros(4 * hidden),
        "hidden": hidden,
    }


def sigmoid(x):
    return 1.0 / (1.0 + np.exp(-x))


def cell(x, h, c, w, b, hidden):
    gates = np.concatenate([x, h], axis=1) @ w + b
    i = sigmoid(gates[:, :hidden])
    f = sigmoid(gates[:, hidden : 2 * hidden])
    o = sigmoid(gates[:, 2 * hidden : 3 * hidden])
    g = np.tanh(gates[:, 3 * hidden :])
    c = f * c + i * g
    return o * np.tanh(c), c


def run(sequence, w, b, hidden):
    batch = sequence.shape[1]
    h = np.zeros((batch, hidden))
    c = np.zeros((batch, hidden))
    outputs = []
    for x in sequence:
        h, c = cell(x, h, c, w, b, hidden)
        outputs.append(h)
    return np.stack(outputs), h, c
