"""Arguments that are None in the calls that the profile has seen: what stands behind `if x is None:` has the types of that way."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from built import Built, build, profile_of

SOURCE = """
import numpy as np

seen = []


def weighted(a, w=None):
    if w is None:
        seen.append(len(a))
        w = np.ones(len(a)) * 2.0
    b = np.zeros(len(a))
    for i in range(len(a)):
        b[i] = a[i] * w[i]
    return b


def scaled(a, w):
    if w is None:
        seen.append(0)
        k = 3.0
    b = np.zeros(len(a))
    for i in range(len(a)):
        if w is None:
            b[i] = a[i] * k
        else:
            b[i] = a[i] * w
    return b
"""


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """Both forms, for calls with None."""
    folder: Path = tmp_path_factory.mktemp("none")
    calls = {"weighted": [(np.ones(3), None)], "scaled": [(np.ones(3), None), (np.ones(3), 2.0)]}
    return build(folder, "none_arguments", SOURCE, profile_of(SOURCE, "none_arguments.mod", calls))


@pytest.mark.parametrize("w", [None, [1.0, 2.0, 3.0], np.arange(3.0), np.arange(3)], ids=str)
def test_a_default_that_is_made_up(both: Built, w: object) -> None:
    a = np.array([0.5, -1.0, 4.0])
    assert both.built.weighted(a, w).tobytes() == both.plain.weighted(a, w).tobytes()
    assert both.built.seen == both.plain.seen


def test_the_way_that_the_profile_saw_is_a_region(both: Built) -> None:
    both.built.weighted(np.ones(4))
    assert both.built._polyopt.weighted_0.__self__.refusal is None


@pytest.mark.parametrize("w", [None, 2.5, 7])
def test_a_name_that_only_the_other_way_leaves_unbound(both: Built, w: object) -> None:
    a = np.array([0.5, -1.0, 4.0])
    assert both.built.scaled(a, w).tobytes() == both.plain.scaled(a, w).tobytes()
