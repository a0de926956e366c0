"""Demos run the learner's code too: bounded in time, in what they show and in how often."""

from __future__ import annotations

import time

import pytest

from dojo.grading import Grader
from dojo.grading.submission import from_text

pytestmark = pytest.mark.hostile
CHAPTER = "transformer_from_scratch"


def shown(grader: Grader, submission: str, code: str, seconds: float = 2.0) -> tuple[list, list, float]:
    events: list[dict] = []
    started = time.monotonic()
    outputs = grader.demo(from_text(submission), CHAPTER, code, seconds=seconds, on_event=events.append)
    return outputs, [e for e in events if e["kind"] not in ("queue", "start")], time.monotonic() - started


def test_a_demo_shows_what_it_should(grader):
    outputs, _, _ = shown(grader, "x = 40", "print('hello')\nx + 2", seconds=10)
    assert any("42" in output.data for output in outputs) and any("hello" in output.data for output in outputs)


@pytest.mark.parametrize(
    ("submission", "code", "says"),
    [
        ("", "while True: pass", "Stopped after"),
        ("while True: pass", "1", "Stopped after"),
        ("", "import os; os._exit(0)", "ended its own process"),
        ("", "import ctypes; ctypes.string_at(0)", "crashed"),
        ("", "import os; os.fork()", "not allowed"),
        ("", "bytes(10**11)", "memory"),
        ("", "1 / 0", "ZeroDivisionError"),
        ("import dojo.show; dojo.show.display = None", "print(open('{}/solutions'))", "not there|not allowed"),
    ],
    ids=["endless", "endless on load", "exit", "crash", "fork", "memory", "error", "file"],
)
def test_a_demo_that_fails_says_why(grader, course, submission, code, says):
    outputs, _, seconds = shown(grader, submission, code.format(course.root))
    assert outputs[-1].mime == "text/plain"
    assert any(phrase in outputs[-1].data for phrase in says.split("|")), outputs[-1].data
    assert seconds < 20


def test_a_flood_of_outputs_is_cut(grader):
    event = "{'kind': 'output', 'mime': 'text/html', 'data': 'x', 'slot': str(i)}"
    code = f"import dojo.show as s\nfor i in range(100_000):\n    s.sink({event})"
    outputs, events, seconds = shown(grader, "", code)
    assert len(outputs) <= 50 and len(events) <= 20_000 and seconds < 20


def test_events_of_the_wrong_kinds_are_dropped(grader):
    code = (
        "import dojo.show as s\n"
        "for event in [5, [], {}, {'kind': 3},\n"
        "              {'kind': 'output', 'mime': 'application/javascript', 'data': 'alert(1)', 'slot': 'a'},\n"
        "              {'kind': 'output', 'mime': 'text/html', 'data': 7}, {'kind': 'progress', 'done': 'x'},\n"
        "              {'kind': 'start'}, {'kind': 'queue', 'ahead': 3},\n"
        "              {'kind': 'progress', 'done': 1, 'total': 2, 'text': 'x' * 100_000}]:\n"
        "    s.sink(event)\n"
    )
    outputs, events, _ = shown(grader, "", code, seconds=10)
    assert outputs == []
    assert [e["kind"] for e in events] == ["progress"] and len(events[0]["text"]) <= 200
