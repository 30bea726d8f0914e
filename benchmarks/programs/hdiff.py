"""Horizontal diffusion on a three-dimensional field."""

import numpy as np

SMALL, LARGE = 6, 120


def initialize(n):
    rng = np.random.default_rng(30)
    levels = 8
    return {
        "in_field": rng.random((n + 4, n + 4, levels)),
        "out_field": np.zeros((n, n, levels)),
        "coeff": rng.random((n, n, levels)),
    }


def kernel(in_field, out_field, coeff):
    n, m = out_field.shape[:2]
    lap_field = 4.0 * in_field[1 : n + 3, 1 : m + 3, :] - (
        in_field[2 : n + 4, 1 : m + 3, :]
        + in_field[0 : n + 2, 1 : m + 3, :]
        + in_field[1 : n + 3, 2 : m + 4, :]
        + in_field[1 : n + 3, 0 : m + 2, :]
    )
    res = lap_field[1:, 1 : m + 1, :] - lap_field[:-1, 1 : m + 1, :]
    flx_field = np.where(
        (res * (in_field[2 : n + 3, 2 : m + 2, :] - in_field[1 : n + 2, 2 : m + 2, :])) > 0,
        0,
        res,
    )
    res = lap_field[1 : n + 1, 1:, :] - lap_field[1 : n + 1, :-1, :]
    fly_field = np.where(
        (res * (in_field[2 : n + 2, 2 : m + 3, :] - in_field[2 : n + 2, 1 : m + 2, :])) > 0,
        0,
        res,
    )
    out_field[:, :, :] = in_field[2 : n + 2, 2 : m + 2, :] - coeff[:, :, :] * (
        flx_field[1:, :, :] - flx_field[:-1, :, :] + fly_field[:, 1:, :] - fly_field[:, :-1, :]
    )
