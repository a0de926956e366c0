"""`dojo grade`: a folder of submissions, in parallel; whatever one of them does, the others get their rows."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape

from . import common, work
from .common import CourseOption
from .gradebook import CSV, JOURNAL, JSON, Gradebook, Graded
from .submissions import HandedIn, find, read

if TYPE_CHECKING:
    from dojo.course import Course, Exercise
    from dojo.grading.pool import Grader
    from dojo.grading.submission import Submission
    from dojo.grading.verdict import Verdict


def add_to(app: typer.Typer) -> None:
    app.command(rich_help_panel="Teach")(grade)


def grade(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A .py or .ipynb file, or a folder, for each student.")],
    exercise: Annotated[
        list[str] | None, typer.Option("--exercise", "-e", metavar="EXERCISE", help="Only this one; may be repeated.")
    ] = None,
    chapter: Annotated[
        list[str] | None,
        typer.Option("--chapter", "-c", metavar="CHAPTER", help="Only this one; may be repeated. Default: all."),
    ] = None,
    out: Annotated[Path, typer.Option("--out", "-o", metavar="DIR", help="Where the results are written.")] = Path(),
    gradescope: Annotated[
        Path | None,
        typer.Option(
            "--gradescope",
            metavar="PATH",
            help="Also write Gradescope's results: a folder with one file for each submission, or, for a name that ends in "
            ".json, DIR as one submission.",
        ),
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the results that are in --out.")] = False,
    slots: Annotated[
        int | None, typer.Option("--slots", "-j", min=1, help="Verdicts at once. Default: one a processor.")
    ] = None,
    course: CourseOption = None,
) -> None:
    """Grade a folder of submissions and write results.csv (a row each) and results.json (every verdict).

    The total is weighted by the exercises' importance. Ends with 0 when every submission has its row, whatever the marks, and
    with 1 if something could not be graded through no fault of the submission.

    Examples: dojo grade submissions · dojo grade submissions -e attention_pattern -o results · dojo grade submissions --resume
    """
    opened = common.open_course(course)
    if not folder.is_dir():
        common.fail(f"{folder} is not a folder. For a single file: dojo check {folder}")
    single = gradescope is not None and gradescope.suffix == ".json"
    try:
        submissions = find(folder, single=single, less=[path.resolve() for path in (out, gradescope) if path])
    except OSError as error:
        common.fail(f"{folder} cannot be read: {error.strerror}.")
    if not submissions:
        common.fail(f"{folder} holds no submissions: .py or .ipynb files, or a folder for each student.")
    exercises = _exercises(opened, exercise or [], chapter or [])
    weights = {found.name: found.importance for found in exercises}
    try:
        book = Gradebook(out, weights, resume=resume)
    except OSError as error:
        common.fail(f"{out} cannot be written: {error.strerror}. Name another folder with --out.")
    waiting = [one for one in submissions if book.done.get(one.name) != one.digest()]
    console = Console(highlight=False)
    if resume:
        console.print(f"{len(submissions) - len(waiting)} of {len(submissions)} are graded already.")

    faults = 0
    stopped = False
    if waiting:
        try:
            faults = _grade_all(console, opened, waiting, exercises, book, slots)
        except KeyboardInterrupt:
            stopped = True
    book.finish()
    _summarise(console, book, exercises)
    if gradescope:
        _write_gradescope(gradescope, book)
    console.print(
        f"Wrote {out / CSV}, {out / JSON} and {out / JOURNAL} (what --resume goes on from).",
        markup=False,
        soft_wrap=True,
    )
    if stopped:
        common.fail("Stopped. What was graded is kept: go on with --resume.", 130)
    if faults:
        common.fail(
            f"{faults} verdicts could not be reached; their headlines in {out / JSON} say why.", common.NOT_PASSED
        )


def _exercises(course: Course, names: list[str], chapters: list[str]) -> list[Exercise]:
    if names:
        return [common.find_exercise(course, name)[1] for name in dict.fromkeys(names)]
    wanted = [course.chapter(id) for id in dict.fromkeys(chapters)] or course.chapters
    return [exercise for chapter in wanted for exercise in chapter.exercises.values()]


def _grade_all(
    console: Console,
    course: Course,
    submissions: list[HandedIn],
    exercises: list[Exercise],
    book: Gradebook,
    slots: int | None,
) -> int:
    """Grades and journals each submission; returns how many verdicts failed through a fault of ours."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from dojo.grading.pool import Grader

    stop = threading.Event()
    only = [(found.chapter, found.name) for found in exercises]
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    faults = 0
    with (
        Grader(course, slots=slots, only=only, demos=False) as grader,
        Progress(*columns, console=console, transient=True) as bar,
    ):
        task = bar.add_task("Grading", total=len(submissions))
        with ThreadPoolExecutor(grader.slots) as threads:
            try:
                pending: set[Future] = set()
                rest = iter(submissions)
                while True:
                    # a few ahead, not all: what waits should not pile up in memory
                    while len(pending) < 2 * grader.slots and (one := next(rest, None)):
                        pending.add(threads.submit(grade_one, grader, one, exercises, stop))
                    if not pending:
                        return faults
                    done, pending = wait(pending, return_when=FIRST_COMPLETED)
                    for future in done:
                        graded = future.result()
                        book.add(graded)
                        faults += graded.faults
                        bar.update(task, advance=1, description=f"Graded {escape(graded.submission[:30])}")
            except BaseException:
                stop.set()
                grader.close()  # ends the verdicts under way, which nobody waits for now
                raise


def grade_one(grader: Grader, one: HandedIn, exercises: Iterable[Exercise], stop: threading.Event) -> Graded:
    """One submission's verdicts. Every failure, of the submission or ours, ends as a verdict that says so."""
    from dojo.grading.submission import Submission

    digest = one.digest()  # before reading: a file that changes meanwhile is graded again by --resume
    try:
        submission = read(one)
    except Exception as error:
        submission = Submission(problem=f"{one.name} could not be read: {type(error).__name__}: {error}")
    verdicts, faults = [], 0
    for exercise in exercises:
        if stop.is_set():
            break
        try:
            verdicts.append(_verdict(grader, submission, exercise))
        except Exception as error:
            faults += 1
            verdicts.append(
                _error(exercise, f"This could not be graded, by a fault of ours: {type(error).__name__}: {error}")
            )
    notes = [submission.problem] if submission.problem else list(submission.notes)
    with suppress(Exception):  # a note is not worth a submission
        if verdicts and not stop.is_set() and _nothing_written(submission, verdicts, exercises):
            notes.append("nothing written yet")
    return Graded(one.name, digest, verdicts, [note.split("\n")[0] for note in notes], faults)


def _nothing_written(submission: Submission, verdicts: list[Verdict], exercises: Iterable[Exercise]) -> bool:
    """Whether every exercise is its stub still; one that is built on another's stub is blocked, so its code decides."""
    if any(v.status not in ("unwritten", "blocked") for v in verdicts):
        return False
    codes = {name: code.strip() for name, code in work.defined(submission).items()}
    stubs = {exercise.name: exercise.stub.strip() for exercise in exercises}
    return all(
        v.status == "unwritten" or (v.status == "blocked" and codes.get(v.exercise) == stubs[v.exercise])
        for v in verdicts
    )


def _verdict(grader: Grader, submission: Submission, exercise: Exercise) -> Verdict:
    if submission.problem:
        return _error(exercise, submission.problem)
    return grader.grade(submission, exercise.chapter, exercise.name)


def _error(exercise: Exercise, headline: str) -> Verdict:
    from dojo.grading.verdict import Verdict

    return Verdict(exercise.chapter, exercise.name, "error", headline.encode("utf-8", "replace").decode())


def _summarise(console: Console, book: Gradebook, exercises: list[Exercise]) -> None:
    """For each exercise how many passed, and the mistake that was recognised most often."""
    from rich.table import Table
    from rich.text import Text

    from dojo.report.content import clean

    graded, passed = Counter[str](), Counter[str]()
    mistakes: dict[str, Counter[str]] = {exercise.name: Counter() for exercise in exercises}
    for one in book.read():
        for verdict in one.verdicts:
            graded[verdict.exercise] += 1
            passed[verdict.exercise] += verdict.passed
            if verdict.mistake:
                mistakes[verdict.exercise][verdict.mistake.sentence] += 1
    table = Table("exercise", "passed", "most often recognised", box=None, padding=(0, 2, 0, 0), header_style="bold")
    for exercise in exercises:
        name, often = exercise.name, mistakes[exercise.name].most_common(1)
        said = "".join(f"{count} × {sentence}" for sentence, count in often)
        table.add_row(name, f"{passed[name]} of {graded[name]}", Text(said))
    console.print(table)
    for one in book.read():
        if one.notes:
            console.print(Text(clean(f"{one.submission}: {'; '.join(one.notes)}")), soft_wrap=True, style="yellow")


def _write_gradescope(path: Path, book: Gradebook) -> None:
    import json

    from dojo.report import to_gradescope

    single = path.suffix == ".json"
    (path.parent if single else path).mkdir(parents=True, exist_ok=True)
    for one in book.read():
        file = path if single else path / f"{one.submission}.json"
        file.write_text(json.dumps(to_gradescope(one.verdicts, book.weights), indent=1), encoding="utf-8")
