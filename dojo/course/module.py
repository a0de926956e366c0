"""Puts the learner's module together: header, given code, and the code of exercises, in the order of the chapter."""

from __future__ import annotations

from collections.abc import Mapping

from dojo.course.model import Chapter, Course, Exercise, ExerciseBlock, Given
from dojo.course.names import module_names, names_at_definition

GAP = "\n\n\n"


def needs_closure(chapter: Chapter, exercise: str) -> list[str]:
    """The exercises that `exercise` needs, directly or not, in the order of the chapter; without itself."""
    needed: set[str] = set()
    waiting = [exercise]
    while waiting:
        for need in chapter.exercise(waiting.pop()).needs:
            if need not in needed:
                needed.add(need)
                waiting.append(need)
    return [name for name in chapter.exercises if name in needed]


def module_parts(
    course: Course, chapter_id: str, code_by_exercise: Mapping[str, str], exercise: str
) -> list[tuple[str, str]]:
    """(name, code) for each part of the module that `exercise` runs in: "header", "given", or an exercise's name.

    The given blocks are those that stand before the exercise, less those that could not be run because they use, while
    being defined, an exercise that is not here. An exercise without code is there as its stub.
    """
    chapter = course.chapter(chapter_id)
    wanted = {*needs_closure(chapter, exercise), exercise}
    missing = set(chapter.exercises) - wanted
    parts = [("header", chapter.header)] if chapter.header else []
    for block in chapter.blocks:
        if isinstance(block, Given):
            if names_at_definition(block.code) & missing:
                missing |= module_names(block.code)
            else:
                parts.append(("given", block.code))
        elif isinstance(block, ExerciseBlock) and block.exercise.name in wanted:
            name = block.exercise.name
            code = code_by_exercise.get(name, "")
            parts.append((name, code if code.strip() else block.exercise.stub))
            if name == exercise:
                break
    return parts


def module_source(course: Course, chapter_id: str, code_by_exercise: Mapping[str, str], exercise: str) -> str:
    """The text of the module that `exercise` runs in; the exercise's own code comes last."""
    return GAP.join(code.strip("\n") for _, code in module_parts(course, chapter_id, code_by_exercise, exercise)) + "\n"


def starter_file(chapter: Chapter) -> str:
    """The file that a learner works in: header, given code and every stub, each under a short comment."""
    parts = [f"# {chapter.title}: your file. Write the exercises from top to bottom; `dojo check` grades it."]
    parts[0] += f"\n\n{chapter.header}" if chapter.header else ""
    number = 0
    for block in chapter.blocks:
        if isinstance(block, Given):
            parts.append(f"# Given: nothing to write here.\n{block.code}")
        elif isinstance(block, ExerciseBlock):
            number += 1
            parts.append(f"{_heading(number, block.exercise)}\n{block.exercise.stub}")
    return GAP.join(part.strip("\n") for part in parts) + "\n"


def _heading(number: int, exercise: Exercise) -> str:
    return f"# {number}. {exercise.name}: difficulty {exercise.difficulty} of 5, about {exercise.minutes} minutes"
