"""Reads one chapter.md (MyST directives over CommonMark) into blocks.

1. markdown-it-py finds the directives, headings and `---` lines at the left margin; all between them is prose, kept as
   the author wrote it.
2. Each directive is read by its own function below; options are YAML in `:::` directives, `:key: value` lines in code.
3. Prose, hints, symptoms and `after` go to the exercise that is open; a heading, a `---` or another directive closes it.
4. Stubs, solutions and given code are cut from the solutions module; then the names that blocks mention are checked.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token
from mdit_py_plugins.colon_fence import colon_fence_plugin
from mdit_py_plugins.dollarmath import dollarmath_plugin
from mdit_py_plugins.front_matter import front_matter_plugin

from dojo.course.cut import Source
from dojo.course.fields import Fields, split_names
from dojo.course.model import (
    Block,
    Chapter,
    CourseError,
    Demo,
    Exercise,
    ExerciseBlock,
    Given,
    Limits,
    Option,
    Predict,
    Prose,
    WrongNumber,
    did_you_mean,
)

EXERCISE_OPTIONS = ("difficulty", "importance", "minutes", "needs", "source", "seconds", "memory_mb")
PREDICT_OPTIONS = ("question", "options", "answer", "tolerance", "feedback", "wrong", "otherwise")
CODE_OPTION = re.compile(r"^:([\w-]+):\s*(.*?)\s*$")
NAME = re.compile(r"^[A-Za-z_]\w*$")
ID = re.compile(r"^[A-Za-z0-9][\w-]*$")


@dataclass
class Directive:
    """One directive: `:::{name} argument`, its body, and the lines where it and its body start (from 1)."""

    name: str
    argument: str
    body: str
    line: int

    @property
    def body_line(self) -> int:
        return self.line + 1


@dataclass
class Draft:
    """An exercise while its pieces are being collected."""

    name: str
    fields: Fields
    line: int
    prose: list[str] = field(default_factory=list)
    hints: list[str] = field(default_factory=list)
    symptoms: list[tuple[str, str]] = field(default_factory=list)
    after: str = ""


def read_chapter(root: Path, id: str) -> Chapter:
    """The chapter in `chapters/<id>`; raises CourseError at the first thing that is wrong."""
    path = Path("chapters") / id / "chapter.md"
    try:
        text = (root / path).read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise CourseError("this file is missing; write it, or take the chapter out of course.toml", path) from None
    except UnicodeDecodeError as error:
        raise CourseError(f"this file is not UTF-8 text ({error.reason}); save it as UTF-8", path) from None
    return Reader(root, id, path, text).chapter()


class Reader:
    """Goes through one chapter.md from top to bottom."""

    def __init__(self, root: Path, id: str, path: Path, text: str):
        self.root, self.id, self.path = root, id, path
        self.lines = text.split("\n")  # as markdown-it counts them: splitlines() would also split at other characters
        markdown = MarkdownIt("commonmark").enable("table")
        markdown.use(front_matter_plugin).use(colon_fence_plugin).use(dollarmath_plugin)
        markdown.disable("inline")  # only blocks are looked at here
        self.tokens = markdown.parse(text)
        self.blocks: list[Block | Draft] = []
        self.open: Draft | None = None
        self.demo_counts: dict[str, int] = {}
        self.source: Source | None = None

    def chapter(self) -> Chapter:
        front = self.front_matter()
        self.collect()
        blocks = [self.finish(block) if isinstance(block, Draft) else block for block in self.blocks]
        blocks = self.attach_demos(blocks)
        self.check_names(blocks)
        return Chapter(
            id=self.id,
            title=front.text("title"),
            summary=front.text("summary", ""),
            minutes=front.whole("minutes"),
            folder=self.root / "chapters" / self.id,
            blocks=tuple(blocks),
            solutions=self.root / self.solutions_place(),
            graders=self.root / "graders" / self.id,
            header=self.solutions().header if (self.root / self.solutions_place()).exists() else "",
        )

    def error(self, message: str, line: int) -> CourseError:
        return CourseError(message, self.path, line)

    def solutions_place(self) -> Path:
        return Path("solutions") / f"{self.id}.py"

    def solutions(self) -> Source:
        if self.source is None:
            place = self.solutions_place()
            try:
                self.source = Source((self.root / place).read_text(encoding="utf-8"), place)
            except FileNotFoundError:
                raise CourseError("this file is missing; write the references of the chapter in it", place) from None
        return self.source

    # Step 1: directives, headings and rules; the rest is prose.

    def front_matter(self) -> Fields:
        first = self.tokens[0] if self.tokens else None
        if first is None or first.type != "front_matter":
            raise self.error(
                "the front matter is missing; start the file with a line '---', then title:, summary: and minutes:, "
                "then '---'",
                1,
            )
        return Fields(first.content, self.path, 2, "the front matter", ("title", "summary", "minutes"))

    def collect(self) -> None:
        prose_from = 0
        for token in self.tokens:
            if token.map is None:
                continue
            start, stop = token.map
            if token.type in ("fence", "colon_fence"):
                directive = self.directive(token)
                if directive is None:
                    continue
                self.prose(prose_from, start)
                READERS[directive.name](self, directive)
                prose_from = stop
            elif token.level:
                continue
            elif token.type == "front_matter":
                prose_from = stop
            elif token.type == "hr" or (token.type == "html_block" and _is_comment(token.content)):
                self.prose(prose_from, start)
                self.open = None if token.type == "hr" else self.open
                prose_from = stop
            elif token.type == "heading_open":
                if token.markup in ("-", "="):
                    raise self.error(
                        f"a line of '{token.markup}' right below text makes that text a heading; leave an empty line "
                        "before it, or write the heading as '## Title'",
                        stop,
                    )
                self.prose(prose_from, start)
                self.open = None
                prose_from = start
        self.prose(prose_from, len(self.lines))

    def prose(self, start: int, stop: int) -> None:
        while start < stop and not self.lines[start].strip():
            start += 1
        text = "\n".join(self.lines[start:stop]).rstrip()
        if text:
            self.add_prose(text, start + 1)

    def add_prose(self, text: str, line: int) -> None:
        last = self.blocks[-1] if self.blocks else None
        if self.open is not None:
            self.open.prose.append(text)
        elif isinstance(last, Prose) and not text.startswith("#"):  # what a comment or a figure had cut in two
            self.blocks[-1] = Prose(f"{last.text}\n\n{text}", last.line)
        else:
            self.blocks.append(Prose(text, line))

    def directive(self, token: Token) -> Directive | None:
        """The directive that a fence is, or None for a plain code block; complains where it is not closed."""
        assert token.map is not None
        line, info = token.map[0] + 1, token.info.strip()
        colons = token.type == "colon_fence"
        if not colons and not info.startswith("{"):
            self.check_closed(token, "this code block")
            return None
        if colons and not info:
            raise self.error("this ':::' closes nothing; take it out, or open a directive with ':::{name}'", line)
        match = re.match(r"^\{([\w-]+)\}\s*(.*)$", info)
        if match is None:
            raise self.error(f"'{info}' is not a directive; write ':::{{name}} argument'", line)
        name, argument = match.groups()
        if name not in READERS:
            raise self.error(
                f"there is no directive '{{{name}}}'{did_you_mean(name, READERS)}; there are: {', '.join(READERS)}",
                line,
            )
        self.check_closed(token, f"'{{{name}}}'")
        if token.level:
            raise self.error(f"'{{{name}}}' stands inside a list or a quotation; move it to the left margin", line)
        return Directive(name, argument.strip(), token.content.rstrip("\n"), line)

    def check_closed(self, token: Token, what: str) -> None:
        assert token.map is not None
        start, stop = token.map
        mark = token.markup
        for number in range(start + 1, stop):
            if re.match(rf"^\s*{re.escape(mark)}+\s*\{{", self.lines[number]):
                raise self.error(
                    f"{what} is not closed: line {number + 1} opens another one inside it; "
                    f"put a line '{mark}' where it ends",
                    start + 1,
                )
        last = self.lines[stop - 1].strip(" >")
        if stop - start < 2 or len(last) < len(mark) or set(last) != {mark[0]}:
            raise self.error(f"{what} is not closed; put a line '{mark}' where it ends", start + 1)

    # Step 2: one method a directive.

    def exercise(self, d: Directive) -> None:
        if not NAME.match(d.argument):
            raise self.error(
                f"'{d.argument}' is not a Python name; write ':::{{exercise}} name_of_the_function'", d.line
            )
        for block in self.blocks:
            if isinstance(block, Draft) and block.name == d.argument:
                raise self.error(f"exercise '{d.argument}' is already on line {block.line}; rename one of them", d.line)
        fields = Fields(d.body, self.path, d.body_line, f"exercise '{d.argument}'", EXERCISE_OPTIONS)
        self.open = Draft(d.argument, fields, d.line)
        self.blocks.append(self.open)

    def part_of_exercise(self, d: Directive) -> Draft:
        if self.open is None:
            raise self.error(
                f"'{{{d.name}}}' belongs to an exercise, but none is open here (a heading, a '---' line or another "
                f"directive ends an exercise); move it up to its exercise",
                d.line,
            )
        if not d.body.strip():
            raise self.error(f"'{{{d.name}}}' is empty; write its text on the lines below it", d.line)
        return self.open

    def hint(self, d: Directive) -> None:
        self.part_of_exercise(d).hints.append(d.body.strip())

    def symptom(self, d: Directive) -> None:
        draft = self.part_of_exercise(d)
        if not d.argument:
            raise self.error("say what the learner sees: ':::{symptom} Every row is uniform'", d.line)
        draft.symptoms.append((d.argument, d.body.strip()))

    def after(self, d: Directive) -> None:
        draft = self.part_of_exercise(d)
        if draft.after:
            raise self.error(f"exercise '{draft.name}' has an '{{after}}' already; join the two", d.line)
        draft.after = d.body.strip()

    def given(self, d: Directive) -> None:
        names = split_names(d.argument)
        if bool(names) == bool(d.body.strip()):
            raise self.error(
                "'{given}' takes either names of the solutions module (```{given} Config, HookPoint) or code of its "
                "own in the body",
                d.line,
            )
        for name in names:
            if name not in self.solutions().statements:
                near = did_you_mean(name, self.solutions().statements)
                raise self.error(f"'{name}' is not in {self.solutions_place()}{near}; define it there", d.line)
        code = "\n\n\n".join(self.solutions().given(name) for name in names) if names else d.body.strip("\n")
        self.close_with(Given(code, d.line, tuple(names)), d)

    def demo(self, d: Directive) -> None:
        options, code, code_line = self.code_options(d, ("title", "seconds", "needs"))
        if not code.strip():
            raise self.error("'{demo}' has no code; write it in the body", d.line)
        exercise = d.argument or None
        count = self.demo_counts[exercise or ""] = self.demo_counts.get(exercise or "", 0) + 1
        id = f"{exercise}-demo" if exercise else "demo"
        demo = Demo(
            code=code,
            exercise=exercise,
            seconds=self.seconds(options.get("seconds", "30"), d.line),
            id=id if count == 1 and exercise else f"{id}-{count}",
            title=options.get("title", ""),
            line=code_line,
            needs=tuple(split_names(options.get("needs", ""))),
        )
        self.close_with(demo, d)

    def seconds(self, text: str, line: int) -> float:
        try:
            return float(text)
        except ValueError:
            raise self.error(f"':seconds:' must be a number, not '{text}'", line) from None

    def figure(self, d: Directive) -> None:
        """A MyST figure becomes a standard markdown image, with its caption in italics below."""
        options, caption, _ = self.code_options(d, ("alt",))
        if not d.argument:
            raise self.error("say which picture: ```{figure} assets/name.svg", d.line)
        if not options.get("alt"):
            raise self.error("'{figure}' has no ':alt:'; say there what the picture shows", d.line)
        image = f"![{options['alt']}]({d.argument})"
        self.add_prose(f"{image}\n\n*{caption.strip()}*" if caption.strip() else image, d.line)

    def predict(self, d: Directive) -> None:
        if not ID.match(d.argument):
            raise self.error(f"'{d.argument}' cannot name a question; write ':::{{predict}} causal-mask'", d.line)
        if any(isinstance(block, Predict) and block.id == d.argument for block in self.blocks):
            raise self.error(f"there is a question '{d.argument}' already; rename one of them", d.line)
        fields = Fields(d.body, self.path, d.body_line, f"question '{d.argument}'", PREDICT_OPTIONS)
        question = fields.text("question")
        if ("options" in fields.values) == ("answer" in fields.values):
            raise fields.error(f"question '{d.argument}' needs either 'options:' (a choice) or 'answer:' (a number)")
        read = self.choice if "options" in fields.values else self.numeric
        self.close_with(read(d, question, fields), d)

    def choice(self, d: Directive, question: str, fields: Fields) -> Predict:
        rows = fields.rows("options", ("text", "correct", "feedback"))
        for key in ("answer", "tolerance", "wrong", "otherwise", "feedback"):
            if key in fields.values:
                raise fields.error(f"'{key}' is for questions with a number; put feedback with each option", key)
        options = []
        for row in rows:
            if not row.get("text", "").strip():
                raise fields.error(f"an option of question '{d.argument}' has no 'text'", "options")
            if row.get("correct", "false").lower() not in ("true", "false"):
                raise fields.error(f"'correct' must be true or false, not '{row['correct']}'", "options")
            correct = row.get("correct", "false").lower() == "true"
            options.append(Option(row["text"].strip(), correct, row.get("feedback", "").strip()))
        if not any(option.correct for option in options):
            raise fields.error(
                f"question '{d.argument}' has no right answer; give one option 'correct: true'", "options"
            )
        if all(option.correct for option in options):
            raise fields.error(f"question '{d.argument}' has no wrong answer; add one", "options")
        return Predict(d.argument, question, "choice", d.line, options=tuple(options))

    def numeric(self, d: Directive, question: str, fields: Fields) -> Predict:
        wrong = []
        for row in fields.rows("wrong", ("value", "feedback")):
            try:
                wrong.append(WrongNumber(float(row["value"]), row["feedback"].strip()))
            except (KeyError, ValueError):
                raise fields.error(
                    "each entry of 'wrong' needs a number 'value' and a text 'feedback'", "wrong"
                ) from None
        return Predict(
            d.argument,
            question,
            "number",
            d.line,
            answer=fields.number("answer"),
            tolerance=fields.number("tolerance", 0.0),
            feedback=fields.text("feedback", ""),
            wrong=tuple(wrong),
            otherwise=fields.text("otherwise", ""),
        )

    def close_with(self, block: Block, d: Directive) -> None:
        self.open = None
        self.blocks.append(block)

    def code_options(self, d: Directive, allowed: tuple[str, ...]) -> tuple[dict[str, str], str, int]:
        """The `:key: value` lines at the top of a body, the rest of the body, and the line where the rest starts."""
        options: dict[str, str] = {}
        lines = d.body.splitlines()
        taken = 0
        for line in lines:
            match = CODE_OPTION.match(line)
            if match is None:
                break
            key, value = match.groups()
            if key not in allowed:
                raise self.error(
                    f"'{{{d.name}}}' has no option ':{key}:'{did_you_mean(key, allowed)}; its options are: "
                    f"{', '.join(allowed)}",
                    d.body_line + taken,
                )
            options[key] = value
            taken += 1
        while taken < len(lines) and not lines[taken].strip():
            taken += 1
        return options, "\n".join(lines[taken:]), d.body_line + taken

    # Steps 3 and 4: exercises are finished with the code cut from the solutions, and the names are checked.

    def finish(self, draft: Draft) -> ExerciseBlock:
        name, fields = draft.name, draft.fields
        source = self.solutions()
        if source.definition(name) is None:
            near = did_you_mean(name, source.statements)
            raise self.error(f"exercise '{name}' has no reference in {source.place}{near}; write it there", draft.line)
        grader = Path("graders") / self.id / f"test_{name}.py"
        if not (self.root / grader).is_file():
            raise self.error(f"exercise '{name}' has no grader; write {grader}", draft.line)
        exercise = Exercise(
            name=name,
            chapter=self.id,
            difficulty=fields.whole("difficulty", high=5),
            importance=fields.whole("importance", high=5),
            minutes=fields.whole("minutes"),
            needs=fields.names("needs"),
            source=fields.text("source", ""),
            prose="\n\n".join(draft.prose),
            hints=tuple(draft.hints),
            symptoms=tuple(draft.symptoms),
            after=draft.after,
            stub=source.stub(name),
            solution=source.solution(name),
            signature=source.signature(name),
            grader=self.root / grader,
            line=draft.line,
            limits=Limits(fields.number("seconds", Limits.seconds), fields.whole("memory_mb", Limits.memory_mb)),
        )
        return ExerciseBlock(exercise, draft.line)

    def attach_demos(self, blocks: list[Block]) -> list[Block]:
        """Each exercise gets the first demo that names it."""
        first: dict[str, Demo] = {}
        for block in blocks:
            if isinstance(block, Demo) and block.exercise:
                first.setdefault(block.exercise, block)
        return [
            ExerciseBlock(replace(block.exercise, demo=first.get(block.exercise.name)), block.line)
            if isinstance(block, ExerciseBlock)
            else block
            for block in blocks
        ]

    def check_names(self, blocks: list[Block]) -> None:
        """`needs` and demos name exercises of this chapter; an exercise needs only earlier ones, so no cycle is left."""
        lines = {block.exercise.name: block.line for block in blocks if isinstance(block, ExerciseBlock)}
        seen: list[str] = []
        for block in blocks:
            if isinstance(block, ExerciseBlock):
                name, line = block.exercise.name, block.line
                for need in block.exercise.needs:
                    self.check_exercise(need, lines, line, f"exercise '{name}' needs '{need}'")
                    if need == name:
                        raise self.error(f"exercise '{name}' needs itself; take it out of 'needs'", line)
                    if need not in seen:
                        raise self.error(
                            f"exercise '{name}' needs '{need}', which comes later (line {lines[need]}); "
                            "move one of them, or take it out of 'needs'",
                            line,
                        )
                seen.append(name)
            elif isinstance(block, Demo):
                for need in ([block.exercise] if block.exercise else []) + list(block.needs):
                    self.check_exercise(need, lines, block.line, f"this demo names '{need}'")
                    if need not in seen:
                        raise self.error(f"this demo uses '{need}', which comes later; move it below", block.line)

    def check_exercise(self, name: str, known: dict[str, int], line: int, what: str) -> None:
        if name not in known:
            raise self.error(f"{what}, but the chapter has no such exercise{did_you_mean(name, known)}", line)


READERS: dict[str, Callable[[Reader, Directive], None]] = {
    "exercise": Reader.exercise,
    "hint": Reader.hint,
    "symptom": Reader.symptom,
    "after": Reader.after,
    "given": Reader.given,
    "demo": Reader.demo,
    "predict": Reader.predict,
    "figure": Reader.figure,
}


def _is_comment(html: str) -> bool:
    return re.fullmatch(r"\s*(<!--.*?-->\s*)+", html, re.DOTALL) is not None
