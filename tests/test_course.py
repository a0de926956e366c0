"""Course content: what is read from the three pieces, and what is said where they are broken."""

import shutil
from pathlib import Path

import pytest

from dojo.course import (
    CourseError,
    Demo,
    ExerciseBlock,
    Given,
    Predict,
    Prose,
    feedback,
    find_root,
    links,
    load_course,
    module_parts,
    module_source,
    needs_closure,
    replace_links,
    starter_file,
)
from dojo.course.predict import predict

EXAMPLE = Path(__file__).parent / "course_example"
ROOTS = [EXAMPLE, Path(__file__).parent.parent]


@pytest.fixture(scope="module")
def course():
    return load_course(EXAMPLE)


@pytest.fixture
def copy(tmp_path):
    """A copy of the example course that a test may break."""
    root = tmp_path / "course"
    shutil.copytree(EXAMPLE, root)
    return root


class Broken:
    """Loads the example course after some text in one of its files was replaced."""

    def __init__(self, root):
        self.root = root
        self.path = root / "chapters/small_steps/chapter.md"

    def __call__(self, old, new, path=None):
        file = self.root / path if path else self.path
        text = file.read_text()
        assert old in text, old
        file.write_text(text.replace(old, new, 1))
        with pytest.raises(CourseError) as caught:
            load_course(self.root)
        return str(caught.value)

    def line(self, text):
        return 1 + next(number for number, line in enumerate(self.path.read_text().splitlines()) if text in line)


@pytest.fixture
def broken(copy):
    return Broken(copy)


# What is read


def test_course_and_chapter(course):
    assert course.title == "A small course"
    chapter = course.chapter("small_steps")
    assert (chapter.title, chapter.minutes) == ("Small steps", 20)
    assert chapter.folder == EXAMPLE / "chapters/small_steps"
    assert chapter.header == "import math\nfrom dataclasses import dataclass"
    assert list(chapter.exercises) == ["mean", "Total", "centred"]
    assert course.find("Total") == (chapter, chapter.exercises["Total"])


def test_blocks_stand_in_order(course):
    kinds = [type(block).__name__ for block in course.chapters[0].blocks]
    expected = "Prose Given Prose ExerciseBlock Demo Predict Prose ExerciseBlock ExerciseBlock Prose Demo Predict Given"
    assert kinds == expected.split()
    lines = [block.line for block in course.chapters[0].blocks]
    assert lines == sorted(lines)


def test_exercise(course):
    exercise = course.find("mean")[1]
    assert (exercise.difficulty, exercise.importance, exercise.minutes) == (1, 5, 3)
    assert exercise.source == "Euclid, Elements"
    assert exercise.prose.startswith("The mean of $n$ values") and exercise.prose.endswith(
        "[[residual stream|stream]]."
    )
    assert len(exercise.hints) == 3
    assert exercise.symptoms == (("The result is the total", "You have not divided by the number of values."),)
    assert exercise.after.startswith("`statistics.mean`")
    assert exercise.signature == "def mean(values: list[float]) -> float:"
    assert "fsum" in exercise.solution and "fsum" not in exercise.stub
    assert exercise.grader == EXAMPLE / "graders/small_steps/test_mean.py"
    assert exercise.limits.seconds == 10 and course.find("Total")[1].limits.seconds == 5
    assert exercise.demo is not None and exercise.demo.seconds == 5 and exercise.demo.title == "A mean at work"


def test_a_rule_ends_an_exercise(course):
    assert "a picture that needs both" not in course.find("centred")[1].prose
    assert any(isinstance(b, Prose) and b.text.startswith("Below, a picture") for b in course.chapters[0].blocks)


def test_demos_have_stable_ids_and_point_at_their_code(course):
    demos = course.chapters[0].demos
    assert list(demos) == ["mean-demo", "demo-1"]
    text = (EXAMPLE / "chapters/small_steps/chapter.md").read_text().splitlines()
    for demo in demos.values():
        assert text[demo.line - 1] == demo.code.splitlines()[0]
    assert demos["demo-1"].needs == ("mean", "centred")


def test_figure_becomes_an_image(course):
    text = next(b.text for b in course.chapters[0].blocks if isinstance(b, Prose) and "svg" in b.text)
    assert "![A straight line.](assets/line.svg)\n\n*A line.*" in text


def test_find_root(monkeypatch, tmp_path):
    monkeypatch.setenv("DOJO_COURSE", str(EXAMPLE))
    assert find_root() == EXAMPLE
    assert find_root(ROOTS[1]) == ROOTS[1]
    monkeypatch.setenv("DOJO_COURSE", str(tmp_path))
    with pytest.raises(CourseError, match=r"from DOJO_COURSE.*is no course"):
        find_root()


# The learner's module


def test_module_has_what_is_needed_and_nothing_else(course):
    parts = [
        name for name, _ in module_parts(course, "small_steps", {"centred": "def centred(v): return v"}, "centred")
    ]
    assert parts == ["header", "given", "mean", "centred"]
    text = module_source(
        course, "small_steps", {"mean": "def mean(v):\n    return 1.0\n", "Total": "broken("}, "centred"
    )
    names = {}
    exec(text, names)
    assert names["Scale"]().factor == 1.0 and names["mean"]([]) == 1.0
    with pytest.raises(NotImplementedError):
        names["centred"]([1.0])
    assert text.rstrip().endswith(course.find("centred")[1].stub)


def test_a_given_that_cannot_be_run_is_left_out(copy):
    """`describe` names the class Total in an annotation: without Total it would be a NameError."""
    path = copy / "chapters/small_steps/chapter.md"
    path.write_text(
        path.read_text().replace(":::{exercise} centred", "```{given} describe\n```\n\n:::{exercise} centred")
    )
    course = load_course(copy)
    exec(module_source(course, "small_steps", {}, "centred"), names := {})
    assert "describe" not in names
    path.write_text(path.read_text().replace("needs: [mean]", "needs: [mean, Total]"))
    exec(module_source(load_course(copy), "small_steps", {}, "centred"), names := {})
    assert "describe" in names


def test_needs_are_closed(copy):
    path = copy / "chapters/small_steps/chapter.md"
    text = (
        path.read_text().replace("minutes: 5\n", "minutes: 5\nneeds: mean\n").replace("needs: [mean]", "needs: [Total]")
    )
    path.write_text(text)
    assert needs_closure(load_course(copy).chapters[0], "centred") == ["mean", "Total"]


@pytest.mark.parametrize("root", ROOTS)
def test_every_stub_runs_and_is_unwritten(root):
    """Of every exercise of every course here: the stub compiles and says that it is not written."""
    course = load_course(root)
    for chapter in course.chapters:
        compile(starter_file(chapter), "starter.py", "exec")
        compile(chapter.givens, "givens.py", "exec")
        for exercise in chapter.exercises.values():
            compile(exercise.stub, exercise.name, "exec")
            compile(exercise.solution, exercise.name, "exec")
            assert "raise NotImplementedError" in exercise.stub
            assert "SOLUTION" not in exercise.stub + exercise.solution
            assert exercise.stub.splitlines()[0] == exercise.solution.splitlines()[0]
            compile(module_source(course, chapter.id, {}, exercise.name), "module.py", "exec")


def test_starter_file_runs(course):
    exec(starter_file(course.chapters[0]), names := {})
    with pytest.raises(NotImplementedError):
        names["mean"]([1.0])


# The glossary


def test_glossary(course):
    assert list(course.glossary) == ["mean", "residual stream"]
    term = course.glossary["residual stream"]
    assert term.name == "Residual stream" and term.anchor == "residual-stream" and "$x_{l+1}" in term.text


def test_links_are_not_found_in_code_or_maths():
    text = "[[mean]] and `[[1, 2]]`, $[[x]]$\n```python\n[[code]]\n```\n[[Residual stream|streams]] [[1, 2]]"
    assert list(links(text)) == [("mean", 0), ("Residual stream", 4)]
    shown = replace_links(text, lambda term, shown: f"<{term}:{shown}>")
    assert shown.startswith("<mean:mean> and `[[1, 2]]`") and "<Residual stream:streams> [[1, 2]]" in shown
    assert "[[code]]" in shown


def test_a_dollar_price_does_not_hide_links():
    assert [term for term, _ in links("costs 5 $ today\n[[mean]] tomorrow")] == ["mean"]


# Questions


@pytest.mark.parametrize("value", [27.25, "27.25", "27,25", "109/4", 27.2549])
def test_right_numbers(course, value):
    assert feedback(course.chapters[0].predicts["outlier"], value) == (True, "Right: $109 / 4$.")


def test_wrong_numbers_get_their_own_reply(course):
    question = course.chapters[0].predicts["outlier"]
    assert feedback(question, 36.335) == (False, "You divided by three, but there are four values now.")
    assert feedback(question, -1)[1].startswith("Add all four")
    for nonsense in ("", "many", "1/0", None, [1], "nan1"):
        with pytest.raises(ValueError, match="Answer with a number"):
            feedback(question, nonsense)
    assert feedback(question, float("nan"))[0] is False


@pytest.mark.parametrize("value", [0, "A", "a", " A ", "Zero"])
def test_choices(course, value):
    assert feedback(course.chapters[0].predicts["sum-of-centred"], value) == (True, "Always, up to rounding.")


def test_other_choices(course):
    question = course.chapters[0].predicts["sum-of-centred"]
    assert feedback(question, "B")[0] is False
    for nonsense in ("C", 2, -1, True, None, ""):
        with pytest.raises(ValueError, match="one of the letters A, B"):
            feedback(question, nonsense)


def test_predict_in_a_notebook(monkeypatch):
    monkeypatch.setenv("DOJO_COURSE", str(EXAMPLE))
    assert predict("small_steps", "outlier").correct is None
    assert predict("small_steps", "outlier", 27.25)._repr_markdown_().startswith("✅")
    assert repr(predict("small_steps", "outlier", 1)).startswith("✗ Add all four")
    assert "a number" in predict("small_steps", "outlier", "x").text
    with pytest.raises(CourseError, match="did you mean 'outlier'"):
        predict("small_steps", "outliar", 1)


# What is said where a file is broken: file, line, what is wrong, what to do

CASES = [
    # old text, new text, text on the line that the message must name, words of the message
    (":::{hint}\nHow", ":::{hnt}\nHow", ":::{hnt}", "no directive '{hnt}' (did you mean 'hint'?)"),
    ("difficulty: 1\n", "dificulty: 1\n", "dificulty", "no option 'dificulty' (did you mean 'difficulty'?)"),
    ("difficulty: 1\n", "difficulty: easy\n", "difficulty: easy", "whole number from 1 to 5, not 'easy'"),
    ("difficulty: 1\n", "difficulty: 6\n", "difficulty: 6", "whole number from 1 to 5"),
    ("difficulty: 1\n", "difficulty: 1\ndifficulty: 2\n", "difficulty: 2", "'difficulty' is set twice"),
    ("difficulty: 1\n", "", "importance: 5", "needs 'difficulty: ...'"),
    ("source: Euclid, Elements", "source: Euclid: Elements", "source: Euclid:", "put quotes around"),
    ("source: Euclid, Elements", "source: [Euclid", "source: [Euclid", "YAML of exercise 'mean' is broken"),
    ("text: Zero", 'text: "$\\alpha$"', 'text: "$', "use single quotes around LaTeX"),
    ("text: Zero", 'text: "$\\mu$"', 'text: "$', "use single quotes around LaTeX"),
    ("needs: [mean]", "needs: [meen]", ":::{exercise} centred", "no such exercise (did you mean 'mean'?)"),
    ("needs: []", "needs: [centred]", ":::{exercise} mean", "'centred', which comes later"),
    ("needs: [mean]", "needs: [centred]", ":::{exercise} centred", "needs itself"),
    ("needs: [mean]", "needs: {a: b}", "needs: {a", "must be a list of names"),
    ("{exercise} Total", "{exercise} mean", "{exercise} mean", "already on line 15"),
    (
        "{exercise} Total",
        "{exercise} Totl",
        "{exercise} Totl",
        "no reference in solutions/small_steps.py (did you mean",
    ),
    ("{exercise} Total", "{exercise} my total", "{exercise} my total", "not a Python name"),
    ("{given} Scale", "{given} Scales", "{given} Scales", "'Scales' is not in solutions/small_steps.py (did you mean"),
    ("{given} Scale", "{given}", "{given}", "either names of the solutions module"),
    ("    correct: true\n", "", "options:", "no right answer"),
    ("    correct: true\n", "    correct: ture\n", "options:", "true or false, not 'ture'"),
    ("  - text: Their mean", "  - txt: Their mean", "options:", "no key 'txt' (did you mean 'text'?)"),
    ("answer: 27.25", "answer: about 27", "answer: about", "must be a number, not 'about 27'"),
    ("answer: 27.25\n", "", "question: Add", "either 'options:'"),
    ("  - value: 36.33", "  - value: third", "wrong:", "a number 'value'"),
    ("{predict} outlier", "{predict} sum-of-centred", "{predict} sum", "there is a question 'sum-of-centred' already"),
    ("{demo} mean", "{demo} meen", "mean([1.0", "did you mean 'mean'?"),
    (":alt: A straight line.\n", "", "{figure} assets", "has no ':alt:'"),
    (":seconds: 5", ":second: 5", ":second: 5", "no option ':second:' (did you mean 'seconds'?)"),
    (":seconds: 5", ":seconds: soon", "{demo} mean", "must be a number, not 'soon'"),
    ("mean([1.0, 2.0, 6.0])\n", "", "{demo} mean", "has no code"),
    ("## Averages\n", "## Averages\n\n:::{hint}\nx\n:::\n", ":::{hint}", "none is open here"),
    (":::{symptom} The result is the total", ":::{symptom}", ":::{symptom}", "say what the learner sees"),
    ("How many values are there?\n", "\n", ":::{hint}", "'{hint}' is empty"),
    (":::{hint}\nAdd", ":::hint\nAdd", ":::hint", "is not a directive"),
    (":::\n:::{hint}\nAdd", ":::{hint}\nAdd", ":::{hint}", "is not closed: line 32 opens another one"),
    ("Below, a", ":::\n\nBelow, a", ":::", "this ':::' closes nothing"),
    ("---\n\nBelow", "words\n---\n\nBelow", "---", "makes that text a heading"),
    ("title: Small steps\n", "", "summary:", "the front matter needs 'title: ...'"),
    ("minutes: 20", "minutes: long", "minutes: long", "must be a whole number"),
]


@pytest.mark.parametrize(("old", "new", "at", "words"), CASES)
def test_a_broken_chapter_is_named(broken, old, new, at, words):
    message = broken(old, new)
    assert message.startswith("chapters/small_steps/chapter.md:"), message
    line = int(message.split(":")[1])
    text = broken.path.read_text().splitlines()[line - 1]
    assert words in message, message
    assert at in text, (message, text)


def test_the_last_directive_is_not_closed(broken):
    message = broken("```{given} describe\n```", "```{given} describe")
    assert f":{broken.line('{given} describe')}: '{{given}}' is not closed; put a line '```'" in message


def test_a_second_after(broken):
    message = broken(":::{after}\n", ":::{after}\nOne.\n:::\n:::{after}\n")
    assert "has an '{after}' already" in message


def test_no_front_matter(broken):
    assert "chapter.md:1: the front matter is missing" in broken("---\ntitle", "title")


def test_directives_inside_lists_are_refused(broken):
    message = broken("Below, a picture", "* item\n\n  ```{demo}\n  1\n  ```\n\nBelow")
    assert "stands inside a list" in message


@pytest.mark.parametrize(
    ("path", "old", "new", "message"),
    [
        (
            "chapters/course.toml",
            "small_steps",
            "smal_steps",
            "no folder chapters/smal_steps (did you mean 'small_steps'?)",
        ),
        ("chapters/course.toml", "chapters = ", "chapter = ", "no setting 'chapter' (did you mean 'chapters'?)"),
        ("chapters/course.toml", '["small_steps"]', "[]", "name the chapters in their order"),
        ("chapters/course.toml", '"small_steps"]', '"small_steps", "small_steps"]', "listed twice"),
        ("chapters/course.toml", "title = ", "title : ", "not valid TOML"),
        ("chapters/course.toml", 'title = "A small course"', "title = 3", "'title' must be a text"),
        ("chapters/glossary.md", "## Residual stream", "## Mean", "the term 'Mean' is already on line 3"),
        (
            "chapters/glossary.md",
            "The sum of the values over their number.",
            "",
            "glossary.md:3: the term 'Mean' has no text",
        ),
        ("solutions/small_steps.py", "def centred(", "def centred((", "solutions/small_steps.py:"),
        ("solutions/small_steps.py", "### END SOLUTION", "# end", "BEGIN SOLUTION without an END SOLUTION"),
    ],
)
def test_other_broken_files(broken, path, old, new, message):
    assert message in broken(old, new, path)


def test_an_exercise_without_a_grader(broken):
    (broken.root / "graders/small_steps/test_mean.py").unlink()
    with pytest.raises(
        CourseError, match=r"chapter.md:15: exercise 'mean' has no grader; write graders/small_steps/test_mean.py"
    ):
        load_course(broken.root)


def test_missing_files(copy):
    (copy / "solutions/small_steps.py").unlink()
    with pytest.raises(CourseError, match=r"^solutions/small_steps.py: this file is missing"):
        load_course(copy)
    (copy / "chapters/small_steps/chapter.md").write_bytes(b"---\ntitle: \xff")
    with pytest.raises(CourseError, match="not UTF-8"):
        load_course(copy)
    (copy / "chapters/small_steps/chapter.md").unlink()
    with pytest.raises(CourseError, match=r"^chapters/small_steps/chapter.md: this file is missing"):
        load_course(copy)


def test_two_chapters_cannot_share_a_name(copy):
    for part in ("chapters/{}", "graders/{}"):
        shutil.copytree(copy / part.format("small_steps"), copy / part.format("other"))
    shutil.copy(copy / "solutions/small_steps.py", copy / "solutions/other.py")
    toml = copy / "chapters/course.toml"
    toml.write_text(toml.read_text().replace('["small_steps"]', '["small_steps", "other"]'))
    with pytest.raises(
        CourseError, match=r"chapters/other/chapter.md:15: chapter 'small_steps' has an exercise 'mean' too"
    ):
        load_course(copy)


def test_unknown_names_get_suggestions(course):
    with pytest.raises(CourseError, match="did you mean 'small_steps'"):
        course.chapter("small_step")
    with pytest.raises(CourseError, match="did you mean 'centred'"):
        course.find("centered")
    with pytest.raises(CourseError, match="did you mean 'Total'"):
        course.chapters[0].exercise("total")


def test_comments_are_not_shown(copy):
    path = copy / "chapters/small_steps/chapter.md"
    path.write_text(path.read_text().replace("## Averages\n", "## Averages\n\n<!-- for authors -->\n"))
    course = load_course(copy)
    assert not any("for authors" in block.text for block in course.chapters[0].blocks if isinstance(block, Prose))


def test_odd_characters_do_not_move_lines(copy):
    path = copy / "chapters/small_steps/chapter.md"
    text = path.read_text().replace("A chapter of", "\u2028 \x0c A chapter of").replace("{hint}", "{hnt}", 1)
    path.write_text("\ufeff" + text)
    with pytest.raises(CourseError, match=r"chapter.md:30: there is no directive"):
        load_course(copy)


def test_crlf_and_missing_last_newline(copy):
    path = copy / "chapters/small_steps/chapter.md"
    path.write_bytes(path.read_text().rstrip("\n").replace("\n", "\r\n").encode())
    kinds = [type(block) for block in load_course(copy).chapters[0].blocks]
    assert kinds.count(ExerciseBlock) == 3 and kinds.count(Given) == 2
    assert kinds.count(Demo) == 2 and kinds.count(Predict) == 2
