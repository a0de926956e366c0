"""`dojo lint`, the part that runs the graders: do they accept what is right, reject what is wrong, and say why?

For each exercise, on several seeds:
1. the reference passes;
2. the stub is "not written yet";
3. every known mistake fails, and is recognised as itself;
4. in tests/submissions/<chapter>/<exercise>/, each right_*.py passes and each wrong_*.py fails.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from dojo.course.lint import Problem
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
    from dojo.grading.local import with_graders  # torch and pytest: only for those who run this

    exercises = [
        (chapter, exercise)
        for chapter in course.chapters
        for exercise in chapter.exercises.values()
        if only is None or (chapter.id, exercise.name) in only
    ]

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
                verdict = self.grade(self.namespace() | {self.exercise.name: mistake.code}, seed)
                told = verdict.mistake.name if verdict.mistake else None
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
                    verdict = self.grade(self.namespace(path.read_text(encoding="utf-8"), path), seed)
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

    def grade(self, namespace: dict[str, Any], seed: int) -> Verdict:
        return self.judge.grade(self.chapter.id, self.exercise.name, namespace, seed)

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
