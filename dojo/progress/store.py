"""Drafts, attempts, opened hints and answers of every learner, in SQLite or PostgreSQL.

A method has committed when it returns: what it was given survives `kill -9` and, on SQLite, a power cut
(write-ahead log, synchronous=FULL). A Store may be used from many threads, and one database by many processes.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from sqlalchemy import URL, Engine, create_engine, event, exc, func, make_url, select, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session
from sqlalchemy.schema import CreateIndex, CreateTable

from dojo.grading.verdict import Verdict, from_json, to_json

from .errors import StoreError, told_plainly
from .schema import VERSION, AnswerRow, AttemptRow, Base, DraftRow, LearnerRow, Meta, OpenedRow

BUSY_SECONDS = 10
Progress = Literal["passed", "tried", "started"]


@dataclass(frozen=True)
class Learner:
    id: int
    key: str
    name: str


@dataclass(frozen=True)
class Attempt:
    chapter: str
    exercise: str
    code: str
    verdict: Verdict
    at: datetime


@dataclass(frozen=True)
class Answer:
    value: str
    correct: bool
    tries: int


def home() -> Path:
    """The folder of what belongs to the learner on this machine: $DOJO_HOME or ~/.local/share/dojo."""
    named = os.environ.get("DOJO_HOME")
    return Path(named).expanduser() if named else Path.home() / ".local" / "share" / "dojo"


class Store:
    """The progress database: `url`, else $DOJO_DATABASE_URL, else progress.db in `home()`. Raises StoreError."""

    def __init__(self, url: str | None = None, *, busy_seconds: float = BUSY_SECONDS) -> None:
        self.url = _database_url(url)
        with told_plainly(self.url):
            self.engine = _engine(self.url, busy_seconds)
            self._create_tables()

    def close(self) -> None:
        self.engine.dispose()

    # --- people ---

    def learner(self, key: str = "me") -> int:
        """The id of the learner with this key, who is added if unknown. All other methods take the id."""
        if not key or len(key) > 100:
            raise StoreError("A learner's key has 1 to 100 characters.")
        with self._session() as session:
            _insert(session, LearnerRow, {"key": _storable(key)}, {}, name="", created=time.time())
            return session.scalars(select(LearnerRow.id).where(LearnerRow.key == _storable(key))).one()

    def new_learner(self, name: str = "") -> str:
        """Adds a learner and returns their key, a random token that nobody can guess."""
        key = secrets.token_urlsafe(24)
        with self._session() as session:
            session.add(LearnerRow(key=key, name=_storable(name), created=time.time()))
        return key

    def find_learner(self, key: str) -> Learner | None:
        """The learner with this key, or None; nobody is added."""
        with self._session() as session:
            row = session.scalars(select(LearnerRow).where(LearnerRow.key == _storable(key))).one_or_none()
            return Learner(row.id, row.key, row.name) if row else None

    def alias(self, learner: int) -> str:
        """What a learner's own models are drawn from: their name, and a code that no other learner has. Gives no key away."""
        with self._session() as session:
            row = session.get_one(LearnerRow, learner)
            code = hashlib.sha256(f"{row.key} {row.created}".encode()).hexdigest()[:8]
            return f"{row.name or 'learner'} {code}"

    def learners(self) -> list[Learner]:
        with self._session() as session:
            return [Learner(r.id, r.key, r.name) for r in session.scalars(select(LearnerRow).order_by(LearnerRow.id))]

    # --- drafts and attempts ---

    def save_draft(self, learner: int, chapter: str, exercise: str, text: str) -> None:
        keys = {"learner": learner, "chapter": chapter, "exercise": exercise}
        with self._session() as session:
            _insert(session, DraftRow, keys, {"text": _storable(text), "saved": time.time()})

    def draft(self, learner: int, chapter: str, exercise: str) -> str | None:
        with self._session() as session:
            row = session.get(DraftRow, (learner, chapter, exercise))
            return row.text if row else None

    def record(self, learner: int, chapter: str, exercise: str, code: str, verdict: Verdict) -> None:
        """Keeps one attempt for good."""
        row = AttemptRow(
            learner=learner,
            chapter=chapter,
            exercise=exercise,
            code=_storable(code),
            status=verdict.status,
            score=verdict.score,
            verdict=_storable(to_json(verdict).decode()),
            at=time.time(),
        )
        with self._session() as session:
            session.add(row)

    def attempts(self, learner: int, chapter: str, exercise: str) -> list[Attempt]:
        """Every attempt, the oldest first."""
        query = select(AttemptRow).filter_by(learner=learner, chapter=chapter, exercise=exercise)
        with self._session() as session:
            return [
                Attempt(r.chapter, r.exercise, r.code, from_json(r.verdict), datetime.fromtimestamp(r.at, UTC))
                for r in session.scalars(query.order_by(AttemptRow.id))
            ]

    def status(self, learner: int) -> dict[tuple[str, str], Progress]:
        """Where the learner stands: passed (at least once), tried, or started (a draft and no attempt)."""
        drafts = select(DraftRow.chapter, DraftRow.exercise).filter_by(learner=learner)
        tries = select(AttemptRow.chapter, AttemptRow.exercise, AttemptRow.status).filter_by(learner=learner).distinct()
        with self._session() as session:
            found: dict[tuple[str, str], Progress] = {(c, e): "started" for c, e in session.execute(drafts)}
            for chapter, exercise, status in session.execute(tries):
                if found.get((chapter, exercise)) != "passed":
                    found[chapter, exercise] = "passed" if status == "passed" else "tried"
            return found

    # --- hints, solutions, questions ---

    def open_hint(self, learner: int, chapter: str, exercise: str) -> int:
        """Opens one more hint; returns how many are open now."""
        keys = {"learner": learner, "chapter": chapter, "exercise": exercise}
        with self._session() as session:
            _insert(session, OpenedRow, keys, {"hints": OpenedRow.hints + 1}, hints=1)
            return session.get_one(OpenedRow, (learner, chapter, exercise)).hints

    def hints_opened(self, learner: int, chapter: str, exercise: str) -> int:
        with self._session() as session:
            row = session.get(OpenedRow, (learner, chapter, exercise))
            return row.hints if row else 0

    def open_solution(self, learner: int, chapter: str, exercise: str) -> None:
        keys = {"learner": learner, "chapter": chapter, "exercise": exercise}
        first = func.coalesce(OpenedRow.solution_at, time.time())
        with self._session() as session:
            _insert(session, OpenedRow, keys, {"solution_at": first}, hints=0, solution_at=time.time())

    def solution_opened(self, learner: int, chapter: str, exercise: str) -> bool:
        with self._session() as session:
            row = session.get(OpenedRow, (learner, chapter, exercise))
            return row is not None and row.solution_at is not None

    def answer(self, learner: int, predict_id: str, value: object, correct: bool) -> None:
        """Keeps an answer to a predict question in the place of the one before."""
        keys = {"learner": learner, "predict": predict_id}
        now = {"value": _storable(str(value)), "correct": correct, "at": time.time()}
        with self._session() as session:
            _insert(session, AnswerRow, keys, now | {"tries": AnswerRow.tries + 1}, **now, tries=1)

    def answers(self, learner: int) -> dict[str, Answer]:
        with self._session() as session:
            rows = session.scalars(select(AnswerRow).filter_by(learner=learner))
            return {row.predict: Answer(row.value, row.correct, row.tries) for row in rows}

    # --- the database itself ---

    @contextmanager
    def _session(self) -> Iterator[Session]:
        """One transaction, committed at the end of the block."""
        with told_plainly(self.url), Session(self.engine) as session, session.begin():
            yield session

    def _create_tables(self) -> None:
        with self.engine.begin() as connection:
            if self.url.get_backend_name() == "postgresql":  # two servers that start at once must not collide here
                connection.execute(text("select pg_advisory_xact_lock(815000001)"))
            for table in Base.metadata.sorted_tables:
                connection.execute(CreateTable(table, if_not_exists=True))
                for index in table.indexes:
                    connection.execute(CreateIndex(index, if_not_exists=True))
        with self._session() as session:
            _insert(session, Meta, {"key": "version"}, {}, value=str(VERSION))
            version = session.get_one(Meta, "version").value
        if not version.isdigit() or int(version) > VERSION:
            raise StoreError(
                f"The progress database {self.url.render_as_string(hide_password=True)} was written by a newer dojo "
                f"(version {version} of its tables, this one knows {VERSION}): upgrade with pip install -U mechinterp-dojo."
            )


def _database_url(url: str | None) -> URL:
    named = url or os.environ.get("DOJO_DATABASE_URL")
    if not named:
        return URL.create("sqlite", database=str(home() / "progress.db"))
    try:
        parsed = make_url(named)
    except exc.ArgumentError:
        raise StoreError(
            "DOJO_DATABASE_URL is not a database address: it looks like postgresql://user:password@host/name "
            "or sqlite:////folder/progress.db."
        ) from None
    if parsed.drivername in {"postgres", "postgresql"}:
        return parsed.set(drivername="postgresql+psycopg")
    if parsed.get_backend_name() not in {"sqlite", "postgresql"}:
        raise StoreError(f"DOJO_DATABASE_URL names {parsed.drivername}: SQLite and PostgreSQL are known.")
    return parsed


def _engine(url: URL, busy_seconds: float) -> Engine:
    if url.get_backend_name() == "sqlite":
        if url.database and url.database != ":memory:":
            Path(url.database).parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        engine = create_engine(url, connect_args={"timeout": busy_seconds})
        event.listen(engine, "connect", _prepare_sqlite)
        return engine
    try:
        return create_engine(url, pool_pre_ping=True)
    except ModuleNotFoundError:
        raise StoreError("PostgreSQL needs its driver: pip install 'mechinterp-dojo[postgres]'.") from None


def _prepare_sqlite(connection: Any, _record: object) -> None:
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _insert(session: Session, table: type[Base], keys: dict, update: dict, **insert: Any) -> None:
    """Inserts a row (`keys` and `insert`, or `update` where `insert` is not given), or updates the one with these keys.

    In one statement, so that two threads, tabs or servers cannot both find the row missing.
    """
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    statement = dialect.insert(table).values(**keys, **(insert or update))
    if update:
        statement = statement.on_conflict_do_update(index_elements=list(keys), set_=update)
    else:
        statement = statement.on_conflict_do_nothing(index_elements=list(keys))
    session.execute(statement)


def _storable(text: str) -> str:
    """PostgreSQL takes no null byte and no database takes half a surrogate pair."""
    return text.replace("\0", "�").encode("utf-8", "replace").decode()
