"""Generates exercises.ipynb and solutions.ipynb of each chapter from its three pieces.

The same course gives the same bytes: ids come from names and headings, keys are sorted, a line of source is a line of
the file, and there are no outputs.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from dojo.course.glossary import IMAGE, replace_links
from dojo.course.model import Chapter, Course, Demo, Exercise, ExerciseBlock, Given, Predict, Prose
from dojo.course.predict import LETTERS

KINDS = ("exercises", "solutions")
BRANCH = "main"
# find_spec takes no time where dojo is there; pip leaves a torch that is already installed as it is.
SETUP = """\
import importlib.util

if importlib.util.find_spec("dojo") is None:  # only where it is missing, as in a fresh Colab
    %pip install -q mechinterp-dojo

from dojo import check, predict"""


def build(course: Course, check: bool = False) -> list[Path]:
    """Writes the notebooks of all chapters; returns those that changed (with `check`: that would, writing none)."""
    changed = []
    for chapter in course.chapters:
        for kind in KINDS:
            path = chapter.folder / f"{kind}.ipynb"
            text = notebook_text(course, chapter, kind)
            if not path.exists() or path.read_bytes() != text.encode():
                changed.append(path)
                if not check:
                    path.write_bytes(text.encode())
    return changed


def notebook_text(course: Course, chapter: Chapter, kind: str, folder: Path | None = None) -> str:
    """The JSON text of one notebook; `kind` is "exercises" or "solutions".

    `folder` is where a learner's own copy will stand, so that its pictures are found on this machine; without it, in the
    committed notebooks, pictures come from the repository, since Colab shows no other ones.
    """
    return (
        nbformat.writes(Writer(course, chapter, kind, folder).notebook(), version=nbformat.NO_CONVERT).rstrip("\n")
        + "\n"
    )


class Writer:
    """Makes the cells of one notebook from top to bottom."""

    def __init__(self, course: Course, chapter: Chapter, kind: str, folder: Path | None):
        self.folder, self.github = folder, github_name(course)
        self.course, self.chapter, self.solved = course, chapter, kind == "solutions"
        self.kind = kind
        self.cells: list[nbformat.NotebookNode] = []
        self.ids: set[str] = set()

    def notebook(self) -> nbformat.NotebookNode:
        self.front()
        for block in self.chapter.blocks:
            if isinstance(block, Prose):
                self.prose(block)
            elif isinstance(block, Given):
                self.code("given-" + (block.names[0] if block.names else "code"), "given", block.code)
            elif isinstance(block, ExerciseBlock):
                self.exercise(block.exercise)
            elif isinstance(block, Demo):
                title = f"# {block.title}\n" if block.title else ""
                self.code(block.id, "demo", title + block.code, block.exercise)
            else:
                self.predict(block)
        metadata = {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        }
        notebook = new_notebook(cells=self.cells, metadata=metadata)
        notebook.nbformat_minor = 5
        return notebook

    def markdown(self, id: str, role: str, text: str, exercise: str | None = None) -> None:
        self.cells.append(
            new_markdown_cell(self.picture(self.link(text)), id=self.id(id), metadata=self.metadata(role, exercise))
        )

    def code(self, id: str, role: str, text: str, exercise: str | None = None) -> None:
        self.cells.append(new_code_cell(text, id=self.id(id), metadata=self.metadata(role, exercise)))

    def metadata(self, role: str, exercise: str | None) -> dict:
        return {"dojo": {"role": role, "exercise": exercise} if exercise else {"role": role}}

    def id(self, wanted: str) -> str:
        """A cell id (nbformat: at most 64 of letters, digits, - and _) that no earlier cell has."""
        base = re.sub(r"[^\w-]+", "-", wanted, flags=re.ASCII).strip("-")[:58] or "cell"
        id, count = base, 1
        while id in self.ids:
            count += 1
            id = f"{base}-{count}"
        self.ids.add(id)
        return id

    def link(self, text: str) -> str:
        """`[[term]]` as a link to the glossary."""

        def render(term: str, shown: str) -> str:
            known = self.course.glossary.get(term.lower())
            if known is None:
                return f"*{shown}*"
            return f"[{shown}]({glossary}#{known.anchor})"

        blob = f"https://github.com/{self.github}/blob/{BRANCH}"
        glossary = f"{blob}/chapters/glossary.md" if self.github else "../glossary.md"
        return replace_links(text, render)

    def picture(self, text: str) -> str:
        """Pictures of the chapter, found from where the notebook will be read."""

        def place(match: re.Match[str]) -> str:
            target = match["target"]
            if "://" in target:
                return match[0]
            if self.folder is not None:
                target = Path(os.path.relpath(self.chapter.folder / target, self.folder)).as_posix()
            elif self.github:
                target = f"https://raw.githubusercontent.com/{self.github}/{BRANCH}/chapters/{self.chapter.id}/{target}"
            return match[0].replace(match["target"], target)

        return IMAGE.sub(place, text)

    def front(self) -> None:
        chapter, lines = self.chapter, []
        if self.github:
            target = f"https://colab.research.google.com/github/{self.github}/blob/{BRANCH}/chapters/{chapter.id}/{self.kind}.ipynb"
            lines += [f"[![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)]({target})", ""]
        lines.append(f"# {chapter.title}" + (": solutions" if self.solved else ""))
        if chapter.summary:
            lines += ["", chapter.summary]
        about = f"About {_duration(chapter.minutes)}. "
        if self.solved:
            about += "This notebook holds the reference of every exercise; yours to write are in `exercises.ipynb`."
        else:
            about += "Write each exercise in its cell, then run the `check` cell below it. The references: `solutions.ipynb`."
        self.markdown("title", "prose", "\n".join([*lines, "", about]))
        self.code("setup", "setup", SETUP)
        if chapter.header:
            self.code("imports", "setup", chapter.header)

    def prose(self, block: Prose) -> None:
        heading = re.match(r"#+\s+(.+)", block.text)
        first = "introduction" if self.cells[-1].id in ("setup", "imports") else f"after-{self.cells[-1].id}"
        id = heading[1].lower() if heading else first
        self.markdown(id, "prose", block.text)

    def exercise(self, exercise: Exercise) -> None:
        name = exercise.name
        facts = [
            f"difficulty {_dots(exercise.difficulty)}",
            f"importance {_dots(exercise.importance)}",
            f"about {_duration(exercise.minutes)}",
        ]
        facts += [f"needs {', '.join(f'`{need}`' for need in exercise.needs)}"] if exercise.needs else []
        facts += [exercise.source] if exercise.source else []
        parts = [f"### Exercise: `{name}`", " · ".join(facts), exercise.prose]
        parts += [_details(f"Hint {number}", hint) for number, hint in enumerate(exercise.hints, 1)]
        parts += [_details(f"If you see: {seen}", cause) for seen, cause in exercise.symptoms]
        self.markdown(f"{name}-prose", "prose", "\n\n".join(part for part in parts if part), name)
        if self.solved:
            self.code(f"{name}-solution", "exercise", exercise.solution, name)
        else:
            self.code(f"{name}-stub", "exercise", exercise.stub, name)
        self.code(f"{name}-check", "check", f"check({name})", name)
        if self.solved and exercise.after:
            self.markdown(f"{name}-after", "prose", exercise.after, name)

    def predict(self, question: Predict) -> None:
        text = f"**Predict.** {question.question}"
        if question.kind == "choice":
            listed = [
                f"* **{letter}.** {option.text}" for letter, option in zip(LETTERS, question.options, strict=False)
            ]
            text += "\n\n" + "\n".join(listed)
            right = next(letter for letter, option in zip(LETTERS, question.options, strict=False) if option.correct)
            shown, how = f'"{right}"', f'"A" to "{LETTERS[len(question.options) - 1]}"'
        else:
            shown, how = repr(question.answer), "a number"
        answer = shown if self.solved else f"...  # {how}"
        call = f'predict("{self.chapter.id}", "{question.id}", '
        self.markdown(f"predict-{question.id}", "predict", text)
        code = f"{call}{answer})" if self.solved else f"answer = {answer}\n{call}answer)"
        self.code(f"predict-{question.id}-answer", "predict", code)


def github_name(course: Course) -> str | None:
    """`owner/name` of the course's repository where it is on GitHub."""
    match = re.fullmatch(
        r"(?:https?://github\.com/|git@github\.com:)?([\w.-]+/[\w.-]+?)(?:\.git)?/?", course.repository
    )
    return match[1] if match else None


def _details(summary: str, text: str) -> str:
    return f"<details>\n<summary>{_inline_html(summary)}</summary>\n\n{text}\n\n</details>"


def _inline_html(text: str) -> str:
    """A one-line text for <summary>, inside which markdown is not rendered."""
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escaped)


def _dots(number: int) -> str:
    return "●" * number + "○" * (5 - number)


def _duration(minutes: int) -> str:
    hours, rest = divmod(minutes, 60)
    parts = [f"{hours} hour{'s' * (hours > 1)}"] * (hours > 0) + [f"{rest} minute{'s' * (rest > 1)}"] * (rest > 0)
    return " ".join(parts)
