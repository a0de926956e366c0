"""No cheat passes, none hangs, none harms the judge, the machine or the next submission, and each is told what stopped it."""

from __future__ import annotations

import os
import re
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from dojo.grading import Grader, Verdict
from dojo.grading.pool import GraderError
from dojo.grading.submission import Chunk, Submission, from_text

from .cheats import CHEATS, Cheat
from .conftest import CHAPTER, CHECKOUT, QUICK, SECONDS, limited

pytestmark = pytest.mark.hostile

HONEST = """
import torch

def attention_pattern(q, k):
    scores = torch.einsum("bqhd,bkhd->bhqk", q, k) / q.shape[-1] ** 0.5
    later = torch.ones(q.shape[1], k.shape[1]).triu(1).bool()
    return scores.masked_fill(later, -torch.inf).softmax(-1)
"""
TOOLS = """
import sys, types
sys.modules["wire_tools"] = types.ModuleType("wire_tools")
exec({!r}, vars(sys.modules["wire_tools"]))
"""
MARGIN = 12.0  # beyond the limit, on a machine that has other work


@dataclass
class Outcome:
    verdict: Verdict
    seconds: float
    next_one: Verdict | None


@pytest.fixture(scope="module")
def outcomes(request: pytest.FixtureRequest, grader: Grader, course) -> dict[str, Outcome]:
    """Every cheat that this run has selected, each followed by an honest submission, as many at once as there are slots."""
    selected = {
        item.callspec.params["cheat"]
        for item in request.session.items
        if item.path == Path(__file__) and hasattr(item, "callspec")
    }
    level = int(grader.isolation[1])

    def run(cheat: Cheat) -> Outcome:
        submission = Submission([Chunk("editor", filled(cheat.source, course.root))])
        if "wire_tools" in cheat.source:
            submission.chunks.insert(
                0, Chunk("tools", TOOLS.format(Path(__file__).with_name("wire_tools.py").read_text()))
            )
        started = []
        try:
            verdict = grader.grade(
                submission, CHAPTER, cheat.exercise, on_event=lambda _: started.append(time.monotonic())
            )
        except GraderError as error:
            verdict = Verdict(CHAPTER, cheat.exercise, "error", f"The grader was harmed: {error}")
        return Outcome(verdict, time.monotonic() - started[-1], None if cheat.endless else honest())

    def honest(*_: object) -> Verdict:
        return grader.grade(from_text(HONEST), CHAPTER, "attention_pattern")

    done: dict[str, Outcome] = {}
    with ThreadPoolExecutor(grader.slots) as threads:
        for endless in (True, False):
            grader.course = limited(course, QUICK if endless else SECONDS)
            chosen = [c for c in selected if c.level <= level and c.endless == endless]
            done |= zip([c.name for c in chosen], threads.map(run, chosen), strict=True)
        late = [outcome for outcome in done.values() if outcome.next_one is None]
        for outcome, verdict in zip(late, threads.map(honest, late), strict=True):
            outcome.next_one = verdict
    return done


def filled(source: str, root: Path) -> str:
    return source.replace("{ROOT}", str(root)).replace("{CHECKOUT}", str(CHECKOUT))


@pytest.mark.parametrize("cheat", CHEATS, ids=[cheat.name for cheat in CHEATS])
def test_cheat(cheat: Cheat, outcomes: dict[str, Outcome], grader: Grader):
    if cheat.name not in outcomes:
        pytest.skip(f"needs isolation L{cheat.level}, this machine gives {grader.isolation}")
    outcome = outcomes[cheat.name]
    verdict = outcome.verdict
    told = "\n".join([verdict.headline, *verdict.notes, *(test.message for test in verdict.tests)])
    assert verdict.status != "passed", told
    assert "BROKE OUT" not in verdict.printed + told, verdict.printed
    assert verdict.status in cheat.expect, told
    assert re.search(cheat.says, told), told
    assert "not your fault" not in told and "was harmed" not in told, told
    assert len(told) < 20_000
    assert outcome.seconds < (QUICK if cheat.endless else SECONDS) + MARGIN
    assert outcome.next_one is not None and outcome.next_one.status == "passed", outcome.next_one.headline


def test_there_are_enough_of_them():
    assert len(CHEATS) >= 45
    assert len({cheat.attacks for cheat in CHEATS}) > 0.9 * len(CHEATS)


def test_nothing_survives(outcomes: dict[str, Outcome], grader: Grader):
    """After all of that, each warm parent has only the children that wait for the next submission."""
    waiting = 2 * (grader.slots + 1)
    parents = [zygote.process.pid for zygote in (grader._workers, grader._judges)]
    deadline = time.monotonic() + 20
    while sum(len(descendants(pid)) for pid in parents) > waiting and time.monotonic() < deadline:
        time.sleep(0.2)
    assert sum(len(descendants(pid)) for pid in parents) <= waiting


def test_nothing_was_written(outcomes: dict[str, Outcome], course):
    """The course is as it was copied, and nothing new lies where cheats tried to write."""
    for folder in ("chapters", "solutions", "graders"):
        for path in (course.root / folder).rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts:
                assert b"owned" not in path.read_bytes(), path
    allowed = {"chapters", "solutions", "graders", "models"}
    assert {p.name for p in course.root.iterdir()} <= allowed
    for place in (
        CHECKOUT,
        CHECKOUT / "dojo",
        Path.home(),
        Path("/"),
        Path("/etc"),
        Path("/var/tmp"),
        Path("/dev/shm"),
    ):
        assert not (place / "owned").exists()
    assert not Path("/tmp/left-behind").exists()


def descendants(pid: int) -> list[int]:
    """All processes below `pid`, by the kernel's own list."""
    found = []
    for task in Path(f"/proc/{pid}/task").iterdir() if os.path.exists(f"/proc/{pid}/task") else []:
        try:
            children = [int(child) for child in (task / "children").read_text().split()]
        except OSError:
            continue
        for child in children:
            if Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()[0] != "Z":
                found += [child, *descendants(child)]
    return found
