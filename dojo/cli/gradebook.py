"""What `dojo grade` writes: a journal to which every result is added at once, and the files made from it.

Nothing that was graded is lost by Ctrl-C or a crash: results.jsonl has a line for each submission as soon as it is done, and
results.csv and results.json are made of its lines. Only scores are kept in memory, so that 2,000 submissions cost what 20 do.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

import msgspec

from dojo.grading.verdict import Verdict

JOURNAL, CSV, JSON = "results.jsonl", "results.csv", "results.json"


class Graded(msgspec.Struct):
    """What was decided on one submission: a line of the journal. `digest` is that of its files."""

    submission: str
    digest: str
    verdicts: list[Verdict]
    notes: list[str] = []
    faults: int = 0  # verdicts that could not be reached through no fault of the submission


class Gradebook:
    """The result files in one folder. `weights` (exercise -> importance) gives the columns and their order."""

    def __init__(self, folder: Path, weights: Mapping[str, float], *, resume: bool) -> None:
        self.folder, self.weights = folder, weights
        folder.mkdir(parents=True, exist_ok=True)
        self.done: dict[str, str] = {}  # submission -> digest
        if resume:
            self.done = {graded.submission: graded.digest for graded in self.read() if not graded.faults}
            self._mend()
        else:
            for name in (JOURNAL, CSV, JSON):
                if (folder / name).exists():
                    os.replace(folder / name, folder / f"{name}.previous")
        self.journal = open(folder / JOURNAL, "ab")  # noqa: SIM115

    def add(self, graded: Graded) -> None:
        """Adds a line, and has it on disk when it returns."""
        self.journal.write(msgspec.json.encode(graded) + b"\n")
        self.journal.flush()
        os.fsync(self.journal.fileno())

    def finish(self) -> None:
        """Makes results.csv and results.json of the journal."""
        from dojo.report import to_row

        self.journal.close()
        columns = ["submission", "total", "passed", *self.weights, "notes"]
        rows = [to_row(g.submission, g.verdicts, self.weights, g.notes) for g in self.read()]
        with _replacing(self.folder / CSV) as file:
            writer = csv.DictWriter(file, columns, restval="")
            writer.writeheader()
            writer.writerows(sorted(rows, key=lambda row: str(row["submission"])))
        with _replacing(self.folder / JSON) as file:
            for number, graded in enumerate(self.read()):
                file.write((",\n" if number else "[\n") + msgspec.json.encode(graded).decode())
            file.write("\n]\n" if rows else "[]\n")

    def read(self) -> Iterator[Graded]:
        """The journal's lines that have this gradebook's columns; of several for one submission the last."""
        path = self.folder / JOURNAL
        if not path.exists():
            return
        places: dict[str, int] = {}
        with path.open("rb") as file:
            start = 0
            for line in file:
                if (graded := _decode(line)) and {v.exercise for v in graded.verdicts} == set(self.weights):
                    places[graded.submission] = start
                start += len(line)
            for start in places.values():
                file.seek(start)
                yield msgspec.json.decode(file.readline(), type=Graded)

    def _mend(self) -> None:
        """Cuts a half-written last line off, so that the next one starts on a line of its own."""
        path = self.folder / JOURNAL
        if path.exists() and path.stat().st_size:
            with path.open("rb+") as file:
                data = file.read()
                file.truncate(data.rfind(b"\n") + 1)


def _decode(line: bytes) -> Graded | None:
    """None for a line that a crash cut short."""
    try:
        return msgspec.json.decode(line, type=Graded) if line.endswith(b"\n") else None
    except msgspec.MsgspecError:
        return None


@contextmanager
def _replacing(path: Path) -> Iterator[TextIO]:
    """A text file that takes the place of `path` once it is complete."""
    part = path.with_name(f".{path.name}.part")
    try:
        with open(part, "w", encoding="utf-8", newline="") as file:
            yield file
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
