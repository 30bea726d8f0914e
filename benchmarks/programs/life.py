"""The game of life on a torus of booleans, with modulo indices."""

import numpy as np

SMALL, LARGE = 10, 90


def initialize(n):
    return {"board": np.random.default_rng(52).random((n, n + 2)) < 0.35, "generations": 4}


def kernel(board, generations):
    rows, cols = board.shape
    for _ in range(generations):
        following = np.zeros_like(board)
        for i in range(rows):
            for j in range(cols):
                alive = 0
                for di in (-1, 0, 1):
                    for dj in (-1, 0, 1):
                        if (di != 0 or dj != 0) and board[(i + di) % rows, (j + dj) % cols]:
                            alive += 1
                following[i, j] = alive == 3 or (board[i, j] and alive == 2)
        board = following
    return board
