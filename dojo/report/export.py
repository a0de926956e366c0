"""Verdicts for gradebooks: a row of a CSV file, Gradescope's results.json, plain text."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping

from rich.console import Console

from dojo.grading.verdict import Verdict

from .content import clean, points
from .terminal import to_terminal


def to_text(verdict: Verdict, width: int = 100) -> str:
    """The verdict as plain text."""
    console = Console(file=io.StringIO(), width=width, color_system=None, force_terminal=False, legacy_windows=False)
    to_terminal(verdict, console)
    assert isinstance(console.file, io.StringIO)
    return "\n".join(line.rstrip() for line in console.file.getvalue().split("\n"))


def total(verdicts: Iterable[Verdict], weights: Mapping[str, float]) -> float:
    """The mean of the exercises' points, weighted by importance, 0 to 1."""
    verdicts = list(verdicts)
    weight = sum(weights.get(v.exercise, 1.0) for v in verdicts)
    return sum(points(v) * weights.get(v.exercise, 1.0) for v in verdicts) / weight if weight else 0.0


def to_row(
    name: str, verdicts: Iterable[Verdict], weights: Mapping[str, float], notes: Iterable[str] = ()
) -> dict[str, str | float]:
    """One submission as a row: name, total, passed, one column an exercise, notes."""
    verdicts = list(verdicts)
    remarks = dict.fromkeys([*notes, *(note for v in verdicts for note in v.notes)])
    return {
        "submission": _cell(name),
        "total": round(total(verdicts, weights), 4),
        "passed": sum(v.passed for v in verdicts),
        **{v.exercise: round(points(v), 4) for v in verdicts},
        "notes": _cell("; ".join(remarks)),
    }


def to_gradescope(verdicts: Iterable[Verdict], weights: Mapping[str, float] | None = None) -> dict:
    """Gradescope's results.json: one test an exercise, worth the exercise's weight (1 where none is given)."""
    tests, seconds = [], 0.0
    for number, verdict in enumerate(verdicts, start=1):
        seconds += verdict.seconds
        worth = float((weights or {}).get(verdict.exercise, 1.0))
        tests.append(
            {
                "name": verdict.exercise,
                "number": str(number),
                "score": round(points(verdict) * worth, 4),
                "max_score": worth,
                "status": "passed" if verdict.passed else "failed",
                "output": to_text(verdict),
                "output_format": "text",
                "visibility": "visible",
            }
        )
    return {
        "score": round(sum(test["score"] for test in tests), 4),
        "execution_time": round(seconds, 3),
        "stdout_visibility": "hidden",
        "tests": tests,
    }


def _cell(text: str) -> str:
    """Spreadsheets run a cell that starts with one of these as a formula, and names and notes come from learners."""
    text = clean(text).replace("\n", " ")
    return f"'{text}" if text[:1] in "=+-@" and text else text
