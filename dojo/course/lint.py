"""`dojo lint`: what can be said about a course by reading it. What needs running it is in lint_dynamic.py.

A problem must be mended; a warning is advice on how a chapter teaches (long stretches without anything to do, a hint
that gives the solution away).
"""

from __future__ import annotations

import ast
import importlib.metadata
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from dojo.course import notebooks
from dojo.course.glossary import IMAGE, LINK, links
from dojo.course.model import Chapter, Course, Demo, Exercise, ExerciseBlock, Given, Predict, Prose, did_you_mean
from dojo.course.module import needs_closure
from dojo.course.names import free_names, module_names

MIN_MISTAKES = 5
MIN_HINTS = 3
MAX_WORDS = 150
OPENING_WORDS = 450  # the page before anything else
PLACEHOLDER = "TODO"  # what `dojo new exercise` leaves for the author to fill
FIGURE = re.compile(r"^[`:]{3,}\{figure\}\s+(?P<target>\S+)", re.MULTILINE)
# A line of a solution shorter than this is too common to give anything away.
TELLING = 30


@dataclass(frozen=True)
class Problem:
    """Something to mend, with its place. `path` is relative to the course's root."""

    path: Path
    line: int
    message: str
    warning: bool = False

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {'warning: ' if self.warning else ''}{self.message}"


def lint(course: Course, fresh_notebooks: bool = True) -> list[Problem]:
    """All problems that reading the course shows, in the order of its files."""
    problems = [*_lint_course(course)]
    for chapter in course.chapters:
        linter = ChapterLinter(course, chapter)
        problems += [*linter.text(), *linter.exercises(), *linter.order(), *linter.blocks()]
    if fresh_notebooks:
        for path in notebooks.build(course, check=True):
            message = "this notebook is not what the chapter gives today; run `dojo build` and commit the result"
            problems.append(Problem(path.relative_to(course.root), 1, message))
    return sorted(problems, key=lambda problem: (str(problem.path), problem.line))


def _lint_course(course: Course) -> Iterator[Problem]:
    """Files that no chapter or exercise owns, and links between terms."""
    known = {chapter.id: chapter for chapter in course.chapters}
    for folder in sorted((course.root / "chapters").iterdir()):
        if folder.is_dir() and folder.name not in known and (folder / "chapter.md").exists():
            message = f"the chapter '{folder.name}' is not listed; add it to 'chapters', or take its folder away"
            yield Problem(Path("chapters/course.toml"), 1, message)
    for path in sorted((course.root / "solutions").glob("*.py")):
        if path.stem not in known and path.stem != "__init__":
            message = (
                f"no chapter is called '{path.stem}'{did_you_mean(path.stem, known)}; rename this file or remove it"
            )
            yield Problem(path.relative_to(course.root), 1, message)
    for path in sorted((course.root / "graders").glob("*/test_*.py")):
        chapter, name = known.get(path.parent.name), path.stem.removeprefix("test_")
        if chapter is None or name not in chapter.exercises:
            near = did_you_mean(name, chapter.exercises) if chapter else ""
            message = f"no exercise '{name}' in chapter '{path.parent.name}'{near}; rename this grader or remove it"
            yield Problem(path.relative_to(course.root), 1, message)
    for term in course.glossary.values():
        for linked, offset in links(term.text):
            if linked.lower() not in course.glossary:
                message = f"there is no term '{linked}'{did_you_mean(linked.lower(), course.glossary)}"
                yield Problem(Path("chapters/glossary.md"), term.line + 1 + offset, message)


class ChapterLinter:
    """The checks of one chapter."""

    def __init__(self, course: Course, chapter: Chapter):
        self.course, self.chapter = course, chapter
        self.path = Path("chapters") / chapter.id / "chapter.md"
        self.solutions = Path("solutions") / f"{chapter.id}.py"
        self.header = module_names(chapter.header)

    def problem(self, line: int, message: str, warning: bool = False) -> Problem:
        return Problem(self.path, line, message, warning)

    def text(self) -> Iterator[Problem]:
        """Links, pictures and placeholders, in the file as it stands."""
        text = (self.course.root / self.path).read_text(encoding="utf-8")
        for term, offset in links(text):
            if term.lower() not in self.course.glossary:
                near = did_you_mean(term.lower(), self.course.glossary)
                yield self.problem(
                    offset + 1, f"the glossary has no term '{term}'{near}; add '## {term}' to glossary.md"
                )
        plain = LINK.sub(lambda match: re.sub(r"[^\n]", " ", match[0]), text)
        for match in [*IMAGE.finditer(plain), *FIGURE.finditer(text)]:
            line, target = plain.count("\n", 0, match.start()) + 1, match["target"]
            if match.re is IMAGE and not match["alt"].strip():
                yield self.problem(
                    line, f"the picture {target} has no alternative text; write ![what it shows]({target})"
                )
            if "://" in target:
                yield self.problem(line, f"the picture {target} is on another host; put it in assets/")
            elif not (self.chapter.folder / target).is_file():
                yield self.problem(line, f"there is no file {target} in chapters/{self.chapter.id}")
        yield from placeholders(self.path, text)
        if not self.chapter.summary:
            yield self.problem(1, "the front matter has no 'summary'; say in one line what the chapter is about")

    def exercises(self) -> Iterator[Problem]:
        for exercise in self.chapter.exercises.values():
            yield from self.exercise(exercise)
            yield from lint_grader(self.course, exercise)
        source = (self.course.root / self.solutions).read_text(encoding="utf-8")
        yield from placeholders(self.solutions, source)

    def exercise(self, exercise: Exercise) -> Iterator[Problem]:
        name, line = exercise.name, exercise.line
        if not exercise.prose:
            yield self.problem(line, f"exercise '{name}' has no prose; say why it matters, then what it computes")
        if len(exercise.hints) < MIN_HINTS:
            yield self.problem(
                line,
                f"exercise '{name}' has {_count(len(exercise.hints), 'hint')}; write at least {MIN_HINTS}: a question that "
                "points the way, the key step in words, the one line that most people miss",
            )
        if not exercise.after:
            yield self.problem(line, f"exercise '{name}' has no '{{after}}' to go with its solution", warning=True)
        definition = ast.parse(exercise.solution).body[0]
        if not ast.get_docstring(definition):  # type: ignore[arg-type]
            yield self.problem(line, f"the reference of '{name}' has no docstring; it is the learner's specification")
        stub = {text.strip() for text in exercise.stub.splitlines()}
        answer = {text.strip() for text in exercise.solution.splitlines()} - stub
        for number, hint in enumerate(exercise.hints, 1):
            if given_away := [text for text in answer if len(text) >= TELLING and text in hint]:
                yield self.problem(
                    line, f"hint {number} of '{name}' holds a line of the solution: {given_away[0]}", True
                )

    def order(self) -> Iterator[Problem]:
        """Each reference and given block uses only what the learner has by then."""
        all_names = set(self.chapter.exercises)
        given = set(self.header)
        before: set[str] = set()
        for block in self.chapter.blocks:
            if isinstance(block, Given):
                given |= module_names(block.code)
                for name in sorted(free_names(block.code) - given - before):
                    yield self.problem(
                        block.line, f"this given code uses '{name}', which the learner does not have here"
                    )
            elif isinstance(block, ExerciseBlock):
                exercise = block.exercise
                has = given | {exercise.name, *needs_closure(self.chapter, exercise.name)}
                for name in sorted(free_names(exercise.solution) - has):
                    if name in all_names:
                        message = f"the reference of '{exercise.name}' uses '{name}'; add it to 'needs'"
                    else:
                        message = (
                            f"the reference of '{exercise.name}' uses '{name}', which the learner does not have here: "
                            "import it in the solutions module or give it in a {given} block above"
                        )
                    yield self.problem(block.line, message)
                before.add(exercise.name)

    def blocks(self) -> Iterator[Problem]:
        words, start, limit = 0, 1, OPENING_WORDS
        for block in self.chapter.blocks:
            if isinstance(block, Prose):
                start = start if words else block.line
                words += count_words(block.text)
                continue
            if isinstance(block, ExerciseBlock):
                words += count_words(block.exercise.prose)
            if not isinstance(block, Given):
                if words > limit:
                    message = f"{words} words before something to do (line {block.line}); aim at {limit}"
                    yield self.problem(start, message, warning=True)
                words, start, limit = 0, block.line, MAX_WORDS
            if isinstance(block, Predict):
                yield from self.predict(block)
            elif isinstance(block, Demo):
                yield from self.demo(block)

    def predict(self, question: Predict) -> Iterator[Problem]:
        for option in question.options:
            if not option.correct and not option.feedback:
                yield self.problem(question.line, f"the wrong answer '{option.text}' has no 'feedback' of its own")
        if question.kind == "number" and not question.otherwise:
            message = f"question '{question.id}' has no 'otherwise:', the reply to wrong numbers that are not listed"
            yield self.problem(question.line, message)

    def demo(self, demo: Demo) -> Iterator[Problem]:
        """A demo uses only what is there when it runs, and what ships with the product."""
        try:
            tree = ast.parse(demo.code)
        except SyntaxError as error:
            yield self.problem(demo.line + (error.lineno or 1) - 1, f"this demo is not valid Python: {error.msg}")
            return
        uses = [*([demo.exercise] if demo.exercise else []), *demo.needs]
        ready = {*uses, *(name for use in uses for name in needs_closure(self.chapter, use))}
        given = {
            n for b in self.chapter.blocks if isinstance(b, Given) and b.line < demo.line for n in module_names(b.code)
        }
        for name in sorted(free_names(demo.code) - self.header - given - ready):
            what = "add it to ':needs:'" if name in self.chapter.exercises else "import, give or define it"
            yield self.problem(demo.line, f"this demo uses '{name}', which is not there when it runs; {what}")
        for node in ast.walk(tree):
            for module in _imported(node):
                if module not in sys.stdlib_module_names and module not in _shipped():
                    message = f"this demo imports '{module}', which is not installed with dojo"
                    yield self.problem(demo.line + node.lineno - 1, message)  # type: ignore[attr-defined]
            if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "show" and node.attr not in _show_names():
                message = f"there is no show.{node.attr}{did_you_mean(node.attr, _show_names())}"
                yield self.problem(demo.line + node.lineno - 1, message)


def lint_grader(course: Course, exercise: Exercise) -> Iterator[Problem]:
    """The grader has tests with a sentence each, and known mistakes with a sentence each."""
    path = exercise.grader.relative_to(course.root)
    text = exercise.grader.read_text(encoding="utf-8")
    try:
        tree = ast.parse(text)
    except SyntaxError as error:
        yield Problem(path, error.lineno or 1, f"this is not valid Python: {error.msg}")
        return
    yield from placeholders(path, text)
    tests = [n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef) and n.name.startswith("test_")]
    if not tests:
        yield Problem(path, 1, "this grader has no tests; write functions whose names start with 'test_'")
    for test in tests:
        if not ast.get_docstring(test):
            yield Problem(path, test.lineno, f"'{test.name}' has no docstring; write the sentence that a learner sees")
        for decorator in test.decorator_list:
            if isinstance(decorator, ast.Call) and len(decorator.args) > 1 and _is_iterator(decorator.args[1]):
                message = f"the parameters of '{test.name}' can be gone through only once; write list(...) around them"
                yield Problem(path, decorator.lineno, message)
    seen: dict[str, str] = {}
    definitions = [node for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)]
    mistakes = [(node, call) for node in definitions for call in _mistake_calls(node)]
    for node, call in mistakes:
        sentence = call.args[0].value if call.args and isinstance(call.args[0], ast.Constant) else None
        if not isinstance(sentence, str) or not sentence.strip():
            yield Problem(
                path, call.lineno, f"the mistake '{node.name}' needs its sentence as a string: @mistake('...')"
            )
        elif sentence in seen:
            yield Problem(
                path, call.lineno, f"the mistakes '{seen[sentence]}' and '{node.name}' have the same sentence"
            )
        else:
            seen[sentence] = node.name
    if len(mistakes) < MIN_MISTAKES:
        found = _count(len(mistakes), "known mistake")
        yield Problem(path, 1, f"this grader has {found}; write at least {MIN_MISTAKES} with @mistake('...')")


def placeholders(path: Path, text: str) -> Iterator[Problem]:
    for number, line in enumerate(text.splitlines(), 1):
        if PLACEHOLDER in line:
            yield Problem(path, number, f"a placeholder is still here: {line.strip()[:80]}")


def count_words(markdown: str) -> int:
    """Words of prose: code blocks, formulas, pictures and tables do not count."""
    text = re.sub(r"^(```+|~~~+).*?^\1", " ", markdown, flags=re.DOTALL | re.MULTILINE)
    text = re.sub(r"\$\$.*?\$\$|^\|.*$|!\[.*?\]\(.*?\)", " ", text, flags=re.DOTALL | re.MULTILINE)
    text = re.sub(r"\$[^$\n]+\$|`[^`\n]+`", " x ", text)
    return len(re.findall(r"[^\W_][\w'’-]*", text))


def _mistake_calls(node: ast.FunctionDef | ast.ClassDef) -> list[ast.Call]:
    return [
        d for d in node.decorator_list if isinstance(d, ast.Call) and ast.unparse(d.func).split(".")[-1] == "mistake"
    ]


def _is_iterator(node: ast.expr) -> bool:
    """An iterator among parameters is used up when graders are collected a second time, and the test is skipped then."""
    if isinstance(node, ast.Call):
        return ast.unparse(node.func).split(".")[-1] in ("zip", "map", "filter", "enumerate", "reversed", "product")
    return isinstance(node, ast.GeneratorExp)


def _imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name.split(".")[0] for alias in node.names]
    return [node.module.split(".")[0]] if isinstance(node, ast.ImportFrom) and node.module else []


def _shipped() -> set[str]:
    """The packages that are installed with dojo, without its extras."""
    requirements = [r for r in importlib.metadata.requires("mechinterp-dojo") or [] if "extra ==" not in r]
    return {"dojo"} | {re.split(r"[^\w-]", r)[0].replace("-", "_").lower() for r in requirements}


def _show_names() -> set[str]:
    path = Path(__file__).parent.parent / "show" / "__init__.py"
    return module_names(path.read_text(encoding="utf-8"))


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
