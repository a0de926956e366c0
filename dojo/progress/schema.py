"""The tables that progress is kept in. Times are seconds since 1970 (UTC), so every database stores them alike."""

from __future__ import annotations

from sqlalchemy import ForeignKey, Index, String, Text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

VERSION = 1


class Base(DeclarativeBase):
    pass


class Meta(Base):
    __tablename__ = "meta"

    key: Mapped[str] = mapped_column(String(40), primary_key=True)
    value: Mapped[str] = mapped_column(String(200))


class LearnerRow(Base):
    """One person. The key is what they are known by: "me" on one's own machine, a random token in a cohort."""

    __tablename__ = "learners"

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(100), unique=True)
    name: Mapped[str] = mapped_column(Text, default="")
    created: Mapped[float]


class DraftRow(Base):
    """What stands in the editor now."""

    __tablename__ = "drafts"

    learner: Mapped[int] = mapped_column(ForeignKey("learners.id"), primary_key=True)
    chapter: Mapped[str] = mapped_column(String(100), primary_key=True)
    exercise: Mapped[str] = mapped_column(String(100), primary_key=True)
    text: Mapped[str] = mapped_column(Text)
    saved: Mapped[float]


class AttemptRow(Base):
    """One check: the code and the whole verdict. Rows are only ever added."""

    __tablename__ = "attempts"

    id: Mapped[int] = mapped_column(primary_key=True)
    learner: Mapped[int] = mapped_column(ForeignKey("learners.id"))
    chapter: Mapped[str] = mapped_column(String(100))
    exercise: Mapped[str] = mapped_column(String(100))
    code: Mapped[str] = mapped_column(Text)
    status: Mapped[str] = mapped_column(String(20))
    score: Mapped[float]
    verdict: Mapped[str] = mapped_column(Text)  # JSON of dojo.grading.verdict.Verdict
    at: Mapped[float]

    __table_args__ = (Index("attempts_of", "learner", "chapter", "exercise"),)


class OpenedRow(Base):
    """How many hints of an exercise were opened, and when its solution first was."""

    __tablename__ = "opened"

    learner: Mapped[int] = mapped_column(ForeignKey("learners.id"), primary_key=True)
    chapter: Mapped[str] = mapped_column(String(100), primary_key=True)
    exercise: Mapped[str] = mapped_column(String(100), primary_key=True)
    hints: Mapped[int] = mapped_column(default=0)
    solution_at: Mapped[float | None] = mapped_column(default=None)


class AnswerRow(Base):
    """The last answer to a predict question, and how many were given."""

    __tablename__ = "answers"

    learner: Mapped[int] = mapped_column(ForeignKey("learners.id"), primary_key=True)
    predict: Mapped[str] = mapped_column(String(200), primary_key=True)
    value: Mapped[str] = mapped_column(Text)
    correct: Mapped[bool]
    tries: Mapped[int] = mapped_column(default=1)
    at: Mapped[float]
