"""`dojo lint`, the part that runs the graders: do they accept what is right, reject what is wrong, and say why?

For each exercise, on several seeds:
1. the reference passes;
2. the stub is "not written yet";
3. every known mistake fails, and is recognised as itself;
4. in tests/submissions/<chapter>/<exercise>/, each right_*.py passes and each wrong_*.py fails.
"""

from __future__ import annotations

import ast
import multiprocessing
import os
import sys
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from dojo.course.lint import Problem
from dojo.course.load import load_course
from dojo.course.model import Chapter, Course, CourseError, Exercise

if TYPE_CHECKING:
    from dojo.grading.local import LocalJudge
    from dojo.grading.verdict import Verdict

KINDS = ("reference", "stub", "mistakes", "submissions")
Progress = Callable[[int, int, str], None]


def lint_by_running(
    course: Course,
    seeds: int = 3,
    only: Collection[tuple[str, str]] | None = None,
    kinds: Collection[str] = KINDS,
    progress: Progress | None = None,
) -> list[Problem]:
    """All problems that running the graders shows; `only` names (chapter, exercise) pairs, `kinds` which checks to do.

    `progress(done, total, text)` is called before each exercise and once at the end. The first seed is 0, so that a
    problem is seen again on the next run.
    """
    import torch  # torch and pytest: only for those who run this

    from dojo.grading.local import with_graders

    torch.set_num_threads(1)  # the tensors are small, and another exercise may be running beside this one
    exercises = chosen(course, only)

    def body(judge: LocalJudge) -> list[Problem]:
        problems: list[Problem] = []
        for done, (chapter, exercise) in enumerate(exercises):
            if progress:
                progress(done, len(exercises), exercise.name)
            problems += Runner(course, chapter, exercise, judge, range(seeds)).all(kinds)
        if progress:
            progress(len(exercises), len(exercises), "")
        return problems

    return with_graders(course, [(chapter.id, exercise.name) for chapter, exercise in exercises], body)


def lint_side_by_side(
    course: Course,
    seeds: int = 3,
    only: Collection[tuple[str, str]] | None = None,
    progress: Progress | None = None,
) -> list[Problem]:
    """`lint_by_running`, an exercise a task, in as many processes as there are processors."""
    places = [(chapter.id, exercise.name) for chapter, exercise in chosen(course, only)]
    processes = min(len(places), os.cpu_count() or 1)
    if processes < 2:
        return lint_by_running(course, seeds, only, progress=progress)
    found: dict[tuple[str, str], list[Problem]] = {}
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, mp_context=spawn) as pool:
        tasks = {pool.submit(lint_one, course.root, seeds, place): place for place in places}
        for done, task in enumerate(as_completed(tasks)):
            found[tasks[task]] = task.result()
            if progress:
                progress(done + 1, len(places), tasks[task][1])
    return [problem for place in places for problem in found[place]]


def lint_one(root: Path, seeds: int, place: tuple[str, str]) -> list[Problem]:
    """The problems of one exercise, in a process that may be asked for more."""
    return lint_by_running(load_course(root), seeds, [place])


def chosen(course: Course, only: Collection[tuple[str, str]] | None) -> list[tuple[Chapter, Exercise]]:
    """The exercises that `only` names as (chapter, exercise); all of them where it is None."""
    return [
        (chapter, exercise)
        for chapter in course.chapters
        for exercise in chapter.exercises.values()
        if only is None or (chapter.id, exercise.name) in only
    ]


class Runner:
    """The checks of one exercise."""

    def __init__(self, course: Course, chapter: Chapter, exercise: Exercise, judge: LocalJudge, seeds: range):
        self.course, self.chapter, self.exercise, self.judge, self.seeds = course, chapter, exercise, judge, seeds
        self.grader = exercise.grader.relative_to(course.root)

    def all(self, kinds: Collection[str]) -> Iterator[Problem]:
        for kind in KINDS:
            if kind in kinds:
                yield from getattr(self, kind)()

    def reference(self) -> Iterator[Problem]:
        for seed in self.seeds:
            verdict = self.grade(self.namespace(), seed)
            if not verdict.passed:
                yield self.problem(f"the reference fails on seed {seed}: {_why(verdict)}")
                return

    def stub(self) -> Iterator[Problem]:
        verdict = self.grade(self.namespace(self.exercise.stub), 0)
        if verdict.status != "unwritten":
            yield self.problem(
                f"the bare stub is told '{verdict.status}: {verdict.headline}', not that it is unwritten"
            )

    def mistakes(self) -> Iterator[Problem]:
        for mistake in self.judge.mistakes(self.chapter.id, self.exercise.name):
            line = self.line_of(mistake.name)
            for seed in self.seeds:
                briefly = seed != self.seeds[0]  # recognised once, failing on every seed
                verdict = self.grade(self.namespace() | {self.exercise.name: mistake.code}, seed, briefly)
                told = mistake.name if briefly else verdict.mistake.name if verdict.mistake else None
                if verdict.passed:
                    yield self.problem(f"the mistake '{mistake.name}' passes on seed {seed}; add a test for it", line)
                    break
                if told != mistake.name:
                    instead = f"recognised as '{told}'" if told else "not recognised"
                    message = f"the mistake '{mistake.name}' is {instead} on seed {seed}; tests must tell them apart"
                    yield self.problem(message, line)
                    break

    def submissions(self) -> Iterator[Problem]:
        folder = self.course.root / "tests" / "submissions" / self.chapter.id / self.exercise.name
        for path in sorted(folder.glob("*.py")):
            place = path.relative_to(self.course.root)
            if not path.name.startswith(("right_", "wrong_")):
                yield Problem(place, 1, "start this file's name with 'right_' or 'wrong_'")
                continue
            right = path.name.startswith("right_")
            for seed in self.seeds:
                try:
                    verdict = self.grade(self.namespace(path.read_text(encoding="utf-8"), path), seed, briefly=True)
                except Exception as error:
                    if right:
                        yield Problem(place, 1, f"this right solution cannot be run: {type(error).__name__}: {error}")
                    break
                if verdict.passed != right:
                    told = f"is rejected: {_why(verdict)}" if right else "passes; add a test that it fails"
                    kind = "right" if right else "wrong"
                    yield Problem(place, 1, f"this {kind} solution {told} (seed {seed})")
                    break

    def problem(self, message: str, line: int = 1) -> Problem:
        return Problem(self.grader, line, message)

    def grade(self, namespace: dict[str, Any], seed: int, briefly: bool = False) -> Verdict:
        import torch

        torch.set_grad_enabled(True)  # whatever the submission before this one may have left behind
        return self.judge.grade(self.chapter.id, self.exercise.name, namespace, seed, briefly)

    def namespace(self, code: str = "", path: Path | None = None) -> dict[str, Any]:
        """A fresh copy of the reference's names with `code` laid over them: later references use what `code` defines."""
        module = ModuleType(f"lint_{self.chapter.id}")
        sys.modules[module.__name__] = module  # dataclasses look their module up
        names = vars(module)
        try:
            exec(
                compile(self.chapter.solutions.read_text(encoding="utf-8"), str(self.chapter.solutions), "exec"), names
            )
        except Exception as error:
            place = self.chapter.solutions.relative_to(self.course.root)
            raise CourseError(f"this module cannot be run: {type(error).__name__}: {error}", place) from None
        exec(compile(code, str(path or "<stub>"), "exec"), names)
        return names

    def line_of(self, name: str) -> int:
        tree = ast.parse(self.exercise.grader.read_text(encoding="utf-8"))
        return next((node.lineno for node in tree.body if getattr(node, "name", None) == name), 1)


def _why(verdict: Verdict) -> str:
    failed = [test for test in verdict.tests if test.outcome == "failed"]
    return f"{verdict.headline} {failed[0].name}: {failed[0].message}" if failed else verdict.headline
