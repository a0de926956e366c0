"""`dojo check`: one verdict, or those of a whole file in order."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from . import common, work
from .common import CourseOption

if TYPE_CHECKING:
    from dojo.grading.verdict import Verdict


def add_to(app: typer.Typer) -> None:
    app.command(rich_help_panel="Learn")(check)


def check(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Your .py or .ipynb file.")],
    exercise: Annotated[
        list[str] | None, typer.Argument(metavar="EXERCISE", help="Only these. Default: all in FILE.")
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Do not stop at the first exercise that is not passed.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print the verdicts as JSON lines.")] = False,
    seed: Annotated[
        int | None, typer.Option("--seed", help="Replay the inputs of a verdict that names this seed.")
    ] = None,
    course: CourseOption = None,
) -> None:
    """Check your exercises, in order, up to the first that is not passed.

    Examples: dojo check mine.py · dojo check mine.py embed attention_pattern · dojo check notebook.ipynb --all
    """
    opened = common.open_course(course)
    submission = work.read(file)
    exercises = work.choose(opened, submission, exercise or [], file)
    codes = work.defined(submission)
    record = work.Record(common.open_store_or_warn())
    console = Console(highlight=False)
    verdicts: list[Verdict] = []

    from dojo.grading.pool import Grader

    with (
        console.status("Warming up…") as spinner,
        Grader(opened, slots=1, demos=False, only=[(e.chapter, e.name) for e in exercises]) as grader,
    ):
        for number, one in enumerate(exercises, start=1):
            spinner.update(f"Checking {one.name} ({number} of {len(exercises)})")
            verdict = grader.grade(submission, one.chapter, one.name, seed=seed)
            record.add(verdict, codes.get(one.name, ""))
            verdicts.append(verdict)
            _tell(console, verdict, json=json, brief=len(exercises) > 1)
            if not verdict.passed and not everything:
                break
    if not json:
        _conclude(console, verdicts, len(exercises))
    raise typer.Exit(common.OK if all(v.passed for v in verdicts) else common.NOT_PASSED)


def _tell(console: Console, verdict: Verdict, *, json: bool, brief: bool) -> None:
    """A passed exercise among others takes a line; everything else is told in full."""
    if json:
        from dojo.grading.verdict import to_json

        print(to_json(verdict).decode(), flush=True)
    elif verdict.passed and brief:
        console.print(f"[green]✓[/] {verdict.exercise}")
    else:
        from dojo.report import to_terminal

        to_terminal(verdict, console)


def _conclude(console: Console, verdicts: list[Verdict], total: int) -> None:
    passed = sum(v.passed for v in verdicts)
    if total > 1:
        console.print(f"\n{passed} of {total} passed.")
    unfinished = next((v for v in verdicts if not v.passed), None)
    if unfinished and unfinished.status != "unwritten":  # whose headline says it
        console.print(f"[dim]Stuck? dojo hint {unfinished.exercise}[/]")
