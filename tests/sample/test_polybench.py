"""PolyBench's kernels against formulas: their forms agree with each other (`test_coverage.py`), here one of them is right."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest

from benchmarks.coverage import HERE, Program, arguments, load_file


def lower_update(b: Mapping[str, Any], product: Any) -> Any:
    """`alpha product + beta C` in the lower triangle, C above it."""
    return np.tril(b["beta"] * b["C"] + b["alpha"] * product) + np.triu(b["C"], 1)


def toeplitz(r: Any) -> Any:
    column = np.concatenate([[1.0], r[:-1]])
    n = len(column)
    return column[np.abs(np.subtract.outer(np.arange(n), np.arange(n)))]


def relaxed(distance: Any) -> Any:
    """Shortest paths by repeated min-plus squaring, another algorithm than the kernel's."""
    best = distance.copy()
    for _ in range(len(best)):
        best = np.minimum(best, (best[:, :, None] + best[None, :, :]).min(axis=1))
    return best


# name -> (what the kernel gives, what it should be), from the arguments before and the result
FORMULAS: Mapping[str, Callable[[Mapping[str, Any], Any], tuple[Any, Any]]] = {
    "gemm": lambda b, r: (r, b["alpha"] * b["A"] @ b["B"] + b["beta"] * b["C"]),
    "two_mm": lambda b, r: (r, b["alpha"] * b["A"] @ b["B"] @ b["C"] + b["beta"] * b["D"]),
    "three_mm": lambda b, r: (r, b["A"] @ b["B"] @ (b["C"] @ b["D"])),
    "atax": lambda b, r: (r, b["A"].T @ (b["A"] @ b["x"])),
    "bicg": lambda b, r: (np.concatenate(r), np.concatenate([b["A"].T @ b["r"], b["A"] @ b["p"]])),
    "mvt": lambda b, r: (np.concatenate(r), np.concatenate([b["x1"] + b["A"] @ b["y1"], b["x2"] + b["A"].T @ b["y2"]])),
    "gesummv": lambda b, r: (r, (b["alpha"] * b["A"] + b["beta"] * b["B"]) @ b["x"]),
    "syrk": lambda b, r: (r, lower_update(b, b["A"] @ b["A"].T)),
    "syr2k": lambda b, r: (r, lower_update(b, b["A"] @ b["B"].T + b["B"] @ b["A"].T)),
    "trmm": lambda b, r: (r, b["alpha"] * (np.tril(b["A"], -1).T + np.eye(len(b["A"]))) @ b["B"]),
    "symm": lambda b, r: (r, b["alpha"] * (np.tril(b["A"]) + np.tril(b["A"], -1).T) @ b["B"] + b["beta"] * b["C"]),
    "cholesky": lambda b, r: (np.tril(r), np.linalg.cholesky(b["A"])),
    "lu": lambda b, r: ((np.tril(r, -1) + np.eye(len(r))) @ np.triu(r), b["A"]),
    "durbin": lambda b, r: (toeplitz(b["r"]) @ r, -b["r"]),
    "trisolv": lambda b, r: (b["L"] @ r, b["b"]),
    "floyd_warshall": lambda b, r: (r, relaxed(b["path"])),
    "covariance": lambda b, r: (r, np.cov(b["data"], rowvar=False)),
    "correlation": lambda b, r: (r, np.corrcoef(b["data"], rowvar=False)),
    "doitgen": lambda b, r: (r, np.einsum("rqs,sp->rqp", b["A"], b["C4"])),
}


@pytest.mark.parametrize("name", FORMULAS)
def test_against_a_formula(name: str) -> None:
    program = Program("polybench", name, "loops")
    module = load_file(name, HERE / "polybench" / f"{name}.py")
    after = arguments(module, program, 0)
    before = copy.deepcopy(after)
    found, expected = FORMULAS[name](before, module.loops(**after))
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9)
