"""Numerical kernels written as explicit loops over arrays."""

import math

import numpy as np
from numpy.typing import NDArray


def integrate(total, echoes, gain):
    """Add the echoes (pulses, samples), each sample times ``gain``, to ``total`` (samples,), in place."""
    pulses = echoes.shape[0]
    for p in range(pulses):
        for i in range(total.shape[0]):
            total[i] += gain * echoes[p, i]


def matmul(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    """The matrix product of ``a`` (n, k) and ``b`` (k, m)."""
    n, depth = a.shape
    m = b.shape[1]
    c = np.zeros((n, m))
    for i in range(n):
        for j in range(m):
            for k in range(depth):
                c[i, j] += a[i, k] * b[k, j]
    return c


def covariance(data: NDArray[np.float64]) -> NDArray[np.float64]:
    """The sample covariance (m, m) of ``n`` observations of ``m`` variables, ``data`` is (n, m)."""
    n, m = data.shape
    mean = np.zeros(m)
    for j in range(m):
        for i in range(n):
            mean[j] += data[i, j]
        mean[j] /= n
    cov = np.zeros((m, m))
    for i in range(m):
        for j in range(i, m):
            acc = 0.0
            for k in range(n):
                acc += (data[k, i] - mean[i]) * (data[k, j] - mean[j])
            cov[i, j] = acc / (n - 1)
            cov[j, i] = cov[i, j]
    return cov


def correlation(data, eps=0.1):
    """Pearson correlation (m, m) of ``data`` (n, m); a column whose deviation is at most ``eps`` counts as constant."""
    n = data.shape[0]
    m = data.shape[1]
    mean = np.zeros(m)
    deviation = np.zeros(m)
    for j in range(m):
        for i in range(n):
            mean[j] += data[i][j]
        mean[j] /= n
    for j in range(m):
        for i in range(n):
            deviation[j] += (data[i][j] - mean[j]) * (data[i][j] - mean[j])
        deviation[j] = math.sqrt(deviation[j] / n)
        if deviation[j] <= eps:
            deviation[j] = 1.0
    scaled = np.empty_like(data)
    for i in range(n):
        for j in range(m):
            scaled[i][j] = (data[i][j] - mean[j]) / (math.sqrt(n) * deviation[j])
    corr = np.ones((m, m))
    for i in range(m - 1):
        for j in range(i + 1, m):
            corr[i][j] = 0.0
            for k in range(n):
                corr[i][j] += scaled[k][i] * scaled[k][j]
            corr[j][i] = corr[i][j]
    return corr


def heat2d(plate, buffer, steps):
    """Let the temperatures of a plate even out, in place; ``buffer`` has the shape of ``plate``.

    The rims of both arrays are boundary values and stay as they are.
    """
    n, m = plate.shape
    for _ in range(steps):
        for i in range(1, n - 1):
            for j in range(1, m - 1):
                buffer[i, j] = 0.2 * (
                    plate[i, j] + plate[i, j - 1] + plate[i, j + 1] + plate[i + 1, j] + plate[i - 1, j]
                )
        for i in range(1, n - 1):
            for j in range(1, m - 1):
                plate[i, j] = 0.2 * (
                    buffer[i, j] + buffer[i, j - 1] + buffer[i, j + 1] + buffer[i + 1, j] + buffer[i - 1, j]
                )


def lu(a: NDArray[np.float64]) -> None:
    """Factorise a square matrix in place, without pivoting: below the diagonal L (unit diagonal), elsewhere U."""
    n = a.shape[0]
    for i in range(n):
        for j in range(i):
            for k in range(j):
                a[i, j] -= a[i, k] * a[k, j]
            a[i, j] /= a[j, j]
        for j in range(i, n):
            for k in range(i):
                a[i, j] -= a[i, k] * a[k, j]


def lu_solve(factors, rhs):
    """Solve with the factors of :func:`lu`: forward, then backward substitution."""
    n = factors.shape[0]
    x = rhs.copy()
    for i in range(n):
        for k in range(i):
            x[i] -= factors[i, k] * x[k]
    for i in range(n - 1, -1, -1):
        for k in range(i + 1, n):
            x[i] -= factors[i, k] * x[k]
        x[i] = x[i] / factors[i, i]
    return x


def shortest_paths(distance):
    """All-pairs shortest paths (Floyd and Warshall), in place, on a matrix of edge lengths."""
    n = len(distance)
    for k in range(n):
        for i in range(n):
            for j in range(n):
                through = distance[i, k] + distance[k, j]
                if through < distance[i, j]:
                    distance[i, j] = through
    return distance


def ambiguity(echo, replica, rates, delays):
    """How well ``echo`` (n,) fits the transmitted ``replica`` (n,), later by 0 to ``delays`` - 1 samples and shifted by ``rates`` (m,)
    radians a sample: magnitudes (delays, m)."""
    n = echo.shape[0]
    surface = np.zeros((delays, rates.shape[0]))
    for d in range(delays):
        for f in range(rates.shape[0]):
            real = 0.0
            imag = 0.0
            for t in range(n - d):
                product = echo[t + d] * replica[t]
                real += product * math.cos(rates[f] * t)
                imag -= product * math.sin(rates[f] * t)
            surface[d, f] = math.sqrt(real * real + imag * imag)
    return surface
