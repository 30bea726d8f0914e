"""A Kalman filter for position and velocity with small matrices."""

import numpy as np

SIZES = (10, 24000)


def inputs(n):
    rng = np.random.default_rng(59)
    truth = np.cumsum(1.0 + 0.1 * rng.standard_normal(n))
    return {"measurements": truth + rng.standard_normal(n) * 2.0, "dt": 1.0, "q": 0.01, "r": 4.0}


class KalmanFilter:
    def __init__(self, f, h, q, r, x, p):
        self.f, self.h, self.q, self.r, self.x, self.p = f, h, q, r, x, p

    def predict(self):
        self.x = self.f @ self.x
        self.p = self.f @ self.p @ self.f.T + self.q

    def update(self, z):
        y = z - self.h @ self.x
        s = self.h @ self.p @ self.h.T + self.r
        k = self.p @ self.h.T @ np.linalg.inv(s)
        self.x = self.x + k @ y
        self.p = (np.eye(len(self.x)) - k @ self.h) @ self.p


def run(measurements, dt, q, r):
    f = np.array([[1.0, dt], [0.0, 1.0]])
    kf = KalmanFilter(
        f,
        np.array([[1.0, 0.0]]),
        q * np.array([[dt**4 / 4, dt**3 / 2], [dt**3 / 2, dt**2]]),
        np.array([[r]]),
        np.zeros(2),
        np.eye(2) * 100.0,
    )
    states = np.zeros((len(measurements), 2))
    for i, z in enumerate(measurements):
        kf.predict()
        kf.update(np.array([z]))
        states[i] = kf.x
    return states, kf.p
