"""Which submissions a folder holds: a file each, or a folder each with one or several files."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dojo.grading.submission import Submission

KINDS = {".py", ".ipynb"}
DEPTH = 3
MAX_FILES = 50  # of one submission
IGNORED = {"__pycache__", "__MACOSX", "node_modules", "venv"}


@dataclass(frozen=True)
class HandedIn:
    """One submission: its name in the gradebook and its files."""

    name: str
    files: tuple[Path, ...]
    note: str = ""

    def digest(self) -> str:
        """Of the contents, so that a grading which is resumed sees what was handed in anew."""
        whole = hashlib.sha256()
        for path in self.files:
            whole.update(os.fsencode(path.name) + b"\0")
            try:
                if path.is_file() and path.stat().st_size < 50_000_000:
                    whole.update(hashlib.sha256(path.read_bytes()).digest())
            except OSError as error:
                whole.update(str(error.errno).encode())
        return whole.hexdigest()[:16]


def find(folder: Path, *, single: bool = False, less: Collection[Path] = ()) -> list[HandedIn]:
    """All submissions of a folder, in the order of their names, less some paths; with `single`, the folder as one."""
    if single:
        return [_from_folder(folder.resolve().name, folder, folder.resolve())]
    found = []
    for entry in sorted(folder.iterdir(), key=lambda path: path.name):
        if _ignored(entry.name) or _resolved(entry) in less:
            continue
        name = entry.name.encode("utf-8", "backslashreplace").decode()  # file names may hold bytes that are no text
        if not _stays_inside(entry, folder):
            if entry.suffix.lower() in KINDS or entry.is_dir():
                found.append(HandedIn(name, (), f"{name} is a link that leads out of the folder"))
        elif entry.is_dir():
            found.append(_from_folder(name, entry, folder.resolve()))
        elif entry.suffix.lower() in KINDS:
            found.append(HandedIn(name, (entry,)))
    return found


def read(handed_in: HandedIn) -> Submission:
    """The files as one submission; chunks and notes of several files carry their file's name."""
    from dojo.grading.submission import Chunk, Submission, from_path

    if not handed_in.files:
        why = handed_in.note or f"{handed_in.name} holds no .py or .ipynb file"
        return Submission(problem=f"{why}: ask for it again.")
    parts = [(path, from_path(path)) for path in handed_in.files]
    if len(parts) == 1:
        parts[0][1].notes += [handed_in.note] if handed_in.note else []
        return parts[0][1]
    usable = [(path, part) for path, part in parts if not part.problem]
    if not usable:
        return Submission(problem=" ".join(part.problem or "" for _, part in parts))
    whole = Submission(notes=[handed_in.note] if handed_in.note else [])
    for path, part in parts:
        if part.problem:
            whole.notes.append(part.problem.split("\n")[0])
            continue
        whole.chunks += [
            Chunk(chunk.name if chunk.name == path.name else f"{path.name}, {chunk.name}", chunk.source, chunk.line)
            for chunk in part.chunks
        ]
        whole.notes += [f"{path.name}: {note}" for note in part.notes]
    return whole


def _from_folder(name: str, folder: Path, root: Path) -> HandedIn:
    files = sorted(_walk(folder, root))
    note = f"only {MAX_FILES} of {len(files)} files were read" if len(files) > MAX_FILES else ""
    return HandedIn(name, tuple(files[:MAX_FILES]), note)


def _walk(folder: Path, root: Path) -> Iterator[Path]:
    for where, folders, files in os.walk(folder):
        depth = len(Path(where).relative_to(folder).parts)
        folders[:] = [name for name in folders if not _ignored(name)] if depth < DEPTH else []
        for name in files:
            path = Path(where) / name
            if path.suffix.lower() in KINDS and not _ignored(name) and _stays_inside(path, root):
                yield path


def _ignored(name: str) -> bool:
    return name.startswith(".") or name in IGNORED


def _stays_inside(path: Path, folder: Path) -> bool:
    """Whether a path, links followed, is in the folder: a link to another's work or to /etc is none of a submission."""
    target = _resolved(path)
    return target is not None and target.is_relative_to(folder.resolve())


def _resolved(path: Path) -> Path | None:
    try:
        return path.resolve()
    except (OSError, RuntimeError):  # a link that leads back to itself
        return None
