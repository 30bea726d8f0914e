"""A readable report about a power map."""

import logging

import numpy as np

logger = logging.getLogger(__name__)


def strongest_echoes(power, names):
    """The total power and the strongest cell of each row, as text by name.

    ``power`` is (rows, cols) with at least one column; ``names`` has a name for each row.
    """
    rows, cols = power.shape
    if len(names) != rows:
        raise ValueError(f"{rows} rows, but {len(names)} names")
    logger.info("survey of %d rows, %d cells each", rows, cols)

    total = np.zeros(rows)
    where = np.zeros(rows, dtype=np.int64)
    for i in range(rows):
        peak = power[i, 0]
        at = 0
        for j in range(cols):
            total[i] += power[i, j]
            if power[i, j] > peak:
                peak = power[i, j]
                at = j
        where[i] = at

    report = {}
    for i, name in enumerate(names):
        report[name] = f"{name:>10s}: total {total[i]:12.4e}, strongest cell {where[i]:4d}"
        logger.debug("row %d: %s", i, report[name])
    return report
