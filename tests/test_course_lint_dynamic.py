"""The part of lint that runs the graders."""

import shutil
import sys
from pathlib import Path

import pytest

from dojo.course import load_course
from dojo.course.lint_dynamic import lint_by_running
from dojo.grading.local import with_graders

EXAMPLE = Path(__file__).parent / "course_example"


@pytest.fixture
def root(tmp_path):
    shutil.copytree(EXAMPLE, tmp_path / "course")
    return tmp_path / "course"


@pytest.fixture(autouse=True)
def fresh_modules(monkeypatch):
    """Every test has a course of its own at another place: none may see the graders and references of another."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield
    for name in [name for name in sys.modules if name.split(".")[0] in ("graders", "solutions")]:
        del sys.modules[name]


def problems(root, *exercises, **options):
    only = [("small_steps", name) for name in exercises] if exercises else None
    return [str(problem) for problem in lint_by_running(load_course(root), seeds=1, only=only, **options)]


def replace(path, old, new):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_the_example_is_clean_and_progress_is_told(root):
    told = []
    assert problems(root, progress=lambda *args: told.append(args)) == []
    assert told == [(0, 3, "mean"), (1, 3, "Total"), (2, 3, "centred"), (3, 3, "")]


def test_a_wrong_reference(root):
    replace(root / "solutions/small_steps.py", "math.fsum(values) / len(values)", "math.fsum(values)")
    (found,) = problems(root, "mean", kinds=["reference"])
    assert found.startswith("graders/small_steps/test_mean.py:1: the reference fails on seed 0")
    assert "the mean of 1, 2 and 6 is 3, not 9.0" in found


def test_a_mistake_that_passes(root):
    grader = root / "graders/small_steps/test_mean.py"
    replace(grader, "return sum(values) // len(values)", "return sum(values) / len(values)")
    (found,) = problems(root, "mean", kinds=["mistakes"])
    assert found.startswith("graders/small_steps/test_mean.py:42: the mistake 'whole' passes on seed 0")


def test_a_mistake_that_looks_like_another(root):
    grader = root / "graders/small_steps/test_mean.py"
    replace(grader, "return sorted(values)[len(values) // 2]", "return sum(values)")
    (found,) = problems(root, "mean", kinds=["mistakes"])
    assert "the mistake 'median' is recognised as 'total' on seed 0" in found


def test_a_stub_that_passes(root):
    marked = "    if len(values) > 1000:\n        ### BEGIN SOLUTION\n        pass\n        ### END SOLUTION\n"
    replace(root / "solutions/small_steps.py", "    middle = mean(values)\n", marked + "    middle = mean(values)\n")
    (found,) = problems(root, "centred", kinds=["stub"])
    assert "the bare stub is told 'passed:" in found


def test_submissions(root):
    folder = root / "tests/submissions/small_steps/mean"
    (folder / "right_total.py").write_text("def mean(values):\n    return sum(values)\n")
    (folder / "right_broken.py").write_text("def mean(values:\n")
    (folder / "wrong_but_right.py").write_text("import statistics\n\nfrom statistics import fmean as mean\n")
    (folder / "wrong_broken.py").write_text("import not_there\n")
    (folder / "other.py").write_text("")
    found = problems(root, "mean", kinds=["submissions"])
    folder = "tests/submissions/small_steps/mean"
    assert [problem.split(":")[0] for problem in found] == [
        f"{folder}/{name}.py" for name in ("other", "right_broken", "right_total", "wrong_but_right")
    ]
    assert "cannot be run: SyntaxError" in found[1] and "is rejected" in found[2] and "passes; add a test" in found[3]


def test_a_mistake_in_a_class_is_recognised_whatever_the_class_is_called(root):
    class Total:
        def __init__(self, start=0.0):
            self.value = start

        def add(self, amount):
            self.value += amount
            return amount

    def body(judge):
        return judge.grade("small_steps", "Total", {"Total": Total}, seed=0)

    verdict = with_graders(load_course(root), [("small_steps", "Total")], body)
    assert verdict.mistake is not None and verdict.mistake.name == "ReturnsTheAmount"
