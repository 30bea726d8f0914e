"""Game of life on a torus, as lists of lists of zeros and ones."""

import random

SIZES = (8, 170)


def inputs(n):
    rng = random.Random(3)
    return {"board": [[1 if rng.random() < 0.3 else 0 for _ in range(n)] for _ in range(n)], "generations": 20}


def count_neighbours(board, row, col):
    rows = len(board)
    cols = len(board[0])
    total = 0
    for dr in (-1, 0, 1):
        for dc in (-1, 0, 1):
            if dr == 0 and dc == 0:
                continue
            total += board[(row + dr) % rows][(col + dc) % cols]
    return total


def evolve(board):
    rows, cols = len(board), len(board[0])
    new = [[0] * cols for _ in range(rows)]
    for r in range(rows):
        for c in range(cols):
            alive = count_neighbours(board, r, c)
            if board[r][c] == 1:
                new[r][c] = 1 if alive in (2, 3) else 0
            elif alive == 3:
                new[r][c] = 1
    return new


def run(board, generations):
    population = []
    for _ in range(generations):
        board = evolve(board)
        population.append(sum(sum(row) for row in board))
    return board, population
