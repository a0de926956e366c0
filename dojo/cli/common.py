"""What the commands share: options, errors told as sentences, the course and the progress database."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer
from rich.console import Console
from typer.core import TyperGroup

if TYPE_CHECKING:
    from dojo.course import Chapter, Course, Exercise
    from dojo.progress import Store

OK, NOT_PASSED, BAD_INPUT = 0, 1, 2

CourseOption = Annotated[
    Path | None,
    typer.Option(
        "--course",
        metavar="DIR",
        help="The course's folder, if it is not the one that came with dojo ($DOJO_COURSE).",
        rich_help_panel="Course",
    ),
]


class SentenceGroup(TyperGroup):
    """Commands whose foreseen errors end as one sentence on stderr and exit code 2, with no traceback."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except Exception as error:
            if not is_foreseen(error):
                raise
            sentence = str(error)
            ours = sentence.startswith(("there is ", "no course ", "chapter '"))  # others: with a file's name
            fail(sentence[0].upper() + sentence[1:] if ours else sentence)


def is_foreseen(error: Exception) -> bool:
    """Whether an error's text is a sentence for the user. Looked up by name: its module is loaded if it raised it."""
    names = ("dojo.course", "CourseError"), ("dojo.progress", "StoreError"), ("dojo.grading.pool", "GraderError")
    known = [getattr(sys.modules[module], name) for module, name in names if module in sys.modules]
    return isinstance(error, tuple(known))


def fail(sentence: str, code: int = BAD_INPUT) -> NoReturn:
    Console(stderr=True).print(sentence, style="red", markup=False, highlight=False, soft_wrap=True)
    raise typer.Exit(code)


def warn(sentence: str) -> None:
    Console(stderr=True).print(sentence, style="yellow", markup=False, highlight=False, soft_wrap=True)


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import PackageNotFoundError, version

        try:
            print(f"dojo {version('mechinterp-dojo')}")
        except PackageNotFoundError:
            print("dojo, not installed (run from a checkout)")
        raise typer.Exit


def root(
    version: Annotated[
        bool, typer.Option("--version", help="Show the version and stop.", is_eager=True, callback=_print_version)
    ] = False,
) -> None:
    """The options of `dojo` itself."""


def open_course(folder: Path | None) -> Course:
    from dojo.course import load_course

    return load_course(folder)


def find_exercise(course: Course, name: str) -> tuple[Chapter, Exercise]:
    """By name, or `chapter/name` or `chapter.name` where two chapters might share one."""
    chapter, separator, rest = name.replace(".", "/").partition("/")
    if separator:
        return course.chapter(chapter), course.chapter(chapter).exercise(rest)
    return course.find(name)


def open_store() -> Store:
    from dojo.progress import Store

    return Store()


def open_store_or_warn() -> Store | None:
    """For commands whose work does not depend on progress: they go on without it."""
    from dojo.progress import StoreError

    try:
        return open_store()
    except StoreError as error:
        warn(f"{error} Going on without keeping progress.")
        return None
