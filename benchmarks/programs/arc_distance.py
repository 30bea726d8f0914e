"""Great-circle distances between pairs of points."""

import numpy as np

SMALL, LARGE = 30, 200_000


def initialize(n):
    theta_1, phi_1, theta_2, phi_2 = np.random.default_rng(42).random((4, n))
    return {"theta_1": theta_1, "phi_1": phi_1, "theta_2": theta_2, "phi_2": phi_2}


def kernel(theta_1, phi_1, theta_2, phi_2):
    temp = np.sin((theta_2 - theta_1) / 2) ** 2 + np.cos(theta_1) * np.cos(theta_2) * np.sin((phi_2 - phi_1) / 2) ** 2
    distance_matrix = 2 * (np.arctan2(np.sqrt(temp), np.sqrt(1 - temp)))
    return distance_matrix
