"""Checks and demos, each in a thread of its own, so that typing, reloading or leaving the page never loses one."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

from dojo.course import Chapter, Course, Demo, ExerciseBlock, Given, module_parts, needs_closure
from dojo.course.names import module_names, names_at_definition
from dojo.grading import Grader, Verdict
from dojo.grading.submission import Chunk, Submission, from_text
from dojo.progress import Store
from ui.steps import steps

BLINK = 1.0  # seconds
KEPT = 400  # finished jobs whose result stays in memory; verdicts are in the store as well


@dataclass
class Job:
    """One check or demo. Threads write whole attributes only, so that a page may read them at any time."""

    code: str
    state: str = "waiting"  # then "running", then "done"
    ahead: int = 0
    verdict: Verdict | None = None
    outputs: dict[str, tuple[str, str]] = field(default_factory=dict)  # slot -> (mime, data)
    progress: dict | None = None
    problem: str = ""
    started: float = field(default_factory=time.time)
    done: threading.Event = field(default_factory=threading.Event)

    def event(self, event: dict) -> None:
        kind = event.get("kind")
        if kind == "queue":
            self.ahead = event["ahead"]
        elif kind == "start":
            self.state = "running"
        elif kind == "progress":
            self.state, self.progress = "running", event
        elif kind == "output":
            self.state = "running"
            self.outputs = {**self.outputs, event["slot"]: (event["mime"], event["data"])}


class Jobs:
    def __init__(self, course: Course, store: Store) -> None:
        self.course, self.store = course, store
        self.lock = threading.Lock()
        self.known: OrderedDict[tuple, Job] = OrderedDict()
        self.grader: Grader | None = None
        self.fault = ""
        self.ready = threading.Event()
        # A demo may train a model for minutes: one at a time, so that a slot is always left for checks.
        self.demo_turn = threading.Semaphore(1)
        # The grader warms up (it imports torch) while the first page is read.
        threading.Thread(target=self._start_grader, daemon=True).start()

    def _start_grader(self) -> None:
        try:
            self.grader = Grader(self.course)
        except Exception as error:
            self.fault = f"The judge could not start: {error}"
        self.ready.set()

    def _grader(self) -> Grader:
        self.ready.wait()
        if self.grader is None:
            raise RuntimeError(self.fault)
        return self.grader

    def close(self) -> None:
        if self.grader is not None:
            self.grader.close()

    # --- checks ---

    def check(self, learner: int, chapter: Chapter, exercise: str) -> Job | None:
        return self.known.get((learner, chapter.id, exercise))

    def start_check(self, learner: int, chapter: Chapter, exercise: str, code: str) -> Job:
        """Grade `code`; where a check of this exercise is still under way, that one is returned."""

        def work(job: Job) -> None:
            try:
                submission = self.submission(learner, chapter, exercise, code)
                verdict = self._grader().grade(submission, chapter.id, exercise, on_event=job.event)
            except Exception as error:
                sentence = (
                    f"The judge failed, which is our fault and not yours. Your code is kept; try again. ({error})"
                )
                verdict = Verdict(chapter.id, exercise, "error", sentence)
            self.store.record(learner, chapter.id, exercise, code, verdict)
            job.verdict = verdict
            if verdict.passed:
                for demo in demos_after(chapter, exercise):
                    self.start_demo(learner, chapter, demo)

        return self._start((learner, chapter.id, exercise), code, work)

    def wait_briefly(self, learner: int, chapter: Chapter, exercise: str) -> None:
        """Most verdicts come within a blink of the press: a page that waits for it is drawn once, complete."""
        job = self.check(learner, chapter, exercise)
        if job:
            job.done.wait(max(0.0, job.started + BLINK - time.time()))

    # --- demos ---

    def demo(self, learner: int, chapter: Chapter, demo: Demo) -> Job | None:
        return self.known.get((learner, chapter.id, "demo", demo.id))

    def start_demo(self, learner: int, chapter: Chapter, demo: Demo) -> Job:
        def work(job: Job) -> None:
            try:
                submission = self.demo_submission(learner, chapter, demo)
                with self.demo_turn:
                    outputs = self._grader().demo(
                        submission, chapter.id, demo.code, seconds=demo.seconds, on_event=job.event
                    )
                job.outputs = {str(number): (output.mime, output.data) for number, output in enumerate(outputs)}
            except Exception as error:
                job.problem = str(error)

        return self._start((learner, chapter.id, "demo", demo.id), demo.code, work)

    def _start(self, key: tuple, code: str, work: Callable[[Job], None]) -> Job:
        with self.lock:
            known = self.known.get(key)
            if known and not known.done.is_set():
                return known
            job = self.known[key] = Job(code)
            self.known.move_to_end(key)
            for old in [k for k, j in self.known.items() if j.done.is_set()][: max(0, len(self.known) - KEPT)]:
                del self.known[old]

        def run() -> None:
            try:
                work(job)
            finally:
                job.state = "done"
                job.done.set()

        threading.Thread(target=run, daemon=True).start()
        return job

    # --- the learner's module ---

    def submission(self, learner: int, chapter: Chapter, exercise: str, code: str) -> Submission:
        """The module that `code` runs in. Only `code` itself is called "editor", so that messages name its lines."""
        mine = from_text(code)
        if mine.problem:
            return mine
        codes = {name: self.best_code(learner, chapter, name) for name in needs_closure(chapter, exercise)}
        parts = module_parts(self.course, chapter.id, codes | {exercise: code}, exercise)
        chunks = [chunk for name, text in parts if name != exercise for chunk in self.chunks(learner, name, text)]
        return Submission([*chunks, *mine.chunks], mine.notes)

    def demo_submission(self, learner: int, chapter: Chapter, demo: Demo) -> Submission:
        """All that a demo's code may call: the given code above it, its exercise, its `needs`, and what these need."""
        wanted = [*demo.needs, *([demo.exercise] if demo.exercise else [])]
        names = {name for each in wanted for name in [*needs_closure(chapter, each), each]}
        missing = set(chapter.exercises) - names
        chunks = self.chunks(learner, "header", chapter.header)
        for block in chapter.blocks:
            if block.line >= demo.line:
                break
            if isinstance(block, Given) and names_at_definition(block.code) & missing:
                missing |= module_names(block.code)
            elif isinstance(block, Given):
                chunks += self.chunks(learner, "given", block.code)
            elif isinstance(block, ExerciseBlock) and block.exercise.name in names:
                name = block.exercise.name
                chunks += self.chunks(learner, name, self.best_code(learner, chapter, name) or block.exercise.stub)
        return Submission(chunks)

    def chunks(self, learner: int, name: str, text: str) -> list[Chunk]:
        """A part of the learner's module. Given code that asks for their name is given it."""
        if name not in ("header", "given"):
            return from_text(text, f"your {name}").chunks
        if "LEARNER" in module_names(text):
            text += f"\nLEARNER = {self.store.alias(learner)!r}"
        return [Chunk({"header": "imports", "given": "given code"}[name], text)] if text else []

    def best_code(self, learner: int, chapter: Chapter, exercise: str) -> str:
        """The learner's last passing version of an exercise, else their draft, else nothing."""
        for attempt in reversed(self.store.attempts(learner, chapter.id, exercise)):
            if attempt.verdict.passed:
                return attempt.code
        return self.store.draft(learner, chapter.id, exercise) or ""


def demos_after(chapter: Chapter, exercise: str) -> list[Demo]:
    """The pictures on the exercise's own page; later pages may hold others that need it."""
    page = next(step for step in steps(chapter) if step.id == exercise)
    return [block for block in page.blocks if isinstance(block, Demo) and block.exercise == exercise]
