"""What every rendering of a verdict shares: the order of things, their words, and numbers cut to size."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import zip_longest

from dojo.grading.verdict import TestResult, Value, Verdict

SHOWN_IN_FULL = 1  # failed tests whose values are shown
SHOWN_IN_SHORT = 3  # failed tests after them that keep their sentence and message
MARKS = {"passed": "✓", "failed": "✗", "skipped": "–"}
STATUS_MARKS = {"passed": "✓", "failed": "✗", "unwritten": "○", "blocked": "○", "error": "✗", "stopped": "✗"}

Grid = list[list[float | int | bool | None]]


@dataclass(frozen=True)
class Cases:
    """The cases of one test (`test_x[3]`, `test_x[5]`), of which the first that failed is shown."""

    shown: TestResult
    passed: int
    total: int

    @property
    def counted(self) -> str:
        """ "", "3 cases" or "2 of 3 cases"."""
        if self.total == 1:
            return ""
        return f"{self.total} cases" if self.passed == self.total else f"{self.passed} of {self.total} cases"


def groups(verdict: Verdict) -> list[Cases]:
    """The tests in their order, the cases of one test together. While nothing is written they are only announced."""
    if verdict.status == "unwritten":
        sentences = dict.fromkeys(test.sentence or test.name for test in verdict.tests)
        return [Cases(TestResult(sentence, sentence, "skipped"), 0, 1) for sentence in sentences]
    by_test: dict[tuple[str, str], list[TestResult]] = {}
    for test in verdict.tests:
        by_test.setdefault((test.name.split("[")[0], test.sentence), []).append(test)
    rank = {"failed": 0, "skipped": 1, "passed": 2}
    return [
        Cases(min(cases, key=lambda t: rank[t.outcome]), sum(t.outcome == "passed" for t in cases), len(cases))
        for cases in by_test.values()
    ]


def told(verdict: Verdict) -> tuple[list[tuple[Cases, bool]], str]:
    """The tests to show, with whether in full, and "and 2 more fail" where some that failed are left out."""
    shown, failed = [], 0
    for group in groups(verdict):
        if group.shown.outcome == "failed":
            failed += 1
            if failed > SHOWN_IN_FULL + SHOWN_IN_SHORT:
                continue
        shown.append((group, group.shown.outcome == "failed" and failed <= SHOWN_IN_FULL))
    more = failed - SHOWN_IN_FULL - SHOWN_IN_SHORT
    return shown, f"✗ and {more} more {'fails' if more == 1 else 'fail'}" if more > 0 else ""


def has_inputs(verdict: Verdict) -> bool:
    """Whether there are failing inputs that a seed brings back."""
    return verdict.status == "failed" and verdict.seed != 0


def check_again(verdict: Verdict) -> str:
    """The call that replays a verdict on live code."""
    return f"check({clean(verdict.exercise)}, seed={verdict.seed})"


def counts(verdict: Verdict) -> str:
    """ "5 tests in 0.08 s", "3 of 5 tests pass, 0.08 s", "0.08 s" where the headline counts them, "" where nothing ran."""
    total, passed = len(verdict.tests), sum(t.outcome == "passed" for t in verdict.tests)
    if not total or verdict.status == "unwritten":
        return ""
    tests = "1 test" if total == 1 else f"{total} tests"
    taken = f"{verdict.seconds:.2f} s" if verdict.seconds else ""
    if verdict.headline.endswith((f"({passed} of {total} tests pass.)", f": {tests} passed.")):
        return taken
    if verdict.passed:
        return f"{tests} in {taken}" if taken else tests
    return ", ".join(filter(None, [f"{passed} of {total} tests pass", taken]))


def points(verdict: Verdict) -> float:
    """The share of the exercise's marks, 0 to 1: the share of tests that pass, and all of it for a pass."""
    return 1.0 if verdict.passed else verdict.score


def clean(text: str) -> str:
    """Text of a learner's without what would act on a terminal or reorder a line; line ends and tabs stay."""
    return "".join(
        c if c.isprintable() or c == "\n" else "    " if c == "\t" else "" if c == "\r" else "�" for c in text
    )


def cut(text: str, lines: int, characters: int = 6000) -> str:
    """A learner's text, cleaned and cut to so many lines and characters; what was left out is said."""
    text = clean(text).strip("\n")
    kept = [line[:500] + (" …" if len(line) > 500 else "") for line in text[:characters].split("\n")[:lines]]
    more = text.count("\n") + 1 - len(kept)
    if more:
        kept.append(f"… {more} more line{'s' if more > 1 else ''}")
    return "\n".join(kept)


def grid(value: Value | None) -> Grid | None:
    """The numbers of a value as rows; a vector is one row."""
    if value is None or not value.data:
        return None
    rows: Grid = value.data if all(isinstance(row, list) for row in value.data) else [value.data]
    flat = [number for row in rows for number in row]
    return rows if flat and all(n is None or isinstance(n, int | float) for n in flat) else None


def differs(expected: Grid, actual: Grid) -> list[list[bool]]:
    """Which cells of `actual` are not those of `expected` (as `compare` sees it by default); all, if the shapes differ."""
    return [
        [not _close(e, a) for e, a in zip_longest(wanted, row, fillvalue=None)][: len(row)]
        for wanted, row in zip_longest(expected, actual, fillvalue=[])
    ][: len(actual)]


def _close(expected: float | None, actual: float | None) -> bool:
    if expected is None or actual is None:
        return expected is actual
    return abs(expected - actual) <= 1e-4 + 1e-3 * abs(expected)


def formatter(*grids: Grid, decimals: int = 3) -> Callable[[float | int | bool | None], str]:
    """One way of writing numbers for all the grids, so that what stands side by side can be compared."""
    numbers = [abs(n) for rows in grids for row in rows for n in row if n is not None and not isinstance(n, bool)]
    largest = max(numbers, default=0.0)
    if all(isinstance(n, int) for n in numbers):
        form = "d"
    elif 1e-3 <= largest < 1e4 or largest == 0:
        form = f".{decimals if largest < 100 else 1}f"
    else:
        form = ".2e"

    def write(number: float | int | bool | None) -> str:
        if number is None:
            return "nan/inf"
        return str(number) if isinstance(number, bool) else f"{number:{form}}"

    return write


def label(value: Value) -> str:
    """ "shape [2, 5, 5], float32, slice [1, :, :]"."""
    parts = [f"shape {value.shape}" if value.shape is not None else "", value.dtype]
    return clean(", ".join(filter(None, [*parts, f"slice {value.shown}" if value.shown else ""])))
