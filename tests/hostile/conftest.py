"""A real grader on a copy of the course, so that whatever a cheat manages to write or read is seen and is not the checkout's."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from dojo.course import Course, ExerciseBlock, Limits, load_course
from dojo.grading import Grader

CHECKOUT = Path(__file__).parents[2]
CHAPTER = "transformer_from_scratch"
SECONDS = 5.0
QUICK = 1.0  # for those that run into the time limit


@pytest.fixture(scope="session")
def course(tmp_path_factory: pytest.TempPathFactory) -> Course:
    """The chapter under a root of its own."""
    root = tmp_path_factory.mktemp("course")
    root.chmod(0o755)
    for folder in ("chapters", "solutions", "graders"):
        shutil.copytree(CHECKOUT / folder, root / folder, ignore=shutil.ignore_patterns("__pycache__"))
    return limited(load_course(root), SECONDS)


def limited(course: Course, seconds: float) -> Course:
    chapter = course.chapter(CHAPTER)
    limits = Limits(seconds=seconds, memory_mb=1024)
    blocks = tuple(
        replace(block, exercise=replace(block.exercise, limits=limits)) if isinstance(block, ExerciseBlock) else block
        for block in chapter.blocks
    )
    return replace(course, chapters=(replace(chapter, blocks=blocks),))


@pytest.fixture(scope="session")
def grader(course: Course) -> Iterator[Grader]:
    with Grader(course, only=[(CHAPTER, "attention_pattern"), (CHAPTER, "LayerNorm")], slots=2) as made:
        made.wait_until_warm()
        yield made
