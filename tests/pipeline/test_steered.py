"""Loops that data steers, and elements that data picks, compiled: the cases of `tests/frontend` about them and larger inputs."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from built import Built, build
from fuzz.fuzz_oracle import difference, observe
from golden_cases import Case, cases

HEAD = "import math\nimport numpy as np\nfrom numpy.typing import NDArray\n"
FILES = ("steered.test", "picking.test", "plain.test")
CASES = [case for name in FILES for case in cases(Path(__file__).parent.parent / "frontend" / name)]


def vector(n: int, seed: int = 0) -> Any:
    """Normal numbers."""
    return np.random.default_rng(seed).normal(size=n)


def matrix(n: int, m: int, seed: int = 0) -> Any:
    """Normal numbers."""
    return np.random.default_rng(seed).normal(size=(n, m))


def _name(case: Case) -> str:
    return case.name.replace("-", "_")


def _difference(modules: Built, name: str, arguments: tuple[Any, ...]) -> str | None:
    plain = observe(getattr(modules.plain, name), copy.deepcopy(arguments))
    return difference(plain, observe(getattr(modules.built, name), copy.deepcopy(arguments)))


@pytest.fixture(scope="module")
def modules(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """All cases as functions of one module."""
    sources = (case.source.partition("[calls]\n")[0].replace("def f(", f"def {_name(case)}(") for case in CASES)
    built = build(tmp_path_factory.mktemp("steered"), "steered", HEAD + "\n".join(sources), None)
    assert not [item for item in built.compiled.diagnostics if item.kind == "internal-error"]
    return built


@pytest.mark.parametrize("case", CASES, ids=str)
def test_compiled_cases(case: Case, modules: Built) -> None:
    for call in case.source.partition("[calls]\n")[2].splitlines():
        arguments = eval(f"({call.rstrip(',')},)", {"np": np, "vector": vector, "matrix": matrix})
        assert _difference(modules, _name(case), arguments) is None, call


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("relaxation", (matrix(150, 130), 1e-3)),
        ("conjugate_gradient", (matrix(60, 60) @ matrix(60, 60).T, vector(60), 40)),
        ("temporary_of_an_iteration", (np.abs(vector(3000)), 20)),
        ("insertion_sort", (vector(400),)),
        ("rows_go_round", (vector(5000), 1e-6)),
        ("histogram_stops_outside", (np.arange(30000) % 7, np.zeros(7, dtype=np.int64))),
        ("triangle_of_a_data_bound", (matrix(40, 40), np.arange(40))),
    ],
)
def test_larger_inputs(name: str, arguments: tuple[Any, ...], modules: Built) -> None:
    assert _difference(modules, name, arguments) is None
