"""The timing harness on subjects with known behaviour."""

from __future__ import annotations

import time

import pytest

from benchmarks.timing import Subject, allowed_seconds, alternate, repeatedly


def test_medians_tell_slow_from_fast():
    subjects = {
        "slow": Subject(lambda: time.sleep(0.004), lambda: ()),
        "fast": Subject(lambda: time.sleep(0.001), lambda: ()),
    }
    times = alternate(subjects, rounds=3, sample_seconds=0.004)
    assert len(times["slow"].samples) == 3
    assert times["slow"].median > 2 * times["fast"].median
    assert 0.004 <= times["slow"].best <= times["slow"].median


def test_versions_take_turns():
    calls = []
    subjects = {name: Subject(calls.append, lambda name=name: (name,)) for name in "ab"}
    subjects = {
        name: Subject(lambda n: (calls.append(n), time.sleep(0.002)), s.prepare) for name, s in subjects.items()
    }
    alternate(subjects, rounds=4, sample_seconds=0.001)
    assert calls[-8:] == ["a", "b", "b", "a", "a", "b", "b", "a"]


def test_fresh_arguments_for_each_call():
    seen = []
    subject = Subject(lambda values: (seen.append(len(values)), values.append(1)), lambda: ([],), fresh=True)
    alternate({"only": subject}, rounds=2, sample_seconds=1e-5)
    assert set(seen) == {0}


def test_one_set_of_arguments_otherwise():
    made = []
    subject = Subject(lambda value: time.sleep(0.001), lambda: (made.append(1),))
    alternate({"only": subject}, rounds=3, sample_seconds=0.003)
    assert 4 <= len(made) <= 8


def test_allowed_seconds():
    assert allowed_seconds(1e-6) == pytest.approx(1.5e-6)
    assert allowed_seconds(1.0) == pytest.approx(1.03)


def test_samples_are_pooled_until_settled():
    subjects = {"only": Subject(lambda: time.sleep(0.001), lambda: ())}
    asked = []

    def settled(times):
        asked.append(len(times["only"].samples))
        return len(asked) == 2

    times = repeatedly(subjects, settled, repeats=5, rounds=2, sample_seconds=0.001)
    assert asked == [2, 4]
    assert len(times["only"].samples) == 4
