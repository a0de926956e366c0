"""`dojo build`, `lint` and `new`: for those who write a course."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from . import common
from .common import CourseOption, SentenceGroup

if TYPE_CHECKING:
    from dojo.course import Course
    from dojo.course.lint import Problem


def add_to(app: typer.Typer) -> None:
    app.command(rich_help_panel="Write a course")(build)
    app.command(rich_help_panel="Write a course")(lint)
    new = typer.Typer(cls=SentenceGroup, no_args_is_help=True, help="Start something new: dojo new exercise.")
    new.command()(exercise)
    new.callback()(lambda: None)  # keeps `exercise` a command of its own while it is the only one
    app.add_typer(new, name="new", rich_help_panel="Write a course")


def build(
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; end with 1 if a notebook is not up to date.")
    ] = False,
    course: CourseOption = None,
) -> None:
    """Write the notebooks of all chapters from their three pieces (chapter.md, solutions, graders)."""
    from dojo.course.notebooks import build as build_notebooks

    opened = common.open_course(course)
    changed = build_notebooks(opened, check=check)
    console = Console(highlight=False)
    for path in changed:
        verb = "is not up to date" if check else "written"
        console.print(f"{path.relative_to(opened.root)}: {verb}", markup=False)
    if not changed:
        console.print("All notebooks are up to date.")
    elif check:
        common.fail("Run dojo build and commit what it writes.", common.NOT_PASSED)


def lint(
    exercises: Annotated[
        list[str] | None, typer.Argument(metavar="EXERCISE", help="Run the graders of these only. Default: all.")
    ] = None,
    fast: Annotated[bool, typer.Option("--fast", help="Only read the course, run nothing.")] = False,
    seeds: Annotated[int, typer.Option("--seeds", min=1, help="How many seeds to run each grader on.")] = 3,
    course: CourseOption = None,
) -> None:
    """Check a course: its text, and that every reference passes, every stub and every known mistake fails.

    Ends with 1 if there is a problem; warnings are advice. Examples: dojo lint --fast · dojo lint attention_pattern
    """
    from dojo.course.lint import lint as lint_by_reading

    opened = common.open_course(course)
    only = {(c.id, e.name) for c, e in (common.find_exercise(opened, name) for name in exercises or [])} or None
    console = Console(highlight=False)
    problems = list(lint_by_reading(opened))
    _print(console, problems)
    if not fast:
        found = _run(console, opened, seeds, only)
        _print(console, found)
        problems += found
    wrong = sum(not problem.warning for problem in problems)
    advice = len(problems) - wrong
    console.print(f"{_count(wrong, 'problem')}, {_count(advice, 'warning')}.")
    raise typer.Exit(common.NOT_PASSED if wrong else common.OK)


def _run(console: Console, course: Course, seeds: int, only: set[tuple[str, str]] | None) -> list[Problem]:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    from dojo.course.lint_dynamic import lint_side_by_side

    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn()
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("Loading the graders", total=None)

        def progress(done: int, total: int, text: str) -> None:
            bar.update(task, completed=done, total=total, description=text)

        return lint_side_by_side(course, seeds=seeds, only=only, progress=progress)


def exercise(
    chapter: Annotated[str, typer.Argument(metavar="CHAPTER", help="The chapter that it joins.")],
    name: Annotated[str, typer.Argument(metavar="NAME", help="Its name: a function's or a class's.")],
    after: Annotated[
        str | None, typer.Option("--after", metavar="EXERCISE", help="The exercise that it follows. Default: the last.")
    ] = None,
    course: CourseOption = None,
) -> None:
    """Write the three pieces of a new exercise for you to fill: its directive, its reference, its grader.

    Example: dojo new exercise transformer_from_scratch my_function --after embed
    """
    from dojo.course.scaffold import new_exercise

    opened = common.open_course(course)
    console = Console(highlight=False)
    for path in new_exercise(opened, chapter, name, after):
        console.print(f"{path.relative_to(opened.root)}", markup=False)
    console.print("Fill every TODO in them, then run: dojo lint " + name, markup=False)


def _print(console: Console, problems: list[Problem]) -> None:
    for problem in problems:
        console.print(str(problem), markup=False, soft_wrap=True, style="yellow" if problem.warning else "red")


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
