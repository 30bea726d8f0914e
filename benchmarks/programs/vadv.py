"""Vertical advection: a tridiagonal solve along the last axis, whole planes at a time."""

import numpy as np

SMALL, LARGE = 6, 110

BET_M = 0.5
BET_P = 0.5


def initialize(n):
    rng = np.random.default_rng(31)
    levels = 16
    return {
        "utens_stage": rng.random((n, n, levels)),
        "u_stage": rng.random((n, n, levels)),
        "wcon": rng.random((n + 1, n, levels)),
        "u_pos": rng.random((n, n, levels)),
        "utens": rng.random((n, n, levels)),
        "dtr_stage": 3.0 / 20.0,
    }


def kernel(utens_stage, u_stage, wcon, u_pos, utens, dtr_stage):
    n, m, levels = utens_stage.shape
    ccol = np.ndarray((n, m, levels), dtype=utens_stage.dtype)
    dcol = np.ndarray((n, m, levels), dtype=utens_stage.dtype)
    data_col = np.ndarray((n, m), dtype=utens_stage.dtype)
    for k in range(1):
        gcv = 0.25 * (wcon[1:, :, k + 1] + wcon[:-1, :, k + 1])
        cs = gcv * BET_M
        ccol[:, :, k] = gcv * BET_P
        bcol = dtr_stage - ccol[:, :, k]
        correction = -cs * (u_stage[:, :, k + 1] - u_stage[:, :, k])
        dcol[:, :, k] = dtr_stage * u_pos[:, :, k] + utens[:, :, k] + utens_stage[:, :, k] + correction
        divided = 1.0 / bcol
        ccol[:, :, k] = ccol[:, :, k] * divided
        dcol[:, :, k] = dcol[:, :, k] * divided
    for k in range(1, levels - 1):
        gav = -0.25 * (wcon[1:, :, k] + wcon[:-1, :, k])
        gcv = 0.25 * (wcon[1:, :, k + 1] + wcon[:-1, :, k + 1])
        as_ = gav * BET_M
        cs = gcv * BET_M
        acol = gav * BET_P
        ccol[:, :, k] = gcv * BET_P
        bcol = dtr_stage - acol - ccol[:, :, k]
        correction = -as_ * (u_stage[:, :, k - 1] - u_stage[:, :, k]) - cs * (u_stage[:, :, k + 1] - u_stage[:, :, k])
        dcol[:, :, k] = dtr_stage * u_pos[:, :, k] + utens[:, :, k] + utens_stage[:, :, k] + correction
        divided = 1.0 / (bcol - ccol[:, :, k - 1] * acol)
        ccol[:, :, k] = ccol[:, :, k] * divided
        dcol[:, :, k] = (dcol[:, :, k] - dcol[:, :, k - 1] * acol) * divided
    for k in range(levels - 1, levels):
        gav = -0.25 * (wcon[1:, :, k] + wcon[:-1, :, k])
        acol = gav * BET_P
        bcol = dtr_stage - acol
        correction = -(gav * BET_M) * (u_stage[:, :, k - 1] - u_stage[:, :, k])
        dcol[:, :, k] = dtr_stage * u_pos[:, :, k] + utens[:, :, k] + utens_stage[:, :, k] + correction
        divided = 1.0 / (bcol - ccol[:, :, k - 1] * acol)
        dcol[:, :, k] = (dcol[:, :, k] - dcol[:, :, k - 1] * acol) * divided
    for k in range(levels - 1, levels - 2, -1):
        data_col[:] = dcol[:, :, k]
        utens_stage[:, :, k] = dtr_stage * (data_col - u_pos[:, :, k])
    for k in range(levels - 2, -1, -1):
        data_col[:] = dcol[:, :, k] - ccol[:, :, k] * data_col[:, :]
        utens_stage[:, :, k] = dtr_stage * (data_col - u_pos[:, :, k])
