"""What polyopt tells people: source spans, and typed reasons why something was not done.

Every message for a user is a `Diagnostic`: it names a place (`Span`), says what happened in one sentence of plain language, and
what would change it. A reason also has a developer's text, which may name passes and nodes. Errors that end a build are
`PolyoptError`; everything else is collected and ends up in the report.
"""

from __future__ import annotations

import traceback
from dataclasses import dataclass
from enum import Enum
from pathlib import Path


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A place in a source file: 1-based lines, 0-based columns (as `ast` counts them), both ends included/excluded as there."""

    file: str
    line: int
    column: int = 0
    end_line: int = 0
    end_column: int = 0

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column + 1}"

    @property
    def lines(self) -> str:
        """The lines as a reader writes them: `12` or `12-19`."""
        return str(self.line) if self.end_line <= self.line else f"{self.line}-{self.end_line}"


NOWHERE = Span("<unknown>", 0)


class Severity(Enum):
    """How much a diagnostic matters."""

    NOTE = "note"
    MISSED = "missed"  # code that stays Python, with the reason
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True, order=True)
class Diagnostic:
    """One message: a stable `kind`, a sentence for the user, what would change it, and a developer's text."""

    span: Span
    kind: str
    message: str
    remedy: str = ""
    developer: str = ""
    severity: Severity = Severity.MISSED

    def __str__(self) -> str:
        remedy = f" ({self.remedy})" if self.remedy else ""
        return f"{self.span}: {self.severity.value}: {self.message}{remedy} [{self.kind}]"


DEFECT = "internal-error"
"""Kind of the diagnostic for code on which polyopt itself failed; the fuzz takes it for a difference."""

TOO_DEEP = "too-deep"
"""Kind of the diagnostic for code on which polyopt runs into Python's limit of recursion; no program of the fuzz is such."""


def defect(span: Span, error: Exception, what: str = "failed on this code, which stays Python") -> Diagnostic:
    """The warning for an exception that is a fault of ours; a source without measure in its nesting is none."""
    if isinstance(error, RecursionError):
        return Diagnostic(span, TOO_DEEP, "the code is nested too deeply for polyopt, and stays Python", "write it in several statements")
    frames = traceback.extract_tb(error.__traceback__)
    place = f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else "?"
    text = f"polyopt {what} ({type(error).__name__} at {place})"
    return Diagnostic(span, DEFECT, text, REPORT_IT, "".join(traceback.format_exception(error)), Severity.WARNING)


REPORT_IT = "please report it with the function's source"


class PolyoptError(Exception):
    """An error that a user can cause and mend; its text is complete (place, cause, way out)."""


class Unsupported(Exception):
    """Raised inside a pass when a construct is not understood; carries the reason and never reaches a user as an exception."""

    def __init__(self, diagnostic: Diagnostic) -> None:
        super().__init__(str(diagnostic))
        self.diagnostic = diagnostic


def unsupported(span: Span, kind: str, message: str, remedy: str = "", developer: str = "") -> Unsupported:
    """The exception for a construct that stays Python: `raise unsupported(span, "while-loop", "...")`."""
    return Unsupported(Diagnostic(span, kind, message, remedy, developer))
