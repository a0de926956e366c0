"""`check(my_function)`: a verdict on live code, in a notebook or a script, with the same graders and no sandbox."""

from __future__ import annotations

import inspect
import sys
from typing import Any

from dojo import report
from dojo.course import load_course

from . import local
from .verdict import Verdict


class Checked:
    """A verdict as a notebook shows it. `passed` and `verdict` are for those who want to go on from it."""

    def __init__(self, verdict: Verdict) -> None:
        self.verdict, self.passed = verdict, verdict.passed

    def _repr_html_(self) -> str:
        return report.to_html(self.verdict)

    def __repr__(self) -> str:
        return report.to_text(self.verdict)


def check(code: Any, *, seed: int | None = None) -> Checked:
    """Grade a function or class that you have written, by its name.

    code: the function or class itself: `check(attention_pattern)`. seed: replay the inputs of an earlier verdict.
    The names beside it (what else your notebook defines) are what it may use, as when you call it yourself. Raises TypeError
    where it is neither, CourseError where no exercise has its name.
    """
    name = getattr(code, "__name__", None)
    if not isinstance(name, str) or not (inspect.isroutine(code) or inspect.isclass(code)):
        kind = type(code).__name__
        raise TypeError(
            f"check() takes the function or class itself, as in check(attention_pattern), and got a {kind}."
        )
    course = load_course()
    chapter, _ = course.find(name)
    return Checked(local.grade_locally(course, chapter.id, name, _names_beside(code) | {name: code}, seed))


def _names_beside(code: Any) -> dict[str, Any]:
    plain = inspect.unwrap(code)  # a decorator such as torch.no_grad() has globals of its own
    if inspect.isfunction(plain):
        return dict(plain.__globals__)
    return dict(vars(sys.modules.get(code.__module__, sys.modules["__main__"])))
