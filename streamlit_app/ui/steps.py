"""Cuts a chapter into steps: one page each, an opening, one exercise a page, and a closing."""

from __future__ import annotations

from dataclasses import dataclass

from dojo.course import Block, Chapter, Demo, Exercise, ExerciseBlock, Given, Prose

END = "end"


@dataclass(frozen=True)
class Step:
    """One page of a chapter. `id` stands in the address: "" for the opening, an exercise's name, or "end"."""

    id: str
    title: str
    section: str  # the last "## " heading above or in it
    blocks: tuple[Block, ...]
    exercise: Exercise | None = None


def steps(chapter: Chapter) -> list[Step]:
    """The steps of a chapter in order.

    What follows an exercise belongs to it as far as its last demo and the paragraph on what that picture says, and never
    past a heading or a piece of given code; the rest leads up to the next exercise.
    """
    places = [i for i, block in enumerate(chapter.blocks) if isinstance(block, ExerciseBlock)]
    if not places:
        return [Step("", chapter.title, "", chapter.blocks)]
    start = first_heading(chapter.blocks[: places[0]])
    found = [Step("", "Overview", "", chapter.blocks[:start])]
    section = ""
    for place, following in zip(places, [*places[1:], len(chapter.blocks)], strict=True):
        block = chapter.blocks[place]
        assert isinstance(block, ExerciseBlock)
        name = block.exercise.name
        tail = chapter.blocks[place + 1 : following]
        taken = belongs(name, tail)
        if following == len(chapter.blocks):  # no exercise comes that the rest could lead up to
            taken = first_heading(tail)
        blocks = chapter.blocks[start : place + 1 + taken]
        section = last_section(blocks) or section
        found.append(Step(name, name, section, blocks, block.exercise))
        start = place + 1 + taken
    if start < len(chapter.blocks):
        closing = chapter.blocks[start:]
        section = last_section(closing) or section
        found.append(Step(END, section or "The end", section, closing))
    return found


def belongs(exercise: str, tail: tuple[Block, ...]) -> int:
    """How many of the blocks after an exercise are still about it."""
    limit = first_heading(tail)
    demos = [i for i, block in enumerate(tail[:limit]) if isinstance(block, Demo) and block.exercise == exercise]
    if demos:
        after = demos[-1] + 1
        return after + (after < limit and isinstance(tail[after], Prose))
    givens = [i for i, block in enumerate(tail[:limit]) if isinstance(block, Given)]
    return givens[0] if givens else limit


def first_heading(blocks: tuple[Block, ...]) -> int:
    """The place of the first block that begins with a heading; the number of blocks where none does."""
    for i, block in enumerate(blocks):
        if isinstance(block, Prose) and block.text.lstrip().startswith("#"):
            return i
    return len(blocks)


def last_section(blocks: tuple[Block, ...]) -> str:
    headings = [
        line[3:].strip()
        for block in blocks
        if isinstance(block, Prose)
        for line in block.text.splitlines()
        if line.startswith("## ")
    ]
    return headings[-1] if headings else ""
