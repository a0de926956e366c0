"""A learner's file seen as exercises: which it defines, the code of each, and which attempts are on record."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from . import common

if TYPE_CHECKING:
    from dojo.course import Course, Exercise
    from dojo.grading.submission import Submission
    from dojo.grading.verdict import Verdict
    from dojo.progress import Store


def read(path: Path) -> Submission:
    """The file as a submission; ends the command with a sentence where it cannot be used."""
    from dojo.grading.submission import from_path

    submission = from_path(path)
    if submission.problem:
        common.fail(submission.problem)
    return submission


def defined(submission: Submission) -> dict[str, str]:
    """The source of every top-level name that the submission defines; of several, the last."""
    found: dict[str, str] = {}
    for chunk in submission.chunks:
        for node in ast.parse(chunk.source).body:
            code = ast.get_source_segment(chunk.source, node) or ""
            match node:
                case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                    first = min([node.lineno, *(d.lineno for d in node.decorator_list)])
                    found[node.name] = "\n".join(chunk.source.split("\n")[first - 1 : node.end_lineno])
                case ast.Assign(targets=targets):
                    found |= {target.id: code for target in targets if isinstance(target, ast.Name)}
                case ast.AnnAssign(target=ast.Name(id=name)):
                    found[name] = code
                case ast.ImportFrom() | ast.Import():
                    found |= {(alias.asname or alias.name): code for alias in node.names}
    return found


def choose(course: Course, submission: Submission, wanted: Iterable[str], file: Path) -> list[Exercise]:
    """The exercises that are named, or all that the file defines of the chapter that it has most of."""
    if wanted:
        found = [common.find_exercise(course, name)[1] for name in wanted]
        return list({(exercise.chapter, exercise.name): exercise for exercise in found}.values())
    names = defined(submission)
    chapter = max(course.chapters, key=lambda chapter: len(chapter.exercises.keys() & names))
    exercises = [exercise for name, exercise in chapter.exercises.items() if name in names]
    if not exercises:
        known = ", ".join(list(chapter.exercises)[:6])
        common.fail(
            f"{file} defines no exercise of this course (they are called {known}, …): "
            f"dojo start {chapter.id} writes a file with all of them."
        )
    return exercises


class Record:
    """The attempts of the learner at this machine; without a database it keeps nothing and says nothing."""

    def __init__(self, store: Store | None) -> None:
        self.store = store
        self.me = store.learner() if store else 0

    def add(self, verdict: Verdict, code: str) -> None:
        if self.store:
            self.store.record(self.me, verdict.chapter, verdict.exercise, code, verdict)

    def has_passed(self, chapter: str, exercise: str, code: str) -> bool:
        """Whether this very code passed before."""
        attempts = self.store.attempts(self.me, chapter, exercise) if self.store else []
        return any(attempt.verdict.passed and attempt.code == code for attempt in attempts)
