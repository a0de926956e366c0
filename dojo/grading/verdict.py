"""What a learner is told: one `Verdict` per checked exercise, plain data from end to end.

A verdict is made by the judge, stored by `dojo.progress`, and rendered by `dojo.report`
(terminal, HTML, JSON, Gradescope) and by the site. It holds no object of the learner's.
"""

from __future__ import annotations

from typing import Literal

import msgspec

Status = Literal["passed", "failed", "unwritten", "blocked", "error", "stopped"]
Outcome = Literal["passed", "failed", "skipped"]


class Value(msgspec.Struct, omit_defaults=True):
    """One side of a comparison, cut down to what can be shown.

    `data` holds at most two axes and 4,096 numbers (a slice of a larger tensor; `shown` says which),
    with nan and infinities as None; `text` is always there.
    """

    text: str
    shape: list[int] | None = None
    dtype: str = ""
    data: list | None = None
    shown: str = ""  # for example "[1, :, 0, :]", the slice that `data` is


class TestResult(msgspec.Struct, omit_defaults=True):
    name: str  # "test_rows_sum_to_one[3]"
    sentence: str  # the test's docstring: what a right answer does
    outcome: Outcome
    message: str = ""  # what went wrong, in one or two sentences
    expected: Value | None = None
    actual: Value | None = None
    where: str = ""  # "largest difference 0.31 at [1, 0, 2, 2] (batch, head, query, key)"
    trace: str = ""  # the learner's own frames of a traceback, nothing of ours
    seconds: float = 0.0


class Recognised(msgspec.Struct):
    name: str
    sentence: str


class Verdict(msgspec.Struct, omit_defaults=True):
    """The judge's answer on one exercise.

    status: passed | failed (wrong numbers or an exception) | unwritten (the stub) | blocked (an exercise that it
    needs fails: see `blocked_by`) | stopped (a limit was reached) | error (nothing could be run: a syntax error, a missing
    name, a crash; or our own fault, and then the headline says so).
    """

    chapter: str
    exercise: str
    status: Status
    headline: str  # one sentence, always there
    tests: list[TestResult] = []
    mistake: Recognised | None = None
    blocked_by: str = ""
    notes: list[str] = []  # "`f` is defined twice; the last one counts"
    printed: str = ""  # what the learner's code printed, capped
    isolation: str = ""  # "L3 namespaces, Landlock, seccomp, own uid"
    seed: int = 0
    seconds: float = 0.0

    @property
    def passed(self) -> bool:
        return self.status == "passed"

    @property
    def score(self) -> float:
        """Share of the tests that passed, 0 to 1."""
        return sum(t.outcome == "passed" for t in self.tests) / len(self.tests) if self.tests else 0.0


def to_json(verdict: Verdict) -> bytes:
    return msgspec.json.encode(verdict)


def from_json(data: bytes | str) -> Verdict:
    return msgspec.json.decode(data, type=Verdict)
