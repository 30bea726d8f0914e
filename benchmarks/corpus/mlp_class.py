"""A small network as a class with lists of weights; one epoch of gradient descent in batches."""

import numpy as np

SIZES = (20, 79000)


class Network:
    def __init__(self, sizes, rng):
        self.weights = [rng.standard_normal((a, b)) / np.sqrt(a) for a, b in zip(sizes[:-1], sizes[1:])]
        self.biases = [np.zeros(b) for b in sizes[1:]]

    def forward(self, x):
        activations = [x]
        for i, (w, b) in enumerate(zip(self.weights, self.biases)):
            z = activations[-1] @ w + b
            if i < len(self.weights) - 1:
                z = np.maximum(z, 0)
            activations.append(z)
        return activations

    def train(self, x, y, rate):
        activations = self.forward(x)
        logits = activations[-1]
        shifted = logits - logits.max(axis=1, keepdims=True)
        probs = np.exp(shifted)
        probs /= probs.sum(axis=1, keepdims=True)
        n = x.shape[0]
        loss = -np.log(probs[np.arange(n), y]).mean()
        delta = probs.copy()
        delta[np.arange(n), y] -= 1
        delta /= n
        for layer in reversed(range(len(self.weights))):
            grad_w = activations[layer].T @ delta
            grad_b = delta.sum(axis=0)
            if layer > 0:
                delta = (delta @ self.weights[layer].T) * (activations[layer] > 0)
            self.weights[layer] -= rate * grad_w
            self.biases[layer] -= rate * grad_b
        return loss


def inputs(n):
    rng = np.random.default_rng(13)
    return {"x": rng.standard_normal((n, 30)), "y": rng.integers(0, 10, n), "rate": 0.05, "batch": 10}


def run(x, y, rate, batch):
    net = Network([30, 48, 32, 10], np.random.default_rng(0))
    losses = []
    for start in range(0, len(x), batch):
        losses.append(net.train(x[start : start + batch], y[start : start + batch], rate))
    return net.weights, net.biases, losses
