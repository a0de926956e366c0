"""A real grader on a copy of the course, so that whatever a cheat manages to write or read is seen and is not the checkout's."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from dojo.course import Limits, load_course
from dojo.grading import Grader

CHECKOUT = Path(__file__).parents[2]
CHAPTER = "transformer_from_scratch"
SECONDS = 3.0


@pytest.fixture(scope="session")
def course(tmp_path_factory: pytest.TempPathFactory):
    """The chapter with limits of a few seconds, under a root of its own."""
    root = tmp_path_factory.mktemp("course")
    root.chmod(0o755)
    for folder in ("chapters", "solutions", "graders"):
        shutil.copytree(CHECKOUT / folder, root / folder, ignore=shutil.ignore_patterns("__pycache__"))
    loaded = load_course(root)
    chapter = loaded.chapter(CHAPTER)
    blocks = []
    for block in chapter.blocks:
        if hasattr(block, "exercise") and hasattr(block.exercise, "limits"):
            block = replace(block, exercise=replace(block.exercise, limits=Limits(seconds=SECONDS, memory_mb=1024)))
        blocks.append(block)
    return replace(loaded, chapters=(replace(chapter, blocks=tuple(blocks)),))


@pytest.fixture(scope="session")
def grader(course) -> Iterator[Grader]:
    with Grader(course, only=[(CHAPTER, "attention_pattern"), (CHAPTER, "LayerNorm")], slots=2) as made:
        made.wait_until_warm()
        yield made
