"""The Grader: warm judges and confined workers, kept waiting, handed out one pair a verdict.

Two zygotes (see `zygote`) fork on request. A few children of each wait ready, so that a verdict pays for neither an import nor a
fork; each is used once and thrown away, so that no submission meets what an earlier one left behind. `grade` and `demo` may be
called from any number of threads: as many run at once as there are slots, the others stand in a queue and are told their place.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from dojo import transformer
from dojo.course import needs_closure

from . import sandbox, verdict, wire
from .demo import Output, run_demo
from .parent import Child, GraderError, Zygote, has_ended, read_layers, usual_job
from .submission import Chunk, Submission

Event = Callable[[dict], None]
JUDGE_GRACE = 60.0  # beyond the worker's own limit: for the judge's replays


class JudgeLost(GraderError):
    """The judge's own process ended or hung while it graded."""


class Grader:
    """Grades submissions of one course. Use as a context manager, or call `close`.

    slots: how many verdicts may be under way at once (default: the number of processors). only: the exercises whose graders
    are loaded, [(chapter, exercise)]; their needs are added. demos: whether `demo` will be called, which has more to import.
    Raises GraderError where the platform cannot fork.
    """

    def __init__(
        self, course: Any, *, slots: int | None = None, only: list[tuple[str, str]] | None = None, demos: bool = True
    ):
        if not hasattr(os, "fork"):
            raise GraderError(
                "Checking a file needs Linux or macOS; on Windows use the notebooks, or the Linux subsystem."
            )
        self.course = course
        self.slots = slots or os.cpu_count() or 1
        self.files = self._graders(only)
        self._workers = Zygote("worker", course.root, ["demos"] if demos else [])
        self._judges = Zygote("judge", course.root, self.files)
        self._stamp = self._newest()
        self._idle: dict[str, deque[Child]] = {"worker": deque(), "judge": deque()}
        self._idle_lock = threading.Lock()
        self._queue: deque[object] = deque()
        self._running = 0
        self._turn = threading.Condition()
        self._closed = False
        self.isolation = ""
        self._workers.start()
        self._judges.start()
        self._refill_soon()

    def __enter__(self) -> Grader:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop every process that this grader started."""
        self._closed = True
        with self._idle_lock:
            for child in (*self._idle["worker"], *self._idle["judge"]):
                child.sock.close()
                os.close(child.status)
            self._idle = {"worker": deque(), "judge": deque()}
        for zygote in (self._workers, self._judges):
            with zygote.lock:
                zygote.stop()

    def grade(
        self,
        submission: Submission,
        chapter: str,
        exercise: str,
        *,
        seed: int | None = None,
        on_event: Event | None = None,
    ) -> verdict.Verdict:
        """Judge one exercise of `submission` in a process of its own. Never raises for what the submission does; raises
        GraderError where our own processes fail twice.

        on_event hears {"kind": "queue", "ahead": n} while others are served first, and {"kind": "start"}.
        """
        if submission.problem:
            return verdict.Verdict(chapter, exercise, "error", submission.problem, notes=list(submission.notes))
        job = self._job(submission, chapter, exercise, secrets.randbits(32) if seed is None else seed)
        with self._slot(on_event):
            self._reload_if_changed()
            try:
                return self._grade(job)
            except JudgeLost:  # for example stopped by a reload that another thread asked for
                return self._grade(job, fresh=True)

    def _job(self, submission: Submission, chapter: str, exercise: str, seed: int) -> dict:
        content = self.course.chapter(chapter)
        header = f"from __future__ import annotations\n{content.header}\n{content.givens}"
        given = Chunk("the given code", header, 1)
        return {
            "root": str(self.course.root),
            "chapter": chapter,
            "exercise": exercise,
            "needs": needs_closure(content, exercise),
            "chunks": [[c.name, c.source, c.line] for c in (*self._library(chapter), given, *submission.chunks)],
            "notes": list(submission.notes),
            "seconds": float(content.exercises[exercise].limits.seconds),
            "seed": seed,
        }

    def _library(self, chapter: str) -> list[Chunk]:
        """What a worker runs first so that `dojo.transformer` is there, though it cannot read the references. Those who are
        writing that very chapter do without."""
        if chapter == transformer.CHAPTER:
            return []
        try:
            text = transformer.source(self.course.root)
        except OSError:  # a course that has no Transformer
            return []
        return [Chunk("the course's Transformer", f"import dojo.transformer\ndojo.transformer.provide({text!r})", 1)]

    def _grade(self, job: dict, fresh: bool = False) -> verdict.Verdict:
        limits = self.course.chapter(job["chapter"]).exercises[job["exercise"]].limits
        worker = self._take("worker", limits, fresh=fresh)
        judge = self._take("judge", fresh=fresh)
        try:
            sent = msgspec.msgpack.encode(job | {"isolation": sandbox.level(worker.layers)})
            socket.send_fds(judge.sock, [b"job\n"], [worker.sock.fileno(), worker.status])
            channel = wire.Channel(judge.sock, 64 * 2**20)
            channel.deadline = time.monotonic() + limits.seconds + JUDGE_GRACE
            channel.send(sent)
            return verdict.from_json(channel.receive())
        except (wire.Closed, wire.Late, wire.WireError, msgspec.MsgspecError, OSError) as error:
            raise JudgeLost(
                f"The judge did not finish ({type(error).__name__}). This is not the submission's fault."
            ) from error
        finally:
            self._workers.kill(worker)
            self._judges.kill(judge)
            self._refill_soon()

    def demo(
        self, submission: Submission, chapter: str, code: str, *, seconds: float, on_event: Event | None = None
    ) -> list[Output]:
        """Run `code` of a chapter after the submission in a confined process and return what it displayed.

        on_event hears {"kind": "progress", ...} and {"kind": "output", "slot", "mime", "data"} while it runs.
        A demo that fails ends with one text/plain output that says so.
        """
        with self._slot(on_event):
            worker = self._take("worker", None, cpu_seconds=int(seconds) + 5)
            try:
                chunks = [*self._library(chapter), *submission.chunks]
                return run_demo(worker.sock, worker.status, chunks, code, seconds, on_event or (lambda event: None))
            finally:
                self._workers.kill(worker)
                self._refill_soon()

    @contextlib.contextmanager
    def _slot(self, on_event: Event | None) -> Iterator[None]:
        """Wait for a turn, first come first served."""
        me, told = object(), -1
        with self._turn:
            self._queue.append(me)
        try:
            while True:
                with self._turn:
                    ahead = self._queue.index(me)
                    if ahead == 0 and self._running < self.slots:
                        self._queue.popleft()
                        self._running += 1
                        self._turn.notify_all()
                        break
                    if ahead == told:
                        self._turn.wait(1.0)
                        continue
                    told = ahead
                if on_event:
                    on_event({"kind": "queue", "ahead": ahead})
        except BaseException:
            with self._turn:
                with contextlib.suppress(ValueError):
                    self._queue.remove(me)
                self._turn.notify_all()
            raise
        try:
            if on_event:
                on_event({"kind": "start"})
            yield
        finally:
            with self._turn:
                self._running -= 1
                self._turn.notify_all()

    def _take(self, role: str, limits: Any = None, *, cpu_seconds: int | None = None, fresh: bool = False) -> Child:
        """A waiting child, or a new one where none waits, this job's limits are not the usual ones, or `fresh` is asked."""
        job = usual_job()
        if limits is not None:
            job = {"cpu_seconds": max(2, int(limits.seconds) + 2), "memory_mb": limits.memory_mb}
        if cpu_seconds is not None:
            job["cpu_seconds"] = cpu_seconds
        if job == usual_job() and not fresh:
            with self._idle_lock:
                while self._idle[role]:
                    child = self._idle[role].popleft()
                    if not has_ended(child):
                        return child
                    self._discard(role, child)
        return self._new(role, job)

    def _new(self, role: str, job: dict) -> Child:
        if self._closed:
            raise GraderError("This grader is closed.")
        if role == "judge":
            return self._judges.spawn({})
        child = self._workers.spawn(job)
        try:
            child.layers = read_layers(child)
        except BaseException:
            self._workers.kill(child)
            raise
        self.isolation = sandbox.level(child.layers)
        return child

    def _refill_soon(self) -> None:
        threading.Thread(target=self._refill, daemon=True).start()

    def _refill(self) -> None:
        """Keep one more child of each kind waiting than there are slots."""
        for role in ("judge", "worker"):
            while not self._closed and len(self._idle[role]) <= self.slots:
                try:
                    child = self._new(role, usual_job())
                except GraderError:
                    return  # whoever asks next is told
                with self._idle_lock:
                    if self._closed or len(self._idle[role]) > self.slots:
                        self._discard(role, child)
                        break
                    self._idle[role].append(child)

    def _discard(self, role: str, child: Child) -> None:
        (self._workers if role == "worker" else self._judges).kill(child)

    def wait_until_warm(self) -> None:
        """Wait until a child of each kind is ready. Raises GraderError if one cannot be started."""
        for role in ("worker", "judge"):
            child = self._take(role)
            with self._idle_lock:
                self._idle[role].append(child)

    def _graders(self, only: list[tuple[str, str]] | None) -> list[str]:
        every = [(chapter.id, name) for chapter in self.course.chapters for name in chapter.exercises]
        asked = [(self.course.chapter(c), e) for c, e in (every if only is None else only)]
        wanted = {(chapter.id, n) for chapter, e in asked for n in (*needs_closure(chapter, e), e)}
        return [str(self.course.chapter(c).exercises[e].grader) for c, e in every if (c, e) in wanted]

    def _newest(self) -> float:
        folders = {Path(f).parent for f in self.files} | {self.course.root / "solutions"}
        return max((p.stat().st_mtime for folder in folders for p in folder.glob("*.py")), default=0.0)

    def _reload_if_changed(self) -> None:
        """An author who saves a grader or a reference sees the new one at work on the next check."""
        newest = self._newest()
        if newest == self._stamp:
            return
        with self._idle_lock:
            self._stamp = newest
            for child in self._idle["judge"]:
                child.sock.close()
                os.close(child.status)
            self._idle["judge"].clear()
        with self._judges.lock:
            self._judges.stop()
