"""The Grader under many at once, and with its processes killed under it."""

import itertools
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from dojo.course import load_course
from dojo.grading import Grader
from dojo.grading.pool import GraderError
from dojo.grading.submission import Submission, from_text

CHAPTER, EXERCISE = "transformer_from_scratch", "attention_pattern"
RIGHT = """
import torch

def attention_pattern(q, k):
    scores = torch.einsum("bqhd,bkhd->bhqk", q, k) / q.shape[-1] ** 0.5
    later = torch.ones(q.shape[1], k.shape[1]).triu(1).bool()
    return scores.masked_fill(later, -torch.inf).softmax(-1)
"""
SLOW = RIGHT.replace("    scores", "    import time; time.sleep({})\n    scores", 1)
KINDS = {
    "passed": RIGHT,
    "failed": RIGHT.replace("softmax(-1)", "softmax(-2)"),
    "unwritten": "def attention_pattern(q, k):\n    raise NotImplementedError\n",
    "error": "x = 1\n",
    "stopped": "import os\ndef attention_pattern(q, k):\n    os._exit(3)\n",
}


@pytest.fixture(scope="module")
def course():
    return load_course()


@pytest.fixture(scope="module")
def grader(course):
    with Grader(course, only=[(CHAPTER, EXERCISE)], slots=2) as made:
        made.wait_until_warm()
        yield made


def grade(grader: Grader, source: str, **options):
    return grader.grade(from_text(source), CHAPTER, EXERCISE, **options)


def test_twenty_at_once_each_get_their_own(grader):
    """Each of twenty threads gets the verdict on its own code, known by what that code printed."""
    jobs = [(i, kind, source) for i, (kind, source) in zip(range(20), itertools.cycle(KINDS.items()), strict=False)]

    def run(job):
        number, _, source = job
        return grade(grader, f"print('I am', {number}, end=';')\n{source}")

    with ThreadPoolExecutor(20) as threads:
        verdicts = list(threads.map(run, jobs))
    for (number, kind, _), verdict in zip(jobs, verdicts, strict=True):
        assert verdict.status == kind, verdict.headline
        if kind in ("passed", "failed"):
            assert verdict.printed == f"I am {number};"


def test_the_queue_serves_in_order_and_tells_places(grader):
    places, started, lock = {i: [] for i in range(6)}, [], threading.Lock()

    def run(number: int):
        def hear(event):
            with lock:
                if event["kind"] == "queue":
                    places[number].append(event["ahead"])
                else:
                    started.append(number)

        return grade(grader, SLOW.format(0.1) if number < 2 else RIGHT, on_event=hear)

    threads = []
    for number in range(6):
        thread = threading.Thread(target=run, args=(number,))
        thread.start()
        threads.append(thread)
        wait_until(lambda n=number: n in started or places[n])
    for thread in threads:
        thread.join()
    assert started == list(range(6))
    assert places[5][0] == 3, "the first two run, three wait before the sixth"
    assert all(before > after for told in places.values() for before, after in itertools.pairwise(told))


def test_a_submission_that_cannot_be_used_takes_no_place(grader):
    verdict = grader.grade(Submission(problem="mine.py is empty."), CHAPTER, EXERCISE)
    assert (verdict.status, verdict.headline) == ("error", "mine.py is empty.")


def test_the_same_seed_gives_the_same_verdict(grader):
    first, second = (grade(grader, KINDS["failed"], seed=5) for _ in range(2))
    assert first.seed == second.seed == 5
    assert [(t.message, t.where) for t in first.tests] == [(t.message, t.where) for t in second.tests]


def test_every_grading_draws_its_own_inputs(grader):
    source = "print(q.sum().item(), end=' ')\n    return q.sum()"
    printed = {grade(grader, f"def attention_pattern(q, k):\n    {source}\n").printed.split()[0] for _ in range(2)}
    assert len(printed) == 2


def test_nothing_is_left_behind_for_the_next(grader):
    grade(
        grader,
        "import torch, os\ntorch.softmax = None\ntorch.Tensor.softmax = None\nos.environ['LEFT'] = '1'\n" + RIGHT,
    )
    assert grade(grader, RIGHT).status == "passed"
    assert grade(grader, "import os\nprint(os.environ.get('LEFT'))\n" + RIGHT).printed.strip() == "None"


def test_a_killed_worker_is_told_and_replaced(grader):
    verdict = killed_half_way(grader, "worker", lambda zygote: set(children(zygote.process.pid)))
    assert verdict.status == "stopped" and "Stopped" in verdict.headline
    assert grade(grader, RIGHT).status == "passed"


def test_a_killed_judge_is_asked_again(grader):
    verdict = killed_half_way(grader, "judge", lambda zygote: set(children(zygote.process.pid)))
    assert verdict.status == "passed", verdict.headline
    assert grade(grader, RIGHT).status == "passed"


@pytest.mark.parametrize("role", ["worker", "judge"])
def test_a_killed_zygote_is_replaced(grader, role):
    before = zygote_of(grader, role).process.pid
    killed_half_way(grader, role, lambda zygote: {zygote.process.pid})
    assert grade(grader, RIGHT).status == "passed"
    assert grade(grader, KINDS["failed"]).status == "failed"
    assert zygote_of(grader, role).process.pid != before


def test_waiting_children_that_were_killed_are_not_handed_out(grader):
    wait_until(lambda: all(len(grader._idle[role]) > grader.slots for role in ("worker", "judge")))
    for role in ("worker", "judge"):
        for pid in children(zygote_of(grader, role).process.pid):
            os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not children(zygote_of(grader, "worker").process.pid))
    assert [grade(grader, RIGHT).status for _ in range(4)] == ["passed"] * 4


def test_an_author_who_saves_a_grader_sees_the_new_one(course, tmp_path):
    for folder in ("chapters", "solutions", "graders"):
        shutil.copytree(course.root / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    with Grader(load_course(tmp_path), only=[(CHAPTER, EXERCISE)], slots=1) as grader:
        assert grade(grader, RIGHT).status == "passed"
        file = tmp_path / "graders" / CHAPTER / f"test_{EXERCISE}.py"
        file.write_text("def test_new(submission):\n    'A new sentence.'\n    assert False, 'The new grader.'\n")
        os.utime(file, (time.time() + 5,) * 2)
        assert "The new grader." in grade(grader, RIGHT).headline


def test_close_leaves_no_process(course):
    grader = Grader(course, only=[(CHAPTER, EXERCISE)], slots=2)
    grader.wait_until_warm()
    running = threading.Thread(target=grade, args=(grader, SLOW.format(30)))
    running.start()
    parents = [zygote_of(grader, role).process.pid for role in ("worker", "judge")]
    wait_until(lambda: grader._running)
    time.sleep(0.3)
    family = {pid for parent in parents for pid in (parent, *children(parent))}
    assert len(family) > 4
    grader.close()
    running.join(20)
    assert not running.is_alive()
    wait_until(lambda: not any(alive(pid) for pid in family))
    with pytest.raises(GraderError, match="closed"):
        grade(grader, RIGHT)


def test_a_server_that_dies_takes_its_processes_along():
    """kill -9 on whoever holds the grader: its sockets close, and what it started ends."""
    script = (
        "import time; from dojo.course import load_course; from dojo.grading import Grader\n"
        f"g = Grader(load_course(), only=[({CHAPTER!r}, {EXERCISE!r})], slots=1); g.wait_until_warm()\n"
        "print(g._workers.process.pid, g._judges.process.pid, flush=True); time.sleep(60)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[1]
    ) as server:
        parents = [int(pid) for pid in server.stdout.readline().split()]
        family = {pid for parent in parents for pid in (parent, *children(parent))}
        server.kill()
    assert len(family) > 3
    wait_until(lambda: not any(alive(pid) for pid in family))


# --- watching processes --------------------------------------------------------------------------------------


def zygote_of(grader: Grader, role: str):
    return grader._workers if role == "worker" else grader._judges


def killed_half_way(grader: Grader, role: str, victims):
    """Grade something slow, and while it runs kill the processes that `victims(zygote)` names."""
    verdicts = []
    wait_until(lambda: all(len(idle) > grader.slots for idle in grader._idle.values()))
    running = threading.Thread(target=lambda: verdicts.append(grade(grader, SLOW.format(0.2))))
    running.start()
    wait_until(lambda: all(len(idle) <= grader.slots for idle in grader._idle.values()))
    time.sleep(0.3)
    for pid in victims(zygote_of(grader, role)):
        os.kill(pid, signal.SIGKILL)
    running.join(60)
    assert verdicts, "the verdict never came"
    return verdicts[0]


def children(pid: int) -> list[int]:
    try:
        found = [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []
    return [child for child in found if alive(child)]


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def wait_until(what, seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.01)
