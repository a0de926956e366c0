"""What a course is made of: the classes that `load_course` returns. Nothing here reads a file."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import NamedTuple


class CourseError(Exception):
    """A course file is wrong. `str()` says where, what, and what to do: `chapters/x/chapter.md:41: ...`."""

    def __init__(self, message: str, path: Path | str | None = None, line: int | None = None):
        place = "" if path is None else f"{path}: " if line is None else f"{path}:{line}: "
        super().__init__(place + message)
        self.message, self.path, self.line = message, path, line


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """` (did you mean 'attention_pattern'?)`, or nothing where no known name is near."""
    known = list(known)
    near = difflib.get_close_matches(name, known, n=1) or [k for k in known if k.lower() == name.lower()]
    return f" (did you mean '{near[0]}'?)" if near else ""


@dataclass(frozen=True)
class Limits:
    """What one grading of an exercise may use."""

    seconds: float = 10.0
    memory_mb: int = 2048


@dataclass(frozen=True)
class Prose:
    """Markdown as the author wrote it, with `$math$` and `[[term]]` links. A heading starts a new one."""

    text: str
    line: int


@dataclass(frozen=True)
class Given:
    """Code that is part of the learner's module from the start; `names` are those cut from the solutions, if any."""

    code: str
    line: int
    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class Demo:
    """Code that makes a picture with the learner's functions once `exercise` (and all of `needs`) passes."""

    code: str
    exercise: str | None
    seconds: float
    id: str
    title: str
    line: int
    needs: tuple[str, ...] = ()


class Option(NamedTuple):
    """One answer of a multiple-choice question."""

    text: str
    correct: bool
    feedback: str


class WrongNumber(NamedTuple):
    """A wrong number that someone with a known misconception would give."""

    value: float
    feedback: str


@dataclass(frozen=True)
class Predict:
    """A short question asked before a picture; `kind` is "choice" (`options`) or "number" (the other fields)."""

    id: str
    question: str
    kind: str
    line: int
    options: tuple[Option, ...] = ()
    answer: float | None = None
    tolerance: float = 0.0
    feedback: str = ""
    wrong: tuple[WrongNumber, ...] = ()
    otherwise: str = ""


@dataclass(frozen=True)
class Exercise:
    """One function or class to write. `solution` is the reference without marker lines, `stub` what the learner gets."""

    name: str
    chapter: str
    difficulty: int
    importance: int
    minutes: int
    needs: tuple[str, ...]
    source: str
    prose: str
    hints: tuple[str, ...]
    symptoms: tuple[tuple[str, str], ...]
    after: str
    stub: str
    solution: str
    signature: str
    grader: Path
    line: int
    limits: Limits = Limits()
    demo: Demo | None = None


@dataclass(frozen=True)
class ExerciseBlock:
    """The place of an exercise among the blocks of its chapter."""

    exercise: Exercise
    line: int


Block = Prose | Given | Demo | Predict | ExerciseBlock


@dataclass(frozen=True)
class Term:
    """One entry of the glossary."""

    name: str
    text: str
    line: int

    @property
    def anchor(self) -> str:
        """The heading's anchor as GitHub makes it: `residual-stream`."""
        kept = "".join(c for c in self.name.lower() if c.isalnum() or c in " -_")
        return kept.replace(" ", "-")


@dataclass(frozen=True)
class Chapter:
    """One chapter: its prose and exercises in order, and where its files are. `header` is the learner's imports."""

    id: str
    title: str
    summary: str
    minutes: int
    folder: Path
    blocks: tuple[Block, ...]
    solutions: Path
    graders: Path
    header: str

    @cached_property
    def exercises(self) -> dict[str, Exercise]:
        return {block.exercise.name: block.exercise for block in self.blocks if isinstance(block, ExerciseBlock)}

    @cached_property
    def givens(self) -> str:
        """The source of all given blocks, joined."""
        return "\n\n\n".join(block.code for block in self.blocks if isinstance(block, Given))

    @cached_property
    def demos(self) -> dict[str, Demo]:
        return {block.id: block for block in self.blocks if isinstance(block, Demo)}

    @cached_property
    def predicts(self) -> dict[str, Predict]:
        return {block.id: block for block in self.blocks if isinstance(block, Predict)}

    def exercise(self, name: str) -> Exercise:
        """The exercise of that name; raises CourseError with the nearest name where there is none."""
        if name not in self.exercises:
            raise CourseError(f"chapter '{self.id}' has no exercise '{name}'{did_you_mean(name, self.exercises)}")
        return self.exercises[name]


@dataclass(frozen=True)
class Course:
    """A whole course. `glossary` is keyed by the term in lower case."""

    title: str
    root: Path
    repository: str
    chapters: tuple[Chapter, ...]
    glossary: dict[str, Term] = field(default_factory=dict)

    def chapter(self, id: str) -> Chapter:
        """The chapter of that id; raises CourseError with the nearest id where there is none."""
        for chapter in self.chapters:
            if chapter.id == id:
                return chapter
        ids = [chapter.id for chapter in self.chapters]
        raise CourseError(f"there is no chapter '{id}'{did_you_mean(id, ids)}; the chapters are: {', '.join(ids)}")

    def find(self, name: str) -> tuple[Chapter, Exercise]:
        """The exercise of that name, wherever it is; raises CourseError with the nearest name where there is none."""
        for chapter in self.chapters:
            if name in chapter.exercises:
                return chapter, chapter.exercises[name]
        names = [name for chapter in self.chapters for name in chapter.exercises]
        raise CourseError(f"there is no exercise '{name}'{did_you_mean(name, names)}; `dojo status` lists them")
