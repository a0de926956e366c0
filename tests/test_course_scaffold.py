"""`dojo new exercise`: three pieces that load at once, that lint asks the author to fill, and nothing overwritten."""

import shutil
from pathlib import Path

import pytest

from dojo.course import CourseError, load_course
from dojo.course.lint import lint
from dojo.course.scaffold import new_exercise

EXAMPLE = Path(__file__).parent / "course_example"


@pytest.fixture
def root(tmp_path):
    shutil.copytree(EXAMPLE, tmp_path / "course")
    return tmp_path / "course"


def snapshot(root):
    return {path: path.read_bytes() for path in root.rglob("*") if path.is_file()}


def only_added(old: str, new: str) -> bool:
    """Whether every line of the old text stands in the new one, in the same order, empty lines aside."""
    lines = iter(new.splitlines())
    return all(any(line == other for other in lines) for line in old.splitlines() if line.strip())


@pytest.mark.parametrize(("after", "order"), [(None, [0, 1, 2, 3]), ("mean", [0, 3, 1, 2]), ("centred", [0, 1, 2, 3])])
def test_three_pieces(root, after, order):
    before = snapshot(root)
    written = new_exercise(load_course(root), "small_steps", "variance", after)
    assert [path.relative_to(root).as_posix() for path in written] == [
        "chapters/small_steps/chapter.md",
        "solutions/small_steps.py",
        "graders/small_steps/test_variance.py",
    ]
    for path, content in before.items():
        assert only_added(content.decode(), path.read_text())
    chapter = load_course(root).chapters[0]
    assert list(chapter.exercises) == [["mean", "Total", "centred", "variance"][i] for i in order]
    exercise = chapter.exercises["variance"]
    assert "raise NotImplementedError" in exercise.stub and exercise.demo is not None
    compile(exercise.grader.read_text(), "grader", "exec")
    assert len(chapter.demos) == 3 and len(chapter.predicts) == 2
    for name in ("mean", "Total", "centred"):
        assert chapter.exercises[name].prose == load_course(EXAMPLE).chapters[0].exercises[name].prose


def test_lint_complains_until_it_is_filled(root):
    new_exercise(load_course(root), "small_steps", "variance")
    found = [str(problem) for problem in lint(load_course(root), fresh_notebooks=False)]
    for place in (
        "chapters/small_steps/chapter.md",
        "solutions/small_steps.py",
        "graders/small_steps/test_variance.py",
    ):
        assert any(problem.startswith(place) and "placeholder" in problem for problem in found)
    assert any("1 known mistake; write at least 5" in problem for problem in found)


@pytest.mark.parametrize(
    ("name", "after", "message"),
    [
        ("mean", None, "has an exercise 'mean' already"),
        ("describe", None, "'describe' is defined there already"),
        ("orphan", None, "graders/small_steps/test_orphan.py: this file is there already"),
        ("two words", None, "cannot name a function"),
        ("class", None, "cannot name a function"),
        ("variance", "meen", "did you mean 'mean'"),
    ],
)
def test_nothing_is_written_where_something_is_wrong(root, name, after, message):
    (root / "graders/small_steps/test_orphan.py").write_text("")
    before = snapshot(root)
    with pytest.raises(CourseError, match=message):
        new_exercise(load_course(root), "small_steps", name, after)
    assert snapshot(root) == before


def test_the_first_exercise_of_a_chapter(tmp_path):
    folder = tmp_path / "chapters/first"
    folder.mkdir(parents=True)
    (tmp_path / "chapters/course.toml").write_text('title = "New"\nchapters = ["first"]\n')
    (folder / "chapter.md").write_text("---\ntitle: First\nminutes: 10\n---\n\nWelcome.\n")
    new_exercise(load_course(tmp_path), "first", "identity")
    assert list(load_course(tmp_path).chapters[0].exercises) == ["identity"]
