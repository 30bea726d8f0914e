"""Logistic regression by gradient descent, with early stopping."""

import numpy as np

SIZES = (40, 100000)


def inputs(n):
    rng = np.random.default_rng(65)
    x = rng.standard_normal((n, 12))
    w = rng.standard_normal(12)
    return {"x": x, "y": (x @ w + 0.3 * rng.standard_normal(n) > 0).astype(float), "rate": 0.5, "epochs": 150}


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def loss(p, y):
    eps = 1e-12
    return -np.mean(y * np.log(p + eps) + (1 - y) * np.log(1 - p + eps))


def run(x, y, rate, epochs):
    w = np.zeros(x.shape[1])
    b = 0.0
    history = []
    for epoch in range(epochs):
        p = sigmoid(x @ w + b)
        error = p - y
        w -= rate * (x.T @ error) / len(y)
        b -= rate * error.mean()
        history.append(loss(p, y))
        if epoch > 10 and history[-2] - history[-1] < 1e-7:
            break
    accuracy = np.mean((sigmoid(x @ w + b) > 0.5) == (y > 0.5))
    return w, b, history, accuracy
