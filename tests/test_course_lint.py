"""What `dojo lint` says about courses that load but are not good."""

import shutil
from pathlib import Path

import pytest

from dojo.course import load_course
from dojo.course.lint import count_words, lint

EXAMPLE = Path(__file__).parent / "course_example"
CHAPTER = "chapters/small_steps/chapter.md"
GRADER = "graders/small_steps/test_mean.py"
SOLUTIONS = "solutions/small_steps.py"


@pytest.fixture
def root(tmp_path):
    shutil.copytree(EXAMPLE, tmp_path / "course")
    return tmp_path / "course"


def problems(root, **options):
    return [str(problem) for problem in lint(load_course(root), **options)]


def test_the_example_is_clean():
    assert problems(EXAMPLE) == []


CASES = [
    (CHAPTER, "[[mean]] is", "[[meen]] is", f"{CHAPTER}:13: the glossary has no term 'meen' (did you mean 'mean'?)"),
    (CHAPTER, "{figure} assets/line.svg", "{figure} assets/lime.svg", "there is no file assets/lime.svg"),
    (
        CHAPTER,
        "# Averages",
        "# A\n\n![](assets/line.svg)",
        f"{CHAPTER}:13: the picture assets/line.svg has no alternative",
    ),
    (CHAPTER, "# Averages", "# A\n\n![a](assets/no.svg)", f"{CHAPTER}:13: there is no file assets/no.svg"),
    (CHAPTER, "# Averages", "# A\n\n![a](https://x.org/a.png)", "is on another host; put it in assets/"),
    (CHAPTER, "An object that remembers.", "", "exercise 'Total' has no prose"),
    (CHAPTER, ":::{hint}\nReturn a new list.\n:::\n", "", "exercise 'centred' has 2 hints; write at least 3"),
    (
        CHAPTER,
        ":::{after}\nCentred values are what a variance is made of.\n:::\n",
        "",
        "warning: exercise 'centred' has no",
    ),
    (CHAPTER, "Return a new list.", "`return [value - middle for value in values]`", "holds a line of the solution"),
    (CHAPTER, "An object that", "TODO An object that", "a placeholder is still here: TODO An object that"),
    (CHAPTER, "summary: Averages and a running total, in plain Python.\n", "", "has no 'summary'"),
    (CHAPTER, "An object that remembers.", "word " * 200, "warning: 204 words before something to do (line 70)"),
    (CHAPTER, "needs: [mean]", "needs: []", "the reference of 'centred' uses 'mean'; add it to 'needs'"),
    (
        CHAPTER,
        ":needs: mean, centred",
        ":needs: mean",
        "uses 'centred', which is not there when it runs; add it to ':needs:'",
    ),
    (CHAPTER, "mean([1.0, 2.0, 6.0])", "mean(numbers)", f"{CHAPTER}:49: this demo uses 'numbers'"),
    (CHAPTER, "mean([1.0, 2.0, 6.0])", "mean([)", f"{CHAPTER}:49: this demo is not valid Python"),
    (CHAPTER, "mean([1.0, 2.0, 6.0])", "1\nimport pandas", f"{CHAPTER}:50: this demo imports 'pandas'"),
    (
        CHAPTER,
        "mean([1.0, 2.0, 6.0])",
        "from dojo import show\nshow.heatmop(1)",
        "there is no show.heatmop (did you mean 'heatmap'?)",
    ),
    (
        CHAPTER,
        "    feedback: The mean was subtracted from each of them.\n",
        "",
        "the wrong answer 'Their mean' has no 'feedback'",
    ),
    (CHAPTER, "otherwise: Add all four values, then divide by their number.\n", "", "has no 'otherwise:'"),
    (SOLUTIONS, "import math\n", "", "the reference of 'mean' uses 'math', which the learner does not have here"),
    (
        SOLUTIONS,
        '    """The values with their mean subtracted."""\n',
        "",
        "the reference of 'centred' has no docstring",
    ),
    (GRADER, '    """The mean of 1, 2 and 6 is 3."""\n', "", f"{GRADER}:6: 'test_three_values' has no docstring"),
    (
        GRADER,
        '@mistake("That is the median: the mean uses all values.")\n',
        "",
        "has 4 known mistakes; write at least 5",
    ),
    (
        GRADER,
        '"That is the median: the mean uses all values."',
        '""',
        f"{GRADER}:29: the mistake 'median' needs its sentence",
    ),
    (
        GRADER,
        "def test_three_values(submission):",
        '@pytest.mark.parametrize("a, b", zip([1], [2]))\ndef test_three_values(submission):',
        f"{GRADER}:6: the parameters of 'test_three_values' can be gone through only once",
    ),
    (GRADER, "def total(values):", "def total(values:", f"{GRADER}:25: this is not valid Python"),
    ("chapters/glossary.md", "The sum of", "The [[summ]] of", "chapters/glossary.md:4: there is no term 'summ'"),
]


@pytest.mark.parametrize(("path", "old", "new", "message"), CASES)
def test_what_is_wrong_is_said(root, path, old, new, message):
    text = (root / path).read_text()
    assert old in text
    (root / path).write_text(text.replace(old, new, 1))
    found = problems(root, fresh_notebooks=False)
    assert any(message in problem for problem in found), found
    assert len(found) <= 2


def test_files_that_nobody_owns(root):
    (root / "solutions/small_step.py").write_text("")
    (root / "graders/small_steps/test_meen.py").write_text("")
    shutil.copytree(root / "chapters/small_steps", root / "chapters/draft")
    found = problems(root)
    assert len(found) == 3
    assert "solutions/small_step.py:1: no chapter is called 'small_step' (did you mean 'small_steps'?)" in found[2]
    assert "no exercise 'meen' in chapter 'small_steps' (did you mean 'mean'?)" in found[1]
    assert "the chapter 'draft' is not listed" in found[0]


def test_stale_notebooks(root):
    path = root / CHAPTER
    path.write_text(path.read_text().replace("An object that remembers.", "An object which remembers."))
    found = problems(root)
    assert len(found) == 2 and all("run `dojo build`" in problem for problem in found)


def test_words_are_those_of_prose():
    assert count_words("Two words.\n\n```python\nnot these words\n```\n\n$$a b c$$\n\n| a | b |\n") == 2
    assert count_words("the size of $x + y$, isn't `a b c`") == 6
