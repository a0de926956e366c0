"""`dojo watch`: re-checks the current exercise whenever the file is saved, and moves on when it passes."""

from __future__ import annotations

import os
import select
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.console import Console

from . import common, work
from .common import CourseOption

if TYPE_CHECKING:
    from dojo.course import Chapter, Course, Exercise
    from dojo.grading.pool import Grader

KEYS = "h + Enter: hint · q + Enter or Ctrl-C: stop"


def add_to(app: typer.Typer) -> None:
    app.command(rich_help_panel="Learn")(watch)


def watch(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Your .py or .ipynb file.")],
    exercise: Annotated[
        str | None, typer.Argument(metavar="EXERCISE", help="Only this one. Default: all in FILE.")
    ] = None,
    course: CourseOption = None,
) -> None:
    """Keep a window open beside your editor: every save checks the exercise that you are at.

    When it passes, the next one follows; what has passed is not checked again. Ends with 0 when all have passed.

    Example: dojo watch mine.py
    """
    opened = common.open_course(course)
    exercises = work.choose(opened, work.read(file), [exercise] if exercise else [], file)
    chapter = opened.chapter(exercises[0].chapter)
    console = Console(highlight=False)

    from dojo.grading.pool import Grader

    try:
        with Grader(opened, slots=1, demos=False, only=[(chapter.id, e.name) for e in exercises]) as grader:
            session = Session(console, opened, grader, file, chapter, exercises)
            with console.status("Warming up…"):
                grader.wait_until_warm()
            session.check()
            for event in events(file) if session.at else ():
                if event == "quit":
                    break
                session.hint() if event == "hint" else session.check()
                if not session.at:
                    break
    except KeyboardInterrupt:
        console.print()
        raise typer.Exit(130) from None
    raise typer.Exit(common.NOT_PASSED if session.at else common.OK)


class Session:
    """What is left to do, and the checks of it."""

    def __init__(
        self,
        console: Console,
        course: Course,
        grader: Grader,
        file: Path,
        chapter: Chapter,
        exercises: list[Exercise],
    ) -> None:
        self.console, self.course, self.grader, self.file, self.chapter = console, course, grader, file, chapter
        self.record = work.Record(common.open_store_or_warn())
        self.left, self.total = list(exercises), len(exercises)
        self.source = ""  # what was checked last

    @property
    def at(self) -> Exercise | None:
        return self.left[0] if self.left else None

    def check(self) -> None:
        """Check the current exercise as the file stands now, and those after it for as long as they pass."""
        from dojo.grading.submission import from_path
        from dojo.report import to_terminal

        submission = from_path(self.file)
        if submission.problem:
            self.source = ""
            self._clear()
            self.console.print(submission.problem, markup=False, style="red")
            self._footer()
            return
        source = "\n".join(chunk.source for chunk in submission.chunks)
        if source == self.source:
            return  # saved without a change
        self.source = source
        self._clear()
        codes = work.defined(submission)
        while self.at:
            name, code = self.at.name, codes.get(self.at.name, "")
            if self.record.has_passed(self.chapter.id, name, code):
                self.console.print(f"[green]✓[/] {name} [dim](passed before)[/]")
            else:
                with self.console.status(f"Checking {name}"):
                    verdict = self.grader.grade(submission, self.chapter.id, name)
                self.record.add(verdict, code)
                if not verdict.passed:
                    to_terminal(verdict, self.console)
                    break
                self.console.print(f"[green]✓[/] {name}")
            del self.left[0]
        self._footer()

    def hint(self) -> None:
        """Open the next hint of the current exercise."""
        from .learn import show_next_hint

        if self.at and self.record.store:
            show_next_hint(self.console, self.course, self.record.store, self.chapter, self.at)

    def _clear(self) -> None:
        if self.console.is_terminal:
            self.console.clear()

    def _footer(self) -> None:
        done = self.total - len(self.left)
        if self.at:
            self.console.print(
                f"\n[dim]{done} of {self.total} passed. Now: {self.at.name}. Save {self.file.name} to check. {KEYS}[/]"
            )
        else:
            self.console.print(f"\n[green]All {self.total} passed.[/]")


def events(file: Path) -> Iterator[Literal["saved", "hint", "quit"]]:
    """Saves of the file and lines typed. The folder is watched: many editors save by renaming another file over it."""
    from watchfiles import watch as watch_folder

    file = file.resolve()
    keyboard = sys.stdin if sys.stdin is not None and sys.stdin.isatty() and os.name == "posix" else None
    changes = watch_folder(
        file.parent,
        watch_filter=lambda _, path: Path(path).name == file.name,
        recursive=False,
        debounce=200,
        step=50,
        rust_timeout=300,
        yield_on_timeout=True,
        raise_interrupt=True,
    )
    for change in changes:
        if change and file.exists():  # between the two steps of a rename it does not exist
            yield "saved"
        while keyboard and select.select([keyboard], [], [], 0)[0]:
            line = keyboard.readline()
            if not line:
                keyboard = None
            elif line.strip().lower() in {"h", "q"}:
                yield "hint" if line.strip().lower() == "h" else "quit"
