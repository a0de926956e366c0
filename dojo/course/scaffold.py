"""`dojo new exercise`: writes the three pieces of a new exercise, for its author to fill. Nothing is overwritten."""

from __future__ import annotations

import keyword
from pathlib import Path

from dojo.course.cut import Source
from dojo.course.model import Chapter, Course, CourseError, ExerciseBlock, Prose

DIRECTIVE = """\
:::{{exercise}} {name}
difficulty: 2
importance: 3
minutes: 10
needs: []
source: TODO authors and year
:::
TODO Why this function matters. Then the formula, $y = f(x)$, with the shape of every symbol.

TODO One tiny example, worked by hand, with numbers.

:::{{hint}}
TODO A question that points the way.
:::
:::{{hint}}
TODO The key step, in words.
:::
:::{{hint}}
TODO The one line that most people miss.
:::
:::{{symptom}} TODO what the learner sees
TODO its cause.
:::
:::{{after}}
TODO Why this way, what else would do, what the real libraries call it.
:::

```{{demo}} {name}
:title: TODO what the picture shows
{name}(1.0)
```
"""

REFERENCE = '''\
def {name}(x):
    """TODO One sentence that says what comes out.

    Args:
        x: TODO dtype and shape.

    Returns:
        TODO dtype and shape.
    """
    raise NotImplementedError("TODO write the reference")
'''

GRADER = '''\
"""Grader of `{name}`."""

from dojo.grading import compare, mistake


def test_a_case_worked_by_hand(submission):
    """TODO The sentence that a learner sees when this test fails."""
    compare(submission.{name}(1.0), 1.0, what="TODO what comes out")


def test_agrees_on_random_input(agree, rand):
    """TODO Every axis of a different size, at least two of each."""
    agree("{name}", rand.normal(2, 3, 5), what="TODO what comes out", axes="TODO")


@mistake("TODO What a good teacher would say to someone who wrote this. Five such mistakes at least.")
def todo_first_mistake(x):
    return x
'''


def new_exercise(course: Course, chapter_id: str, name: str, after: str | None = None) -> list[Path]:
    """Writes directive, reference and grader of `name` after the exercise `after` (or last); returns the three files.

    Raises CourseError, having written nothing, where the name cannot be used or one of the pieces is there already.
    """
    chapter = course.chapter(chapter_id)
    previous = chapter.exercise(after) if after else None
    if not name.isidentifier() or keyword.iskeyword(name):
        raise CourseError(f"'{name}' cannot name a function; use letters, digits and _, as in 'attention_pattern'")
    for other in course.chapters:
        if name in other.exercises:
            raise CourseError(f"chapter '{other.id}' has an exercise '{name}' already; choose another name")
    place = chapter.solutions.relative_to(course.root)
    grader = chapter.graders / f"test_{name}.py"
    source = (
        Source(chapter.solutions.read_text(encoding="utf-8"), place)
        if chapter.solutions.exists()
        else Source("", place)
    )
    if name in source.statements:
        raise CourseError(f"'{name}' is defined there already; choose another name", place)
    if grader.exists():
        raise CourseError("this file is there already; choose another name", grader.relative_to(course.root))

    text = chapter.folder / "chapter.md"
    lines = text.read_text(encoding="utf-8").split("\n")
    at = _end_of(chapter, previous.line, len(lines)) if previous else len(lines)
    _insert(text, lines, at, DIRECTIVE.format(name=name), gap=1)
    end = source.statements[previous.name].end_lineno if previous else None
    _insert(chapter.solutions, source.lines, end or len(source.lines), REFERENCE.format(name=name), gap=2)
    grader.parent.mkdir(parents=True, exist_ok=True)
    grader.write_text(GRADER.format(name=name), encoding="utf-8")
    return [text, chapter.solutions, grader]


def _end_of(chapter: Chapter, line: int, last: int) -> int:
    """How many lines stand before what follows an exercise: the next exercise, or the next heading."""
    for block in chapter.blocks:
        heading = isinstance(block, Prose) and block.text.startswith("#")
        if block.line > line and (isinstance(block, ExerciseBlock) or heading):
            return block.line - 1
    return last


def _insert(path: Path, lines: list[str], at: int, text: str, gap: int) -> None:
    """Writes the lines with `text` put in after line `at`, with `gap` empty lines on both sides."""
    before, behind = lines[:at], lines[at:]
    while before and not before[-1].strip():
        before.pop()
    while behind and not behind[0].strip():
        behind.pop(0)
    space = [""] * gap
    middle = [*(space if before else []), *text.rstrip("\n").splitlines(), *(space if behind else [])]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join([*before, *middle, *behind]) + "\n", encoding="utf-8")
