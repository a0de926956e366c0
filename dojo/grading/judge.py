"""The judge: from a learner's module behind the wire to a verdict.

1. Load the submission on the learner's side; find the exercise's name in it.
2. Run the exercise's tests (plain pytest items, already collected) and note what each says.
3. If one fails, see whether an exercise that this one needs fails too: then the learner is sent there first.
4. Otherwise run the failed tests again with each known mistake in the learner's place; where all answers match, say so.
"""

from __future__ import annotations

import importlib
import socket
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
import torch

from . import bench as benches
from . import plugin, rpc, verdict, wire
from .bench import Bench, Missing, Stopped
from .comparison import Mismatch, describe, show
from .mistakes import Mistake, mistakes_of


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


def answer_one(session: pytest.Session, sock: socket.socket) -> None:
    """Wait for one job and the worker's end-points on `sock`, and answer with a verdict. The body of a forked judge."""
    _, fds, _, _ = socket.recv_fds(sock, 4, 2)
    if len(fds) != 2:
        return
    channel = wire.Channel(sock, 64 * 2**20)
    job = msgspec.msgpack.decode(channel.receive(), type=Job)
    endpoint = benches.JudgeEndpoint(lambda: benches.reason_of_death(fds[1]), job.seconds)
    worker = wire.Channel(socket.socket(fileno=fds[0]), benches.ANSWER_CAP)
    worker.deadline = time.monotonic() + job.seconds
    rpc.connect(endpoint, worker)
    channel.send(verdict.to_json(grade(session, job, endpoint)))


def warm_up(session: pytest.Session, root: Path) -> None:
    """Grade one reference, so that no forked judge has to import, compile or allocate first what every grading uses."""
    places = [place for item in session.items if (place := plugin.grader_of(item.path))]
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
    result.printed, dropped = printed(endpoint)
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
    run_items(session, items, bench)
    tests = bench.results
    if all(t.outcome == "passed" for t in tests):
        return say(
            "passed", f"`{job.exercise}` is right: {_count(len(tests), 'test')} passed.", tests=tests, notes=notes
        )
    if bench.endpoint.stopped:
        return say("stopped", str(bench.endpoint.stopped), tests=tests, notes=notes)
    fault = next((e for e in bench.errors if e is not None and not _is_the_learners(e)), None)
    if fault is not None:
        text = f"The grader itself failed ({type(fault).__name__}: {fault}): this is not your fault. Please report it."
        return say("error", text, tests=tests, notes=notes)
    for need in job.needs:
        behind = _first_failure(session, job, bench, need)
        if behind is not None:
            text = f"`{job.exercise}` is built on `{need}`, and {behind}. Get `{need}` right first, then check this one again."
            return say("blocked", text, tests=tests, notes=notes, blocked_by=need)
    if _is_stub(bench, job.exercise):
        return say("unwritten", f"`{job.exercise}` is not written yet.", tests=tests, notes=notes)
    failed = [t for t in tests if t.outcome == "failed"]
    known = recognise(session, items, bench)
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
        because = (
            f" Running your code stopped before it: {notes[0]}" if notes else " Define it under exactly this name."
        )
        raise Missing(f"`{job.exercise}` is not defined in your submission.{because}")
    return notes


def _check_kind(bench: Bench) -> None:
    """A class where a function is asked, and the other way round, deserve a sentence of their own."""
    wanted = rpc.kind_of(getattr(bench.reference, bench.exercise))
    found = getattr(bench.module, bench.exercise)
    kind = found._handle.kind if isinstance(found, rpc.Remote) else "value"
    if wanted == "class" and kind != "class":
        raise Missing(f"`{bench.exercise}` should be a class, but it is {_a(kind, found)}.")
    if wanted == "function" and kind not in ("function", "object"):
        raise Missing(f"`{bench.exercise}` should be a function, but it is {_a(kind, found)}.")


def _a(kind: str, found: Any) -> str:
    return (
        f"a {type(found).__name__}"
        if kind == "value"
        else f"a {kind}"
        if kind != "object"
        else f"a {found._handle.type}"
    )


def items_of(session: pytest.Session, chapter: str, exercise: str) -> list[pytest.Item]:
    return [item for item in session.items if plugin.grader_of(item.path) == (chapter, exercise)]


def run_items(session: pytest.Session, items: Sequence[pytest.Item], bench: Bench) -> None:
    """Run the items on `bench`, which collects their results."""
    session.config.stash[plugin.BENCH] = bench
    try:
        for item, following in zip(items, [*items[1:], None], strict=True):
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
    finally:
        session.config.stash[plugin.BENCH] = None


def note(bench: Bench, item: pytest.Item, call: pytest.CallInfo, seconds: float) -> None:
    """Turn one finished test into the result that the learner reads."""
    error = call.excinfo.value if call.excinfo is not None else None
    function = getattr(item, "function", None)
    sentence = " ".join((function.__doc__ or "").split()) if function else ""
    result = verdict.TestResult(item.name, sentence, "passed", seconds=round(seconds, 4))
    if isinstance(error, pytest.skip.Exception):
        result.outcome, result.message = "skipped", str(error)
    elif error is not None:
        if call.when == "call" and not _is_the_learners(error):
            error = _unusable_answer(bench, item, error)
        result.outcome, result.message = "failed", _message(error)
        if isinstance(error, Mismatch):
            result.expected, result.actual, result.where = error.expected, error.actual, error.where
        if isinstance(error, rpc.RemoteError):
            result.trace = _trace(error)
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


def _is_the_learners(error: BaseException) -> bool:
    return isinstance(error, (AssertionError, rpc.RemoteError, Stopped, Missing))


def _message(error: BaseException) -> str:
    if isinstance(error, rpc.RemoteError):
        return exception_sentence(error)
    return str(error).split("\nassert ")[0].strip() or "This test does not hold."


def exception_sentence(error: rpc.RemoteError) -> str:
    """A remote exception in words for a beginner."""
    at = f" (line {error.frames[-1].get('line')}, in `{error.raised_in}`)" if error.frames else ""
    text = error.text.strip()
    if error.type == "NotImplementedError" and not text:
        return f"This part is not written yet{at}."
    if error.type == "WireError":
        return f"Your answer could not be graded: {text}."
    if error.type == "ModuleNotFoundError":
        return f"Your code imports something that is not installed here{at}: {text}. The exercises need torch and einops only."
    if error.type in ("PermissionError", "BlockingIOError") or "Operation not permitted" in text:
        return (
            f"Your code tried to do something that is not allowed while it is being graded{at}: {text}. "
            "An exercise needs no files, no network and no other processes."
        )
    if error.type == "FileNotFoundError" or "Read-only file system" in text:
        return f"Your code asked for a file that is not there while it is being graded{at}: {text}."
    if error.type == "OSError" and ("too large" in text.lower() or "No space left" in text):
        return f"Your code wrote larger or more files than an exercise may write{at}."
    if error.type == "RecursionError":
        return f"Your code calls itself without end{at}."
    if error.type in ("SystemExit", "KeyboardInterrupt"):
        return f"Your code tried to end the program ({error.type}){at}. Return a value instead."
    if error.type == "NameError":
        return f"Your code uses a name that it does not define{at}: {text}."
    return f"Your code raised {error.type}{at}: {text}" if text else f"Your code raised {error.type}{at}."


def _trace(error: rpc.RemoteError) -> str:
    lines = [f"line {f.get('line')}, in {f.get('function')}" for f in error.frames]
    return "\n".join([*lines, f"{error.type}: {error.text}"])


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


def recognise(session: pytest.Session, items: Sequence[pytest.Item], bench: Bench) -> verdict.Recognised | None:
    """The known mistake that gives the same answers as the learner in every test that failed, if there is one."""
    failed = [i for i in items if any(t.name == i.name and t.outcome == "failed" for t in bench.results)]
    own = [bench.traces.get(item.nodeid) for item in failed]
    if not failed or any(trace is None for trace in own):
        return None
    for known in known_mistakes(items):
        if _answers(session, failed, bench, known, own):
            return verdict.Recognised(known.name, known.sentence)
    return None


def known_mistakes(items: Sequence[pytest.Item]) -> list[Mistake]:
    return mistakes_of(items[0].getparent(pytest.Module).obj)  # type: ignore[union-attr]


def _answers(session: pytest.Session, failed: list[pytest.Item], bench: Bench, known: Mistake, own: list) -> bool:
    namespace = vars(bench.reference) | {bench.exercise: known.code}
    root = bench.kit_path.parents[2]
    double = benches.local_bench(root, bench.chapter, bench.exercise, namespace, bench.seed)
    for item, trace in zip(failed, own, strict=True):
        run_items(session, [item], double)
        if double.results[-1].outcome != "failed" or not _same(trace, double.traces.get(item.nodeid, [])):
            return False
    return True


def _same(a: Any, b: Any) -> bool:
    """Whether two recorded answers are equal within tolerance; of exceptions the type and the text count."""
    if isinstance(a, torch.Tensor) and isinstance(b, torch.Tensor):
        return a.shape == b.shape and a.dtype == b.dtype and _close(a, b)
    if isinstance(a, np.ndarray) and isinstance(b, np.ndarray):
        return a.shape == b.shape and np.allclose(a, b, rtol=1e-3, atol=1e-5, equal_nan=True)
    if isinstance(a, rpc.Remote) or isinstance(b, rpc.Remote):
        return type(a) is type(b)
    if isinstance(a, (list, tuple)) and isinstance(b, (list, tuple)):
        return len(a) == len(b) and all(_same(x, y) for x, y in zip(a, b, strict=True))
    if isinstance(a, dict) and isinstance(b, dict):
        if "mro" in a and "mro" in b:
            return (a.get("type"), a.get("text")) == (b.get("type"), b.get("text"))
        return a.keys() == b.keys() and all(_same(a[k], b[k]) for k in a)
    if isinstance(a, float) and isinstance(b, float):
        return _close(torch.tensor(a), torch.tensor(b))
    return type(a) is type(b) and a == b


def _close(a: torch.Tensor, b: torch.Tensor) -> bool:
    return torch.allclose(a.detach(), b.detach(), rtol=1e-3, atol=1e-5, equal_nan=True)


def printed(endpoint: benches.JudgeEndpoint) -> tuple[str, int]:
    if endpoint.stopped:
        return "", 0
    try:
        taken = endpoint.ask("printed")
        return str(taken["text"])[: 64 * 1024], int(taken["dropped"])
    except (Stopped, rpc.RemoteError, KeyError, TypeError, ValueError):
        return "", 0


def _count(n: int, noun: str) -> str:
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"
