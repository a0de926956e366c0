"""`dojo start`, `status`, `hint` and `solution`: what a learner in their own editor asks for."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from . import common
from .common import CourseOption

if TYPE_CHECKING:
    from dojo.course import Chapter, Course, Exercise
    from dojo.progress import Store

ExerciseArgument = Annotated[str, typer.Argument(metavar="EXERCISE", help="Its name, for example attention_pattern.")]
MARKS = {"passed": "[green]✓[/]", "tried": "[yellow]•[/]", "started": "[yellow]·[/]"}


def add_to(app: typer.Typer) -> None:
    app.command(rich_help_panel="Learn")(start)
    app.command(rich_help_panel="Learn")(status)
    app.command(rich_help_panel="Learn")(hint)
    app.command(rich_help_panel="Learn")(solution)


def start(
    chapter: Annotated[str, typer.Argument(metavar="CHAPTER", help="Its name, for example transformer_from_scratch.")],
    out: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="FILE", help="A .py or .ipynb file. Default: CHAPTER.py.")
    ] = None,
    course: CourseOption = None,
) -> None:
    """Write a file with every stub of a chapter, to work in. Never overwrites a file.

    Example: dojo start transformer_from_scratch -o mine.py
    """
    from dojo.course import starter_file

    opened = common.open_course(course)
    found = opened.chapter(chapter)
    path = out or Path(f"{found.id}.py")
    if path.suffix == ".ipynb":
        from dojo.course.notebooks import notebook_text

        text = notebook_text(opened, found, "exercises")
    elif path.suffix == ".py":
        text = starter_file(found)
    else:
        common.fail(f"{path} must end in .py or .ipynb.")
    try:
        with path.open("x", encoding="utf-8", newline="\n") as file:
            file.write(text)
    except FileExistsError:
        common.fail(f"{path} is there already and is left as it is. Name another file: dojo start {found.id} -o FILE")
    except OSError as error:
        common.fail(f"{path} cannot be written: {error.strerror}. Name another place: dojo start {found.id} -o FILE")
    console = Console(highlight=False)
    console.print(f"Wrote {path} with {len(found.exercises)} exercises.", markup=False, soft_wrap=True)
    console.print(f"Open it in your editor, and beside it run:  dojo watch {path}", markup=False, soft_wrap=True)


def status(course: CourseOption = None) -> None:
    """List the chapters and exercises, and which of them you have passed."""
    opened = common.open_course(course)
    store = common.open_store_or_warn()
    done = store.status(store.learner()) if store else {}
    console = Console(highlight=False)
    for chapter in opened.chapters:
        passed = sum(done.get((chapter.id, name)) == "passed" for name in chapter.exercises)
        console.print(f"[bold]{chapter.title}[/]  {chapter.id}  [dim]{passed} of {len(chapter.exercises)} passed[/]")
        console.print(_table(chapter, done))
    meaning = {
        "passed": "passed",
        "tried": "checked, not passed yet",
        "started": "begun in the browser, not checked yet",
    }
    console.print(" · ".join(f"{MARKS[kind]} [dim]{words}[/]" for kind, words in meaning.items()))


def _table(chapter: Chapter, done: dict):
    from rich.table import Table

    table = Table.grid(padding=(0, 2))
    for name, exercise in chapter.exercises.items():
        mark = MARKS.get(done.get((chapter.id, name), ""), " ")
        facts = f"difficulty {exercise.difficulty}, importance {exercise.importance}, {exercise.minutes} min"
        table.add_row("", mark, name, f"[dim]{facts}[/]")
    return table


def hint(
    exercise: ExerciseArgument,
    again: Annotated[bool, typer.Option("--again", help="Show the hints that are open, and open none.")] = False,
    course: CourseOption = None,
) -> None:
    """Open the next hint of an exercise; each call opens one more.

    Example: dojo hint attention_pattern
    """
    opened = common.open_course(course)
    chapter, found = common.find_exercise(opened, exercise)
    store = common.open_store()
    console = Console(highlight=False)
    if again:
        seen = store.hints_opened(store.learner(), chapter.id, found.name)
        if not seen:
            console.print(f"No hint of {found.name} is open yet: dojo hint {found.name} opens the first.")
        _print_hints(console, opened, found, range(min(seen, len(found.hints))))
    else:
        show_next_hint(console, opened, store, chapter, found)


def show_next_hint(console: Console, course: Course, store: Store, chapter: Chapter, exercise: Exercise) -> None:
    """Opens one more hint and prints it; all of them once all are open."""
    me, total = store.learner(), len(exercise.hints)
    seen = store.hints_opened(me, chapter.id, exercise.name)
    if seen < total:
        opened = min(store.open_hint(me, chapter.id, exercise.name), total)
        _print_hints(console, course, exercise, range(opened - 1, opened))
        return
    _print_hints(console, course, exercise, range(total))
    kept = "That is all of them." if total else f"{exercise.name} has no hints."
    console.print(f"[dim]{kept} To see how it is done: dojo solution {exercise.name}[/]")


def _print_hints(console: Console, course: Course, exercise: Exercise, numbers: range) -> None:
    for number in numbers:
        console.print(f"[bold]Hint {number + 1} of {len(exercise.hints)}[/]")
        _print_markdown(console, course, exercise.hints[number])


def solution(
    exercise: ExerciseArgument,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask first.")] = False,
    course: CourseOption = None,
) -> None:
    """Show how an exercise is done, and why so. Asks once before it does.

    Example: dojo solution attention_pattern
    """
    opened = common.open_course(course)
    chapter, found = common.find_exercise(opened, exercise)
    store = common.open_store_or_warn()
    me = store.learner() if store else 0
    seen = store is not None and store.solution_opened(me, chapter.id, found.name)
    if not (yes or seen):
        left = len(found.hints) - (store.hints_opened(me, chapter.id, found.name) if store else 0)
        unread = f" ({left} of its hints are unread)" if left > 0 else ""
        if not typer.confirm(f"Show the solution of {found.name}?{unread}", default=False):
            raise typer.Exit(common.NOT_PASSED)
    if store:
        store.open_solution(me, chapter.id, found.name)
    console = Console(highlight=False)
    if not console.is_terminal:
        print(found.solution)
        return
    from rich.syntax import Syntax

    console.print(Syntax(found.solution, "python", theme="ansi_dark", background_color="default", word_wrap=True))
    if found.after:
        _print_markdown(console, opened, found.after)


def _print_markdown(console: Console, course: Course, text: str) -> None:
    from rich.markdown import Markdown

    from dojo.course import replace_links

    console.print(Markdown(replace_links(text, lambda term, shown: f"*{shown}*")))
