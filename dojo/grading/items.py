"""Running an exercise's tests, and turning each into the result that the learner reads."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from . import rpc, verdict
from .bench import Bench, Missing, Stopped
from .comparison import Mismatch, describe, show
from .places import BENCH, grader_of
from .sentences import exception_sentence, trace


def items_of(session: pytest.Session, chapter: str, exercise: str) -> list[pytest.Item]:
    return [item for item in session.items if grader_of(item.path) == (chapter, exercise)]


def run_items(session: pytest.Session, items: Sequence[pytest.Item], bench: Bench, stop_early: bool = False) -> None:
    """Run the items on `bench`, which collects their results; with `stop_early` no further than the first that fails."""
    session.config.stash[BENCH] = bench
    try:
        for item, following in zip(items, [*items[1:], None], strict=True):
            after = None if stop_early else following  # None: tear everything down, since this may be the last
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=after)
            if stop_early and bench.results[-1].outcome == "failed":
                break
    finally:
        session.config.stash[BENCH] = None


def note(bench: Bench, item: pytest.Item, call: pytest.CallInfo, seconds: float) -> None:
    """Turn one finished test into the result that the learner reads."""
    error = call.excinfo.value if call.excinfo is not None else None
    function = getattr(item, "function", None)
    sentence = " ".join((function.__doc__ or "").split()) if function else ""
    result = verdict.TestResult(item.name, sentence, "passed", seconds=round(seconds, 4))
    if isinstance(error, pytest.skip.Exception):
        result.outcome, result.message = "skipped", str(error)
    elif error is not None:
        if call.when == "call" and not is_the_learners(error):
            error = _unusable_answer(bench, item, error)
        result.outcome, result.message = "failed", _message(error)
        if isinstance(error, Mismatch):
            result.expected, result.actual, result.where = error.expected, error.actual, error.where
        if isinstance(error, rpc.RemoteError):
            result.trace = trace(error)
    bench.results.append(result)
    bench.errors.append(error if result.outcome == "failed" else None)


def _unusable_answer(bench: Bench, item: pytest.Item, error: BaseException) -> Mismatch:
    """A test that fell over what it was given. With the reference no test does: so it is the answer's kind that is wrong."""
    calls = [
        (label, value)
        for op, label, kind, value in bench.traces.get(item.nodeid, [])
        if op == "call" and kind == "value"
    ]
    if not calls:
        return Mismatch("type", f"The test could not use what your code gave it ({error}).")
    label, value = calls[-1]
    hint = ": is a `return` missing?" if value is None else f", and the test could not use that ({error})."
    return Mismatch("type", f"`{label}` returned {describe(value)}{hint}", actual=show(value))


def is_the_learners(error: BaseException) -> bool:
    return isinstance(error, (AssertionError, rpc.RemoteError, Stopped, Missing))


def _message(error: BaseException) -> str:
    if isinstance(error, rpc.RemoteError):
        return exception_sentence(error)
    return str(error).split("\nassert ")[0].strip() or "This test does not hold."
