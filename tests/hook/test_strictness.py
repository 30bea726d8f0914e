"""Strict builds: which hot functions count as left alone."""

from __future__ import annotations

from setuptools_polyopt.config import Settings
from setuptools_polyopt.hook.strictness import hot_functions_left
from setuptools_polyopt.profile.schema import FunctionProfile, Profile
from setuptools_polyopt.report.model import Missed, ModuleReport, RegionReport, Report

REPORT = Report(
    (
        ModuleReport(
            "radar.stap",
            "radar/stap.py",
            (RegionReport("good_0", "good", "3-4", "proved", ()),),
            (Missed("good", "9", "x", "one loop more", ""), Missed("Filter.bad", "20", "while", "a while loop stays Python", "use for")),
        ),
    )
)


def profile(**shares: float) -> Profile:
    return Profile({name.replace("__", ":").replace("_", "."): FunctionProfile("h", 1, share) for name, share in shares.items()})


def test_hot_functions_without_a_region_are_named() -> None:
    seen = profile(radar_stap__good=0.5, radar_stap__Filter_bad=0.1, radar_stap__cold=0.01, radar_other__bad=0.5, radar_stap__silent=0.5)
    lines = hot_functions_left(REPORT, seen, Settings())
    assert lines == [
        "radar/stap.py:20: Filter.bad is hot and was not optimised: a while loop stays Python; use for "
        '(or name "radar.stap:Filter.bad" in exclude)',
        "radar/stap.py: silent is hot and was not optimised: nothing in it was understood as a loop or array expression "
        '(or name "radar.stap:silent" in exclude)',
    ]


def test_excluded_functions_do_not_count() -> None:
    seen = profile(radar_stap__Filter_bad=0.5)
    assert hot_functions_left(REPORT, seen, Settings(exclude=("radar.stap:Filter.*",))) == []
    assert hot_functions_left(REPORT, profile(radar_stap__good=0.9), Settings()) == []
