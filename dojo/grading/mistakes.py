"""Known mistakes: wrong versions of an exercise, each with the sentence that a good teacher would say."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any, TypeVar

T = TypeVar("T", bound=Callable)


@dataclass(frozen=True)
class Mistake:
    name: str
    sentence: str
    code: Any  # the function or class


def mistake(sentence: str) -> Callable[[T], T]:
    """Mark a function or class in a grader as a known wrong version of the exercise that the grader's file is named after.

    @mistake("The softmax runs over queries: each row should sum to one over the keys.")
    def softmax_over_queries(q, k): ...
    """

    def mark(code: T) -> T:
        code.__dojo_mistake__ = sentence  # type: ignore[attr-defined]
        return code

    return mark


def mistakes_of(grader: ModuleType) -> list[Mistake]:
    """The mistakes that a grader's module defines, in the order in which they stand there."""
    found = [v for v in vars(grader).values() if "__dojo_mistake__" in getattr(v, "__dict__", {})]
    return [Mistake(v.__name__, v.__dojo_mistake__, v) for v in found]
