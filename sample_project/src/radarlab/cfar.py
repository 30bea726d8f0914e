"""A constant-false-alarm-rate detector."""

import numpy as np


class CfarDetector:
    """Cell-averaging CFAR: a target is a cell that exceeds ``scale`` times the mean of the training cells around it.

    The training cells of a cell are those of its row at a distance of more than ``guard`` and at most
    ``guard + train``.
    Cells too near to an edge are never reported.
    """

    def __init__(self, rows, cols, guard=2, train=8, scale=4.0):
        self.rows = rows
        self.cols = cols
        self.guard = guard
        self.reach = guard + train
        self.cells = 2 * train
        self.scale = scale
        self.noise = np.zeros((rows, cols))
        self.hits = np.zeros((rows, cols), dtype=bool)
        self.scans = 0

    def scan(self, power):
        """Look for targets in a power map (rows, cols): fills ``noise`` and ``hits``, returns the number of targets."""
        found = 0
        for i in range(self.rows):
            for j in range(self.reach, self.cols - self.reach):
                level = 0.0
                for d in range(self.guard + 1, self.reach + 1):
                    level += power[i, j - d] + power[i, j + d]
                level /= self.cells
                self.noise[i, j] = level
                if power[i, j] > self.scale * level:
                    self.hits[i, j] = True
                    found += 1
                else:
                    self.hits[i, j] = False
        self.scans += 1
        return found

    def smooth(self, factor: float):
        """Let the noise estimate forget: an exponential average along each row, in place."""
        for i in range(self.rows):
            for j in range(1, self.cols):
                self.noise[i, j] = factor * self.noise[i, j] + (1.0 - factor) * self.noise[i, j - 1]
