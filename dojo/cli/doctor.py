"""`dojo doctor`: whether everything works here, and how well a learner's code is locked in."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import typer
from rich.console import Console
from rich.markup import escape

from . import common
from .common import CourseOption


def add_to(app: typer.Typer) -> None:
    app.command(rich_help_panel="Run")(doctor)


def doctor(course: CourseOption = None) -> None:
    """Show versions, the course, the progress database, and test the sandbox by trying to break out of it.

    Ends with 1 where something is broken or the sandbox let something through.
    """
    from rich.table import Table

    from dojo.course import CourseError, find_root
    from dojo.grading.doctor import report

    console = Console(highlight=False)
    checks = [_course(course), _progress()]
    with console.status("Trying to break out of the sandbox…"), suppress(CourseError):  # `checks` has it already
        checks += [(check.name, check.ok, check.detail) for check in report(find_root(course))]
    table = Table.grid(padding=(0, 2))
    for name, ok, detail in checks:
        mark = {True: "[green]✓[/]", False: "[red]✗[/]", None: " "}[ok]
        table.add_row(mark, escape(name), escape(detail))
    console.print(table)
    if any(ok is False for _, ok, _ in checks):
        raise typer.Exit(common.NOT_PASSED)


def _course(folder: Path | None) -> tuple[str, bool, str]:
    from dojo.course import CourseError

    try:
        course = common.open_course(folder)
    except CourseError as error:
        return "course", False, str(error)
    exercises = sum(len(chapter.exercises) for chapter in course.chapters)
    return "course", True, f"{course.title}: {len(course.chapters)} chapters, {exercises} exercises, in {course.root}"


def _progress() -> tuple[str, bool, str]:
    from dojo.progress import StoreError

    try:
        store = common.open_store()
    except StoreError as error:
        return "progress", False, str(error)
    return "progress", True, store.url.render_as_string(hide_password=True)
