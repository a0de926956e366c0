"""The judge: from a learner's module behind the wire to a verdict.

1. Load the submission on the learner's side; find the exercise's name in it.
2. Run the exercise's tests (plain pytest items, already collected) and note what each says.
3. If one fails, see whether an exercise that this one needs fails too: then the learner is sent there first.
4. Otherwise run the failed tests again with each known mistake in the learner's place; where all answers match, say so.
"""

from __future__ import annotations

import difflib
import importlib
import socket
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest

from . import bench as benches
from . import rpc, verdict, wire
from .bench import Bench, Missing, Stopped
from .comparison import describe
from .items import is_the_learners, items_of, run_items
from .places import grader_of
from .recognise import recognise
from .sentences import count, exception_sentence


class Job(msgspec.Struct):
    """What the judge is asked: chunks are [name, source, first line]; `needs` stand in the order to be learned in."""

    root: str
    chapter: str
    exercise: str
    needs: list[str]
    chunks: list[list]
    notes: list[str]
    seconds: float
    seed: int
    isolation: str = ""
    briefly: bool = False  # only whether it passes: stop at the first failed test, and do not ask why


def answer_one(session: pytest.Session, sock: socket.socket) -> None:
    """Wait for one job and the worker's end-points on `sock`, and answer with a verdict. The body of a forked judge.

    Where the worker was lost by our own fault no answer is given: the pool asks another judge.
    """
    _, fds, _, _ = socket.recv_fds(sock, 4, 2)
    if len(fds) != 2:
        return
    channel = wire.Channel(sock, 64 * 2**20)
    job = msgspec.msgpack.decode(channel.receive(), type=Job)
    endpoint = benches.JudgeEndpoint(lambda: benches.reason_of_death(fds[1]), job.seconds)
    worker = wire.Channel(socket.socket(fileno=fds[0]), benches.ANSWER_CAP)
    worker.deadline = time.monotonic() + job.seconds
    rpc.connect(endpoint, worker)
    try:
        answer = grade(session, job, endpoint)
    except Exception as error:  # whatever the learner's side may have sent that we did not think of
        text = f"The judge failed ({type(error).__name__}: {error}): this is not your fault. Please report it."
        answer = verdict.Verdict(job.chapter, job.exercise, "error", text, seed=job.seed)
    if not endpoint.orphaned:
        channel.send(verdict.to_json(answer))


def warm_up(session: pytest.Session, root: Path) -> None:
    """Grade one reference, so that no forked judge has to import, compile or allocate first what every grading uses."""
    places = [place for item in session.items if (place := grader_of(item.path))]
    for chapter, exercise in places[:1]:
        namespace = vars(importlib.import_module(f"solutions.{chapter}"))
        bench = benches.local_bench(root, chapter, exercise, namespace, 0)
        run_items(session, items_of(session, chapter, exercise), bench)
        verdict.to_json(verdict.Verdict(chapter, exercise, "passed", "", tests=bench.results))


def grade(session: pytest.Session, job: Job, endpoint: benches.JudgeEndpoint) -> verdict.Verdict:
    """Grade one exercise of the submission behind `endpoint`. `session` holds the collected graders."""
    started = time.perf_counter()
    bench = benches.make_bench(Path(job.root), job.chapter, job.exercise, endpoint, job.seed)
    result = _grade(session, job, bench)
    result.notes = [*job.notes, *result.notes]
    result.printed, dropped = endpoint.printed()
    if dropped:
        result.notes.append(f"Your code printed {dropped:,} characters more than are kept.")
    result.isolation, result.seed = job.isolation, job.seed
    result.seconds = time.perf_counter() - started
    return result


def _grade(session: pytest.Session, job: Job, bench: Bench) -> verdict.Verdict:
    def say(status: verdict.Status, headline: str, **more: Any) -> verdict.Verdict:
        return verdict.Verdict(job.chapter, job.exercise, status, headline, **more)

    notes: list[str] = []
    try:
        notes = _load(job, bench)
        _check_kind(bench)
    except Stopped as stopped:
        return say("stopped", str(stopped))
    except Missing as missing:
        return say("error", str(missing), notes=notes)
    items = items_of(session, job.chapter, job.exercise)
    if not items:
        return say("error", f"The course has no grader for `{job.exercise}` that could be run: this is not your fault.")
    run_items(session, items, bench, stop_early=job.briefly)
    tests = bench.results
    if all(t.outcome == "passed" for t in tests):
        return say(
            "passed", f"`{job.exercise}` is right: {count(len(tests), 'test')} passed.", tests=tests, notes=notes
        )
    if bench.endpoint.stopped:
        return say("stopped", str(bench.endpoint.stopped), tests=tests, notes=notes)
    fault = next((e for e in bench.errors if e is not None and not is_the_learners(e)), None)
    if fault is not None:
        text = f"The grader itself failed ({type(fault).__name__}: {fault}): this is not your fault. Please report it."
        return say("error", text, tests=tests, notes=notes)
    for need in [] if job.briefly else job.needs:
        behind = _first_failure(session, job, bench, need)
        if behind is not None:
            text = f"`{job.exercise}` is built on `{need}`, and {behind}. Get `{need}` right first, then check this one again."
            return say("blocked", text, tests=tests, notes=notes, blocked_by=need)
    if _is_stub(bench, job.exercise):
        return say("unwritten", f"`{job.exercise}` is not written yet.", tests=tests, notes=notes)
    failed = [t for t in tests if t.outcome == "failed"]
    known = None if job.briefly else recognise(session, items, bench)
    passed = sum(t.outcome == "passed" for t in tests)
    headline = failed[0].message if failed else "Some tests could not be run."
    if len(tests) > 1:
        headline = f"{headline} ({passed} of {len(tests)} tests pass.)"
    return say("failed", headline, tests=tests, mistake=known, notes=notes)


def _load(job: Job, bench: Bench) -> list[str]:
    """Run the submission's chunks; return notes on those that raised. Raises Missing if the exercise's name is not there."""
    loaded = bench.endpoint.ask("load", job.chunks)
    if not isinstance(loaded, dict) or not isinstance(loaded.get("errors"), list):
        raise Stopped("Your code's answer could not be read.")
    names = loaded.get("names")
    notes = []
    for entry in loaded["errors"][:20]:
        name, info = entry if isinstance(entry, list) and len(entry) == 2 and isinstance(entry[1], dict) else ("?", {})
        notes.append(f"In {str(name)[:80]}: {exception_sentence(rpc.RemoteError(info))}")
    if not isinstance(names, list) or job.exercise not in names:
        near = difflib.get_close_matches(
            job.exercise, [n for n in names if isinstance(n, str)] if isinstance(names, list) else []
        )
        because = " Define it under exactly this name."
        if near:
            because = f" There is `{near[0][:80]}`: is it misspelt?"
        if notes:
            because = f" Running your code stopped before it: {notes[0]}"
        raise Missing(f"`{job.exercise}` is not defined in your submission.{because}")
    return notes


def _check_kind(bench: Bench) -> None:
    """A class where a function is asked, and the other way round, deserve a sentence of their own."""
    wanted = rpc.kind_of(getattr(bench.reference, bench.exercise))
    found = getattr(bench.module, bench.exercise)
    kind = found._handle.kind if isinstance(found, rpc.Remote) else "value"
    if wanted == "class" and kind != "class":
        raise Missing(f"`{bench.exercise}` should be a class, but it is {describe(found)}.")
    if wanted == "function" and kind not in ("function", "object"):
        raise Missing(f"`{bench.exercise}` should be a function, but it is {describe(found)}.")


def _is_stub(bench: Bench, exercise: str) -> bool:
    first = next((e for e in bench.errors if e is not None), None)
    if not isinstance(first, rpc.RemoteError) or first.type != "NotImplementedError":
        return False
    return first.raised_in.split(".")[0] in (exercise, "")


def _first_failure(session: pytest.Session, job: Job, bench: Bench, need: str) -> str | None:
    """What is wrong with `need` in this submission, as the middle of a sentence; None if its tests pass."""
    behind = benches.make_bench(Path(job.root), job.chapter, need, bench.endpoint, job.seed)
    try:
        _check_kind(behind)
        run_items(session, items_of(session, job.chapter, need), behind)
    except (Missing, rpc.RemoteError):
        return f"`{need}` is not there yet"
    except Stopped as stopped:
        return str(stopped).rstrip(".")
    if all(t.outcome == "passed" for t in behind.results):
        return None
    return "that is not written yet" if _is_stub(behind, need) else "that does not pass its own tests yet"
