"""y := alpha A x + beta B x."""

import numpy as np

SIZES = {
    "tiny": (8,),
    "small": (450,),
    "large": (2500,),
}


def initialise(n):
    k = np.arange(n)
    a = (k[:, None] * k + 1.0) % n / n
    b = (k[:, None] * k + 2.0) % n / n
    return {"alpha": 1.5, "beta": 1.2, "A": a, "B": b, "x": k % n / n}


def lists(alpha, beta, A, B, x):
    n = len(x)
    y = [0.0] * n
    for i in range(n):
        t = 0.0
        for j in range(n):
            t += A[i][j] * x[j]
            y[i] += B[i][j] * x[j]
        y[i] = alpha * t + beta * y[i]
    return y


def loops(alpha, beta, A, B, x):
    n = len(x)
    y = np.zeros(n)
    for i in range(n):
        t = 0.0
        for j in range(n):
            t += A[i, j] * x[j]
            y[i] += B[i, j] * x[j]
        y[i] = alpha * t + beta * y[i]
    return y


def arrays(alpha, beta, A, B, x):
    return alpha * A @ x + beta * B @ x
