"""Grading live objects in this process, where nobody is an adversary: notebooks, the course's own lint, tests."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeVar

import pytest

from dojo.course import needs_closure

from . import bench as benches
from . import judge, plugin
from .items import items_of
from .recognise import known_mistakes
from .verdict import Verdict

T = TypeVar("T")


class LocalJudge:
    """The collected graders of one pytest session; see `with_graders`."""

    def __init__(self, session: pytest.Session, root: Path, needs: dict[tuple[str, str], list[str]]) -> None:
        self.session, self.root, self.needs = session, root, needs

    def grade(
        self, chapter: str, exercise: str, namespace: dict[str, Any], seed: int | None = None, briefly: bool = False
    ) -> Verdict:
        """Grade the live names of `namespace`; `briefly`: only whether they pass."""
        seed = secrets.randbits(32) if seed is None else seed
        double = benches.local_bench(self.root, chapter, exercise, namespace, seed)
        needs = self.needs.get((chapter, exercise), [])
        job = judge.Job(str(self.root), chapter, exercise, needs, [], [], 0, seed, "none (live objects)", briefly)
        return judge.grade(self.session, job, double.endpoint)

    def mistakes(self, chapter: str, exercise: str) -> list:
        return known_mistakes(items_of(self.session, chapter, exercise))


def with_graders(course: Any, exercises: Iterable[tuple[str, str]], body: Callable[[LocalJudge], T]) -> T:
    """Collect the graders of `exercises` (and of those that they need) once, and call `body` with a judge that uses them."""
    wanted = {(c, name) for c, e in exercises for name in (*needs_closure(course.chapter(c), e), e)}
    files = [str(course.chapter(c).exercises[e].grader) for c, e in sorted(wanted)]
    needs = {(c, e): needs_closure(course.chapter(c), e) for c, e in wanted}
    outcome: list[T] = []
    failure: list[BaseException] = []

    def loop(session: pytest.Session) -> None:
        try:
            outcome.append(body(LocalJudge(session, course.root, needs)))
        except BaseException as error:  # carried across pytest, which would turn it into an exit code
            failure.append(error)

    paused = plugin.Paused(loop, course.root)
    code = pytest.main([*options(course.root), *files], plugins=[plugin, paused])
    if failure:
        raise failure[0]
    if paused.broken or not outcome:
        raise RuntimeError(
            f"The graders could not be loaded (pytest exit code {int(code)}):\n" + "\n".join(paused.broken)
        )
    return outcome[0]


def options(root: Path) -> list[str]:
    """pytest, without what a judge has no use for, and without the settings of whoever calls."""
    quiet = ["-c", os.devnull, "--rootdir", str(root), "--import-mode=importlib", "-s"]
    # a grader's module is imported once and may be collected again: an iterator among its parameters is used up by then
    quiet += ["-o", "empty_parameter_set_mark=fail_at_collect"]
    for name in (
        "cacheprovider",
        "unraisableexception",
        "threadexception",
        "faulthandler",
        "terminal",
        "logging",
        "dojo",
    ):
        quiet += ["-p", f"no:{name}"]
    return quiet


def grade_locally(
    course: Any, chapter: str, exercise: str, namespace: dict[str, Any], seed: int | None = None
) -> Verdict:
    """Grade one exercise on live names. For many gradings in a row, use `with_graders`."""
    return with_graders(course, [(chapter, exercise)], lambda j: j.grade(chapter, exercise, namespace, seed))
