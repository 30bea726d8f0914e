"""Whole functions against CPython: the rewritten module, its kernels run by the IR interpreter, on equal arguments.

The cases are in `*.test`: a source, then `[calls]` with the arguments of one call a line. Each call is compared bit by bit; `[out]` holds
which kernel answered or why the original statements ran, so that a case cannot pass by never running a kernel.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from golden_cases import Case, cases, check

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

from frontend_oracle import Rewritten  # noqa: E402

HEAD = """
import math
import numpy as np
from numpy.typing import NDArray
"""
FILES = ("loops.test", "arrays.test", "calls.test", "steered.test", "picking.test", "plain.test")
CASES = [case for name in FILES for case in cases(HERE / name)]


def vector(n: int, seed: int = 0) -> np.ndarray[Any, Any]:
    """Normal numbers."""
    return np.random.default_rng(seed).normal(size=n)


def matrix(n: int, m: int, seed: int = 0) -> np.ndarray[Any, Any]:
    """Normal numbers."""
    return np.random.default_rng(seed).normal(size=(n, m))


class Thing:
    """An object with attributes."""

    def __init__(self, **values: Any) -> None:
        self.__dict__.update(values)


NAMESPACE = {"np": np, "vector": vector, "matrix": matrix, "Thing": Thing}


@pytest.mark.parametrize("case", CASES, ids=str)
def test_against_cpython(case: Case, request: pytest.FixtureRequest) -> None:
    source, _, calls = case.source.partition("[calls]\n")
    module = Rewritten(HEAD + source)
    lines = []
    for call in calls.splitlines():
        arguments = eval(f"({call.rstrip(',')},)", dict(NAMESPACE))
        hits, misses = len(module.hits), len(module.misses)
        module.compare("f", *arguments)
        done = module.hits[hits:] or module.misses[misses:] or ["no region"]
        lines.append(f"{call}: {', '.join(done)}")
    check(case, "\n".join(lines), request.config.getoption("--update-golden"))
