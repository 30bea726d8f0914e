"""The report as data: made by the pipeline, stored in the wheel as `_polyopt/report.json`, shown by `polyopt explain`.

Deterministic: the same inputs give the same bytes; no times, no paths outside the project.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

FORMAT = 1


@dataclass(frozen=True, slots=True)
class VariantReport:
    """One version of a region: the types it is for, what its guard asks in words, and what was done to its loops."""

    types: tuple[str, ...]
    guards: tuple[str, ...]
    done: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RegionReport:
    """A region: `name` is what POLYOPT_TRACE prints, `lines` the source lines ("12-19"), `safety` proved, fresh or undo."""

    name: str
    function: str
    lines: str
    safety: str
    variants: tuple[VariantReport, ...]


@dataclass(frozen=True, slots=True)
class Missed:
    """A piece of code that stays Python, and what would change it."""

    function: str
    lines: str
    kind: str
    reason: str
    remedy: str
    severity: str = "missed"


@dataclass(frozen=True, slots=True)
class ModuleReport:
    module: str
    file: str
    regions: tuple[RegionReport, ...]
    missed: tuple[Missed, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """All modules of one build. `native` tells whether machine code was built; if not, `note` says why."""

    modules: tuple[ModuleReport, ...]
    native: bool = True
    note: str = ""

    def to_json(self) -> str:
        """The report as JSON text, sorted and indented, with a newline at the end."""
        return json.dumps({"format": FORMAT, **asdict(self)}, indent=1, sort_keys=True) + "\n"


def from_json(text: str) -> Report:
    """The inverse of `Report.to_json`. Raises ValueError for text that is not a report of this format."""
    data = json.loads(text)
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise ValueError("not a polyopt report of a known format")
    return Report(tuple(_module(item) for item in data["modules"]), data["native"], data["note"])


def _module(data: Mapping[str, Any]) -> ModuleReport:
    regions = tuple(
        RegionReport(r["name"], r["function"], r["lines"], r["safety"], tuple(_variant(v) for v in r["variants"]))
        for r in data["regions"]
    )
    return ModuleReport(data["module"], data["file"], regions, tuple(Missed(**item) for item in data["missed"]))


def _variant(data: Mapping[str, Sequence[str]]) -> VariantReport:
    return VariantReport(tuple(data["types"]), tuple(data["guards"]), tuple(data["done"]))
