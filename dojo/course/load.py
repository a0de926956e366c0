"""Finds a course's folder and reads course.toml, the chapters and the glossary."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path

from dojo.course.chapter import read_chapter
from dojo.course.glossary import read_glossary
from dojo.course.model import Course, CourseError, did_you_mean

PLACE = Path("chapters") / "course.toml"
KEYS = {"title": str, "repository": str, "chapters": list}


def find_root(root: Path | str | None = None) -> Path:
    """The course's folder: `root`, else $DOJO_COURSE, else the checkout that `dojo` is in, else the one in the wheel."""
    package = Path(__file__).resolve().parent.parent
    chosen = root or os.environ.get("DOJO_COURSE")
    if chosen:
        folder = Path(chosen).expanduser().resolve()
        if not (folder / PLACE).is_file():
            where = "" if root else " (from DOJO_COURSE)"
            raise CourseError(f"{folder}{where} is no course: it has no {PLACE}; name a folder that has one")
        return folder
    for folder in (package.parent, package / "_course"):
        if (folder / PLACE).is_file():
            return folder
    raise CourseError("no course was found; name one with --course DIR or DOJO_COURSE=DIR")


def load_course(root: Path | str | None = None) -> Course:
    """Reads the whole course; raises CourseError with file, line and what to do at the first thing that is wrong."""
    folder = find_root(root)
    try:
        table = tomllib.loads((folder / PLACE).read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise CourseError(f"this is not valid TOML: {error}", PLACE) from None
    for key, value in table.items():
        if key not in KEYS:
            known = ", ".join(KEYS)
            raise CourseError(f"there is no setting '{key}'{did_you_mean(key, KEYS)}; the settings are: {known}", PLACE)
        if not isinstance(value, KEYS[key]):
            raise CourseError(f"'{key}' must be a {'list of names' if KEYS[key] is list else 'text'}", PLACE)
    ids = table.get("chapters", [])
    if not ids or not all(isinstance(id, str) for id in ids):
        raise CourseError('name the chapters in their order: chapters = ["first", "second"]', PLACE)
    if len(set(ids)) < len(ids):
        raise CourseError("a chapter is listed twice; keep one", PLACE)
    for id in ids:
        if not id.isidentifier():
            raise CourseError(f"'{id}' cannot name a chapter: use letters, digits and _", PLACE)
        if not (folder / "chapters" / id).is_dir():
            folders = [path.name for path in (folder / "chapters").iterdir() if path.is_dir()]
            raise CourseError(f"there is no folder chapters/{id}{did_you_mean(id, folders)}; make it", PLACE)
    chapters = tuple(read_chapter(folder, id) for id in ids)
    owner: dict[str, str] = {}
    for chapter in chapters:
        for name, exercise in chapter.exercises.items():
            if name in owner:
                place = Path("chapters") / chapter.id / "chapter.md"
                raise CourseError(
                    f"chapter '{owner[name]}' has an exercise '{name}' too; rename one, since `check` and `dojo check` "
                    "find exercises by their name alone",
                    place,
                    exercise.line,
                )
            owner[name] = chapter.id
    repository = table.get("repository", "")
    return Course(table.get("title", folder.name), folder, repository, chapters, read_glossary(folder))
