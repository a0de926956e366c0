"""Answers to `{predict}` questions: `feedback` judges one, `predict` is the call that stands in the notebooks."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from dojo.course.load import load_course
from dojo.course.model import CourseError, Predict, did_you_mean

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
# Half a unit in the last place that people type: without it an answer of 0.3 to 0.1 + 0.2 would be wrong.
ROUNDING = 1e-9


def feedback(question: Predict, value: object) -> tuple[bool, str]:
    """Whether an answer is right, and the reply to it.

    A choice is answered by its index (from 0), its letter or its text; a number by a number or a text such as "0.5",
    "0,5" or "1/3". Raises ValueError with a sentence for the learner where the answer is neither.
    """
    if question.kind == "choice":
        option = question.options[_choice(question, value)]
        return option.correct, option.feedback or ("Right." if option.correct else "No; think again.")
    number = _number(value)
    assert question.answer is not None
    if abs(number - question.answer) <= question.tolerance + ROUNDING:
        return True, question.feedback or "Right."
    for wrong in question.wrong:
        if abs(number - wrong.value) <= question.tolerance + ROUNDING:
            return False, wrong.feedback
    return False, question.otherwise or "No; think again."


def _choice(question: Predict, value: object) -> int:
    count = len(question.options)
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < count:
        return value
    if isinstance(value, str):
        text = value.strip()
        if len(text) == 1 and text.upper() in LETTERS[:count]:
            return LETTERS.index(text.upper())
        for index, option in enumerate(question.options):
            if option.text == text:
                return index
    raise ValueError(f"Answer with one of the letters {', '.join(LETTERS[:count])}.")


def _number(value: object) -> float:
    try:
        return float(Fraction(value.strip().replace(",", "."))) if isinstance(value, str) else float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, ZeroDivisionError, OverflowError):
        raise ValueError("Answer with a number, such as 0.5.") from None


@dataclass(frozen=True)
class Reply:
    """What `predict` shows: `correct` is None while there is no answer that can be judged."""

    correct: bool | None
    text: str

    def _repr_markdown_(self) -> str:
        return {True: "✅ ", False: "❌ ", None: "✏️ "}[self.correct] + self.text

    def __repr__(self) -> str:
        return {True: "✓ ", False: "✗ ", None: ""}[self.correct] + self.text


def predict(chapter: str, id: str, answer: object = ...) -> Reply:
    """The reply to your answer to a chapter's question, for notebooks: `predict("chapter", "causal-mask", "B")`.

    Raises CourseError where the chapter has no such question.
    """
    questions = load_course().chapter(chapter).predicts
    if id not in questions:
        raise CourseError(f"chapter '{chapter}' has no question '{id}'{did_you_mean(id, questions)}")
    if answer is ...:
        return Reply(None, "Put your answer in the place of the three dots, then run this cell again.")
    if questions[id].kind == "choice" and isinstance(answer, int):  # the site's index would be taken for "the first"
        letters = ", ".join(LETTERS[: len(questions[id].options)])
        return Reply(None, f"Answer this question with a letter in quotes, not a number: one of {letters}.")
    try:
        return Reply(*feedback(questions[id], answer))
    except ValueError as error:
        return Reply(None, str(error))
