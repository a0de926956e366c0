"""Twenty learners press Check at the same time: each gets their own verdict, and is told where they stand."""

from __future__ import annotations

import sys
import threading
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "streamlit_app"))

from ui.jobs import Jobs

from dojo.course import load_course
from dojo.progress import Store

pytestmark = pytest.mark.slow

TEMPLATE = """def attention_pattern(q, k):
    scores = torch.einsum("bihd,bjhd->bhij", q, k) {scale}
    scores = scores.masked_fill(torch.ones(q.shape[1], k.shape[1]).{future}.bool(), -1e9)
    return scores.softmax(dim={dim})  # learner {number}
"""
RIGHT = {"scale": "/ q.shape[-1] ** 0.5", "future": "triu(1)", "dim": "-1"}
KINDS = [
    RIGHT,
    RIGHT | {"dim": "-2"},  # softmax over queries
    RIGHT | {"scale": ""},  # no scaling
    RIGHT | {"future": "tril(-1)"},  # sees the future only
]


@pytest.fixture
def jobs(tmp_path):
    store = Store(f"sqlite:///{tmp_path}/progress.db")
    jobs = Jobs(load_course(), store)
    yield jobs
    jobs.close()
    store.close()


def test_twenty_at_once_each_get_their_own_verdict(jobs):
    chapter = jobs.course.chapters[0]
    learners = [jobs.store.learner(jobs.store.new_learner(f"learner {i}")) for i in range(20)]
    codes = [TEMPLATE.format(number=i, **KINDS[i % len(KINDS)]) for i in range(20)]
    gate, started, places = threading.Barrier(20), [None] * 20, [0] * 20

    def press_check(i: int) -> None:
        gate.wait()
        job = started[i] = jobs.start_check(learners[i], chapter, "attention_pattern", codes[i])
        while not job.done.wait(0.02):
            places[i] = max(places[i], job.ahead)

    threads = [threading.Thread(target=press_check, args=(i,)) for i in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(200)

    verdicts = [jobs.store.attempts(learner, chapter.id, "attention_pattern") for learner in learners]
    assert [len(attempts) for attempts in verdicts] == [1] * 20
    for i, (attempt,) in enumerate(verdicts):
        assert attempt.code == codes[i]
        assert attempt.verdict.passed == (i % len(KINDS) == 0), attempt.verdict.headline
    over_queries = {attempts[0].verdict.mistake and attempts[0].verdict.mistake.name for attempts in verdicts[1::4]}
    unscaled = {attempts[0].verdict.mistake and attempts[0].verdict.mistake.name for attempts in verdicts[2::4]}
    assert len(over_queries) == len(unscaled) == 1 and over_queries != unscaled and None not in over_queries | unscaled
    assert max(places) >= 8, "most had to wait, and were told how many were ahead"


def test_a_second_press_while_one_runs_is_the_same_check(jobs):
    chapter, me = jobs.course.chapters[0], jobs.store.learner()
    code = TEMPLATE.format(number=0, **RIGHT)
    one, two = (jobs.start_check(me, chapter, "attention_pattern", code) for _ in range(2))
    assert one is two
    assert one.done.wait(120) and one.verdict.passed
    assert len(jobs.store.attempts(me, chapter.id, "attention_pattern")) == 1


def test_code_that_does_not_parse_is_told_and_kept(jobs):
    chapter, me = jobs.course.chapters[0], jobs.store.learner()
    job = jobs.start_check(me, chapter, "attention_pattern", "def attention_pattern(q, k:\n    pass")
    assert job.done.wait(120)
    assert job.verdict.status == "error" and "Line 1" in job.verdict.headline
    assert jobs.store.attempts(me, chapter.id, "attention_pattern")[0].code.startswith("def attention_pattern(q, k:")


def test_a_judge_that_cannot_start_is_our_fault_and_says_so(tmp_path, monkeypatch):
    def broken(course):
        raise RuntimeError("no fork here")

    monkeypatch.setattr("ui.jobs.Grader", broken)
    store = Store(f"sqlite:///{tmp_path}/progress.db")
    jobs = Jobs(load_course(), store)
    job = jobs.start_check(store.learner(), jobs.course.chapters[0], "attention_pattern", "x = 1")
    assert job.done.wait(30)
    assert "our fault and not yours" in job.verdict.headline and "no fork here" in job.verdict.headline
    store.close()
