"""The report: data that survives JSON, and the text that people read."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from setuptools_polyopt.diagnostics import PolyoptError
from setuptools_polyopt.report.model import Missed, ModuleReport, RegionReport, Report, VariantReport, from_json
from setuptools_polyopt.report.terminal import read_wheel, render

REPORT = Report(
    (
        ModuleReport(
            "m.k",
            "m/k.py",
            (RegionReport("f_0", "f", "3-5", "fresh", (VariantReport(("a: float64[n]",), ("n >= 1",), ("loop i is parallel",)),)),),
            (Missed("g", "9", "while-loop", "a while loop stays Python", "use a for loop over range"),),
        ),
    )
)


def test_json_round_trip() -> None:
    assert from_json(REPORT.to_json()) == REPORT


@pytest.mark.parametrize("text", ["{}", "[]", '{"format": 99}'])
def test_foreign_json_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a polyopt report"):
        from_json(text)


def test_text_names_region_guard_reason_and_remedy() -> None:
    text = render(REPORT)
    parts = (
        "m/k.py:3-5: optimised as f_0 (fresh)", "- loop i is parallel", "guard: n >= 1",
        "m/k.py:9: left as it is: a while loop stays Python", "what would change it: use a for loop",
        "1 region optimised, 1 piece of code",
    )  # fmt: skip
    for part in parts:
        assert part in text


def test_wheel_with_and_without_a_report(tmp_path: Path) -> None:
    wheel = tmp_path / "m-1-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("m/_polyopt/report.json", REPORT.to_json())
    assert read_wheel(wheel) == REPORT
    other = tmp_path / "o.whl"
    with zipfile.ZipFile(other, "w") as archive:
        archive.writestr("o/__init__.py", "")
    with pytest.raises(PolyoptError, match="no polyopt report"):
        read_wheel(other)
    (tmp_path / "bad.whl").write_bytes(b"nonsense")
    with pytest.raises(PolyoptError, match="cannot be read"):
        read_wheel(tmp_path / "bad.whl")
