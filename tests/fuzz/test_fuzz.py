"""The differential fuzz core: random programs on random inputs, CPython as the oracle."""

from __future__ import annotations

import itertools
from pathlib import Path
from random import Random

import pytest
from fuzz_inputs import inputs
from fuzz_lists import list_program
from fuzz_oracle import difference, observe
from fuzz_programs import program
from fuzz_run import Tally, build_programs, callable_of, run_seeds
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

NUMBERS = itertools.count()


@pytest.mark.parametrize("first", range(0, 60, 30))
def test_fixed_programs_agree(first: int, tmp_path: Path) -> None:
    tally = Tally()
    found = run_seeds(range(first, first + 30), 8, tmp_path, f"fixed{first}", tally)
    assert not found, "\n".join(f"seed {item.seed}, call {item.call}\n{item.source}{item.text}" for item in found)
    assert tally.optimised > 15
    assert tally.refusals["ran"] > tally.calls // 4


def test_fixed_programs_on_lists_agree(tmp_path: Path) -> None:
    tally = Tally()
    found = run_seeds(range(12), 6, tmp_path, "fixedlists", tally, make=list_program)
    assert not found, "\n".join(f"seed {item.seed}, call {item.call}\n{item.source}{item.text}" for item in found)
    assert tally.optimised > 8
    assert tally.refusals["ran"] > tally.calls // 4


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(random=st.randoms(use_true_random=False), seed=st.integers(0, 2**32))
def test_random_program_agrees(random: Random, seed: int, tmp_path: Path) -> None:
    """Hypothesis shrinks the program when this fails."""
    made = program(random)
    number = next(NUMBERS)
    built = build_programs([made], tmp_path / str(number), f"shrunk{number}")
    for call in range(6):
        plain_arguments, built_arguments = (inputs(Random(seed + call), made, plain=call == 0) for _ in range(2))
        found = difference(
            observe(callable_of(built.plain, made), plain_arguments), observe(callable_of(built.built, made), built_arguments)
        )
        assert found is None, f"{made.source}\n{found}"


def test_the_oracle_sees_differences() -> None:
    """A fuzz that cannot fail is worth nothing."""
    import warnings

    import numpy as np

    plain = observe(lambda a: a + 1, [np.zeros(2)])
    for wrong in (
        lambda a: a + 1.0000001,
        lambda a: (a + 1).astype("float32"),
        lambda a: list(a + 1),
        lambda a: a.__iadd__(1) and None if False else a + 2,
        lambda a: (a.__setitem__(0, 5.0), a * 0 + 1)[1],
        lambda a: (warnings.warn("x", RuntimeWarning, stacklevel=1), a + 1)[1],
        lambda a: 1 / 0,
    ):
        assert difference(plain, observe(wrong, [np.zeros(2)])) is not None
    assert difference(observe(lambda a: a, [np.zeros(2)]), observe(lambda a: a.copy(), [np.zeros(2)])) is not None
    rows = [[1.0], [1.0]]
    assert difference(observe(lambda a: a[0], [rows]), observe(lambda a: list(a[0]), [rows])) is not None
    assert difference(observe(lambda a: [a[0]] * 2, [rows]), observe(lambda a: [a[0], list(a[0])], [rows])) is not None
