"""The report: its text, its log, its errors."""

import logging

import numpy as np
import pytest
from radarlab.survey import strongest_echoes


def test_report(caplog):
    power = np.array([[1.0, 2.0, 0.5], [4.0, 1.0, 4.0]])
    with caplog.at_level(logging.DEBUG, logger="radarlab.survey"):
        report = strongest_echoes(power, ["north", "south"])
    assert report == {
        "north": "     north: total   3.5000e+00, strongest cell    1",
        "south": "     south: total   9.0000e+00, strongest cell    0",
    }
    assert "survey of 2 rows, 3 cells each" in caplog.text
    assert "row 1:      south" in caplog.text


def test_totals_of_a_larger_map():
    power = np.random.default_rng(1).random((6, 40))
    report = strongest_echoes(power, [f"r{i}" for i in range(6)])
    for i in range(6):
        assert f"total {power[i].sum():12.4e}" in report[f"r{i}"]
        assert report[f"r{i}"].endswith(f"{int(np.argmax(power[i])):4d}")


def test_names_must_match():
    with pytest.raises(ValueError, match="2 rows, but 1 names"):
        strongest_echoes(np.ones((2, 2)), ["only"])


def test_no_cells():
    with pytest.raises(IndexError):
        strongest_echoes(np.ones((1, 0)), ["empty"])
