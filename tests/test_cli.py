"""The commands on a small course, with a grader that decides by the text of the code: no torch, no sandbox."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import ClassVar

import pytest
from typer.testing import CliRunner

from dojo.cli import app, cohort
from dojo.cli.gradebook import Gradebook, Graded
from dojo.cli.submissions import find, read
from dojo.grading import pool
from dojo.grading.verdict import Recognised, Verdict
from dojo.grading.verdict import TestResult as Result
from dojo.progress import Store

CHAPTER = """\
---
title: Adding
summary: How to add.
minutes: 5
---

# Adding

:::{exercise} one
difficulty: 1
importance: 1
minutes: 2
needs: []
source: Peano 1889
:::
Write one.

:::{hint}
Count *your* noses.
:::
:::{hint}
It is less than two.
:::
:::{after}
It had to be 1.
:::

:::{exercise} two
difficulty: 1
importance: 3
minutes: 2
needs: [one]
source: Peano 1889
:::
Write two.

:::{hint}
Use one.
:::
"""
SOLUTIONS = '''\
def one():
    """The number 1."""
    return 1


def two():
    """The number 2."""
    return one() + one()
'''
RIGHT = "def one():\n    return 1\n\ndef two():\n    return 2\n"
HALF = "def one():\n    return 1\n\ndef two():\n    return 3\n"


class FakeGrader:
    """Passes `return 1` in one and `return 2` in two; CRASH raises, SLOW takes its time."""

    made: ClassVar[list] = []
    isolation = "none"

    def __init__(self, course, *, slots=None, only=None, demos=True):
        self.slots, self.only, self.closed, self.graded = slots or 2, only, False, []
        self.delay = 0.0
        FakeGrader.made.append(self)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.closed = True

    def wait_until_warm(self, seconds=0.0):
        return True

    def grade(self, submission, chapter, exercise, *, seed=None, on_event=None):
        code = "\n".join(chunk.source for chunk in submission.chunks)
        self.graded.append((exercise, code))
        if "SLOW" in code:
            time.sleep(0.2)
        if "CRASH" in code:
            raise OSError("the pipe is broken")
        if f"def {exercise}" in code and "NotImplementedError" in code.split(f"def {exercise}")[1].split("\ndef ")[0]:
            status = "blocked" if exercise == "two" else "unwritten"
            return Verdict(chapter, exercise, status, "Not yet.", seed=seed or 0)
        right = f"def {exercise}():\n    return {'1' if exercise == 'one' else '2'}\n" in code
        tests = [Result("t", "It is the number.", "passed" if right else "failed", "" if right else "It is not.")]
        mistake = None if right else Recognised("three", "You counted one too many.")
        status = "passed" if right else "failed"
        return Verdict(chapter, exercise, status, "Right." if right else "Wrong.", tests, mistake, seed=seed or 0)


@pytest.fixture(autouse=True)
def surroundings(tmp_path, monkeypatch):
    root = tmp_path / "course"
    for folder in ("chapters/adding", "solutions", "graders/adding"):
        (root / folder).mkdir(parents=True)
    (root / "chapters" / "course.toml").write_text('title = "Sums"\nrepository = ""\nchapters = ["adding"]\n')
    (root / "chapters" / "glossary.md").write_text("# Glossary\n")
    (root / "chapters" / "adding" / "chapter.md").write_text(CHAPTER)
    (root / "solutions" / "adding.py").write_text(SOLUTIONS)
    for name in ("one", "two"):
        (root / "graders" / "adding" / f"test_{name}.py").write_text("def test_it(submission): ...\n")
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    monkeypatch.setenv("DOJO_COURSE", str(root))
    monkeypatch.setenv("DOJO_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("DOJO_DATABASE_URL", raising=False)
    monkeypatch.setattr(pool, "Grader", FakeGrader)
    FakeGrader.made = []


def dojo(*arguments: str, code: int = 0, **kwargs) -> str:
    result = CliRunner().invoke(app, [str(a) for a in arguments], env={"COLUMNS": "140", "TERM": "dumb"}, **kwargs)
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == code, result.output
    return result.output


# --- start, status, hint, solution ---------------------------------------------------------------------------


def test_start_writes_the_stubs_and_never_overwrites():
    assert "2 exercises" in dojo("start", "adding")
    text = Path("adding.py").read_text()
    assert "def one" in text and "NotImplementedError" in text
    Path("adding.py").write_text("my work")
    assert "is there already and is left as it is" in dojo("start", "adding", code=2)
    assert Path("adding.py").read_text() == "my work"
    dojo("start", "adding", "-o", "mine.py")
    assert Path("mine.py").read_text() == text


def test_start_can_write_a_notebook():
    dojo("start", "adding", "-o", "mine.ipynb")
    assert json.loads(Path("mine.ipynb").read_text())["nbformat"] == 4


def test_start_says_what_is_wrong():
    assert "There is no chapter 'ading' (did you mean 'adding'?)" in dojo("start", "ading", code=2)
    assert "must end in .py or .ipynb" in dojo("start", "adding", "-o", "x.txt", code=2)
    assert "cannot be written" in dojo("start", "adding", "-o", "no/such/folder.py", code=2)


def test_hints_open_one_at_a_time_and_stay_open():
    assert "No hint of one is open yet" in dojo("hint", "one", "--again")
    first = dojo("hint", "one")
    assert "Hint 1 of 2" in first and "Count your noses." in first and "less than two" not in first
    assert "Hint 2 of 2" in dojo("hint", "one")
    third = dojo("hint", "adding/one")
    assert "Hint 1 of 2" in third and "less than two" in third and "dojo solution one" in third
    assert "less than two" in dojo("hint", "one", "--again")
    assert "There is no exercise 'twi'" in dojo("hint", "twi", code=2)


def test_a_solution_asks_once():
    asked = dojo("solution", "one", input="n\n", code=1)
    assert "Show the solution of one? (2 of its hints are unread)" in asked and "return 1" not in asked
    assert "return 1" in dojo("solution", "one", input="y\n")
    assert dojo("solution", "one") == 'def one():\n    """The number 1."""\n    return 1\n'  # not asked again
    assert "return one() + one()" in dojo("solution", "two", "--yes")


def test_status_shows_what_has_passed():
    Path("mine.py").write_text(HALF)
    dojo("check", "mine.py", code=1)
    shown = dojo("status")
    assert "• checked, not passed yet" in shown
    assert "1 of 2 passed" in shown and "✓  one" in shown and "•  two" in shown


# --- check ---------------------------------------------------------------------------------------------------


def test_check_tells_in_order_and_stops_at_the_first_unfinished():
    Path("mine.py").write_text(HALF)
    told = dojo("check", "mine.py", code=1)
    assert "✓ one" in told and "✗ two  Wrong." in told and "You counted one too many." in told
    assert "1 of 2 passed." in told and "dojo hint two" in told
    Path("mine.py").write_text("def one(): 3\n\ndef two():\n    return 2\n")
    assert "two" not in dojo("check", "mine.py", code=1)
    assert "✓ two" in dojo("check", "mine.py", "--all", code=1)


def test_check_of_one_exercise_and_of_a_right_file():
    Path("mine.py").write_text(RIGHT)
    assert "2 of 2 passed." in dojo("check", "mine.py")
    told = dojo("check", "mine.py", "two")
    assert "✓ two  Right." in told and "one" not in told.replace("None", "")
    assert FakeGrader.made[-1].only == [("adding", "two")] and FakeGrader.made[-1].closed


def test_check_of_several_exercises():
    Path("mine.py").write_text(RIGHT)
    assert "2 of 2 passed." in dojo("check", "mine.py", "two", "adding/one", "two")
    assert [name for name, _ in FakeGrader.made[-1].graded] == ["two", "one"]
    assert "There is no exercise 'three'" in dojo("check", "mine.py", "one", "three", code=2)


def test_check_of_what_is_not_written_says_how_to_go_on_once():
    dojo("start", "adding", "-o", "mine.py")
    told = dojo("check", "mine.py", "one", code=1)
    assert "Write it, then check again. Hints: dojo hint one" in told and "Stuck?" not in told


def test_check_records_every_attempt_with_its_own_code():
    Path("mine.py").write_text(HALF)
    dojo("check", "mine.py", code=1)
    dojo("check", "mine.py", "two", code=1)
    store = Store()
    attempts = store.attempts(store.learner(), "adding", "two")
    assert [a.code for a in attempts] == ["def two():\n    return 3"] * 2 and not attempts[0].verdict.passed
    store.close()


def test_check_as_json():
    Path("mine.py").write_text(RIGHT)
    lines = dojo("check", "mine.py", "--json", "--seed", "7").strip().split("\n")
    assert [json.loads(line)["status"] for line in lines] == ["passed", "passed"]
    assert json.loads(lines[0])["seed"] == 7


@pytest.mark.parametrize(
    ("file", "words"),
    [
        ("gone.py", "There is no file gone.py"),
        (".", "is a folder"),
        ("syntax.py", "'(' was never closed"),
        ("other.py", "defines no exercise of this course (they are called one, two"),
        ("bad.ipynb", "not valid JSON"),
    ],
)
def test_check_of_what_cannot_be_checked_ends_with_2_and_a_sentence(file, words):
    Path("syntax.py").write_text("x = (")
    Path("other.py").write_text("x = 1")
    Path("bad.ipynb").write_text("{")
    told = dojo("check", file, code=2)
    assert words in told and "Traceback" not in told and FakeGrader.made == []


def test_check_goes_on_without_progress(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("DOJO_HOME", str(tmp_path / "file"))
    Path("mine.py").write_text(RIGHT)
    told = dojo("check", "mine.py")
    assert "Going on without keeping progress" in told and "2 of 2 passed" in told
    assert "The progress database" in dojo("hint", "one", code=2)


def test_a_broken_course_is_told_with_file_and_line(tmp_path):
    chapter = tmp_path / "course" / "chapters" / "adding" / "chapter.md"
    chapter.write_text(chapter.read_text().replace("importance: 3", "importance: many"))
    told = dojo("status", code=2)
    assert "chapters/adding/chapter.md:" in told and "Traceback" not in told


def test_another_course_by_option(tmp_path, monkeypatch):
    monkeypatch.delenv("DOJO_COURSE")
    assert "Adding" in dojo("status", "--course", tmp_path / "course")
    assert "is no course" in dojo("status", "--course", tmp_path, code=2)


# --- watch ---------------------------------------------------------------------------------------------------


def test_watch_follows_the_saves_and_does_not_recheck_finished_work():
    file = Path("mine.py")
    file.write_text("def one():\n    return 0\n\ndef two():\n    return 0\n")

    def edit() -> None:
        for text in (
            "def one():\n    return 1\n\ndef two():\n    return 0\n",
            "def one():\n    return 1\n\ndef two():\n    return (\n",
        ):
            time.sleep(1.0)
            file.write_text(text)
        time.sleep(1.0)
        part = Path("part")
        part.write_text(RIGHT)
        part.replace(file)  # as many editors save

    editor = threading.Thread(target=edit)
    editor.start()
    told = dojo("watch", "mine.py")
    editor.join()
    assert [name for name, _ in FakeGrader.made[-1].graded] == ["one", "one", "two", "two"]
    assert "0 of 2 passed. Now: one." in told and "1 of 2 passed. Now: two." in told and "All 2 passed." in told
    assert "'(' was never closed" in told and FakeGrader.made[-1].closed

    again = dojo("watch", "mine.py")
    assert FakeGrader.made[-1].graded == [] and "(passed before)" in again


def test_watch_ends_cleanly_on_ctrl_c(monkeypatch):
    from dojo.cli import watch

    def interrupted(file):
        raise KeyboardInterrupt
        yield

    monkeypatch.setattr(watch, "events", interrupted)
    Path("mine.py").write_text(HALF)
    dojo("watch", "mine.py", code=130)
    assert FakeGrader.made[-1].closed


def test_hints_while_watching(monkeypatch):
    from dojo.cli import watch

    monkeypatch.setattr(watch, "events", lambda file: iter(["hint", "hint", "quit"]))
    Path("mine.py").write_text("def one(): 0\n")
    told = dojo("watch", "mine.py", code=1)
    assert "Hint 1 of 2" in told and "Hint 2 of 2" in told


# --- grade ---------------------------------------------------------------------------------------------------


@pytest.fixture
def handed_in() -> Path:
    folder = Path("handed-in")
    (folder / "ada").mkdir(parents=True)
    (folder / "ada" / "one.py").write_text("def one():\n    return 1\n")
    (folder / "ada" / "rest").mkdir()
    (folder / "ada" / "rest" / "two.py").write_text("def two():\n    return 2\n")
    (folder / "bob.py").write_text(HALF)
    (folder / "crash.py").write_text("CRASH = 1\n")
    (folder / "syntax.py").write_text("x = (")
    (folder / "broken.ipynb").write_text("{")
    (folder / "=evil.py").write_text(RIGHT)
    (folder / "link.py").symlink_to("/etc/passwd")
    (folder / "loop.py").symlink_to("loop.py")
    (folder / "empty").mkdir()
    (folder / "readme.txt").write_text("")
    (folder / ".hidden.py").write_text("")
    (folder / "__MACOSX").mkdir()
    return folder


def rows(path: Path = Path("results.csv")) -> dict[str, dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return {row["submission"]: row for row in csv.DictReader(file)}


def test_every_submission_gets_its_row_whatever_it_is(handed_in):
    told = dojo("grade", handed_in, code=1)
    found = rows()
    assert list(found) == [
        "'=evil.py",
        "ada",
        "bob.py",
        "broken.ipynb",
        "crash.py",
        "empty",
        "link.py",
        "loop.py",
        "syntax.py",
    ]
    assert list(found["ada"]) == ["submission", "total", "passed", "one", "two", "notes"]
    assert [found["ada"][c] for c in ("total", "passed", "one", "two")] == ["1.0", "2", "1.0", "1.0"]
    assert [found["bob.py"][c] for c in ("total", "passed", "one", "two")] == ["0.25", "1", "1.0", "0.0"]
    for name, words in {
        "broken.ipynb": "not valid JSON",
        "syntax.py": "'(' was never closed",
        "link.py": "leads out of the folder",
        "loop.py": "leads out of the folder",
        "empty": "no .py or .ipynb",
    }.items():
        assert words in found[name]["notes"] and found[name]["total"] == "0.0"
    verdicts = {one["submission"]: one["verdicts"] for one in json.loads(Path("results.json").read_text())}
    assert "by a fault of ours: OSError: the pipe is broken" in verdicts["crash.py"][0]["headline"]
    assert "2 verdicts could not be reached" in told
    assert "empty: empty holds no .py or .ipynb file" in told and "\nbroken.ipynb: " in told and "results.jsonl" in told
    assert "\nbob.py" not in told
    assert "1 × You counted one too many." in told.replace("\n", " ") or "× You counted" in told


def test_a_submission_with_nothing_written_is_noted(handed_in):
    dojo("start", "adding", "-o", handed_in / "fresh.py")
    dojo("start", "adding", "-o", handed_in / "fresh.ipynb")
    text = (handed_in / "fresh.py").read_text()
    (handed_in / "half.py").write_text(
        "def two():".join(text.split("def two():")[:1]) + "def two():\n    raise NotImplementedError(1)\n"
    )
    told = dojo("grade", handed_in, code=1)
    assert "\nfresh.py: nothing written yet\n" in told and "\nfresh.ipynb: nothing written yet\n" in told
    assert rows()["fresh.py"]["notes"] == "nothing written yet" and rows()["half.py"]["notes"] == ""


def test_only_some_exercises_and_another_place(handed_in):
    (handed_in / "crash.py").unlink()
    dojo("grade", handed_in, "-e", "two", "--out", "there/deep")
    assert list(rows(Path("there/deep/results.csv"))["ada"]) == ["submission", "total", "passed", "two", "notes"]
    dojo("grade", handed_in, "-c", "adding", "--out", handed_in / "results")
    dojo("grade", handed_in, "-c", "adding", "--out", handed_in / "results")
    assert "results" not in rows(handed_in / "results" / "results.csv")
    assert "no exercise 'three'" in dojo("grade", handed_in, "-e", "three", code=2)


def test_a_grading_that_was_stopped_goes_on_where_it_was(handed_in, monkeypatch):
    (handed_in / "crash.py").unlink()
    real = cohort.grade_one
    calls: list[str] = []

    def grade_one(grader, one, exercises, stop):
        calls.append(one.name)
        if one.name == "broken.ipynb" and len(calls) < 10:
            time.sleep(0.3)
            raise KeyboardInterrupt
        return real(grader, one, exercises, stop)

    monkeypatch.setattr(cohort, "grade_one", grade_one)
    told = dojo("grade", handed_in, "-j", "1", code=130)
    assert "go on with --resume" in told and FakeGrader.made[-1].closed
    done = set(rows())
    assert {"ada", "bob.py"} <= done and "syntax.py" not in done
    (handed_in / "bob.py").write_text(RIGHT)  # handed in anew in the meantime
    calls[:] = ["x"] * 10
    dojo("grade", handed_in, "--resume")
    assert "ada" not in calls and "bob.py" in calls and "syntax.py" in calls
    assert len(rows()) == 8 and rows()["bob.py"]["total"] == "1.0"
    assert "8 of 8 are graded already" in dojo("grade", handed_in, "--resume")


def test_what_failed_by_our_fault_is_graded_again_by_resume(handed_in):
    dojo("grade", handed_in, code=1)
    (handed_in / "crash.py").touch()
    dojo("grade", handed_in, "--resume", code=1)
    assert {code for _, code in FakeGrader.made[-1].graded} == {"CRASH = 1\n"}


def test_earlier_results_are_set_aside_not_lost(handed_in):
    dojo("grade", handed_in, "-e", "one", code=1)
    dojo("grade", handed_in, "-e", "two", code=1)
    assert "one" in rows(Path("results.csv.previous"))["ada"] and "two" in rows()["ada"]


def test_a_journal_cut_off_by_a_crash_costs_one_submission():
    book = Gradebook(Path(), {"one": 1}, resume=False)
    for name in ("a", "b"):
        book.add(Graded(name, "digest", [Verdict("adding", "one", "passed", "Right.")]))
    book.finish()
    journal = Path("results.jsonl")
    journal.write_bytes(journal.read_bytes()[:-20])
    book = Gradebook(Path(), {"one": 1}, resume=True)
    assert book.done == {"a": "digest"}
    book.add(Graded("c", "digest", [Verdict("adding", "one", "failed", "Wrong.")]))
    book.finish()
    assert list(rows()) == ["a", "c"] and len(json.loads(Path("results.json").read_text())) == 2
    book = Gradebook(Path(), {"two": 1}, resume=True)  # other columns: nothing is done yet
    assert book.done == {}
    book.finish()
    assert rows() == {} and json.loads(Path("results.json").read_text()) == []


def test_gradescope_for_each_submission_and_for_one(handed_in):
    (handed_in / "crash.py").unlink()
    dojo("grade", handed_in, "--gradescope", "gs")
    results = json.loads(Path("gs/bob.py.json").read_text())
    assert results["score"] == 1.0 and [test["max_score"] for test in results["tests"]] == [1.0, 3.0]
    dojo("grade", handed_in / "ada", "--gradescope", "results/results.json")
    assert json.loads(Path("results/results.json").read_text())["score"] == 4.0


def test_a_folder_with_several_files_is_one_submission(handed_in):
    one = next(one for one in find(handed_in) if one.name == "ada")
    (handed_in / "ada" / "bad.py").write_text("x = (")
    submission = read(one)
    assert [chunk.name for chunk in submission.chunks] == ["one.py", "two.py"]
    submission = read(next(one for one in find(handed_in) if one.name == "ada"))
    assert submission.problem is None and submission.notes == [
        "bad.py is not valid Python yet. Line 1: '(' was never closed."
    ]


def test_what_is_no_folder_of_submissions():
    Path("x.py").write_text("")
    Path("nothing").mkdir()
    assert "dojo check x.py" in dojo("grade", "x.py", code=2)
    assert "holds no submissions" in dojo("grade", "nothing", code=2)


# --- questions in notebooks ----------------------------------------------------------------------------------


def test_a_choice_is_answered_by_its_letter_not_by_a_number(monkeypatch):
    from dojo.course.predict import predict

    monkeypatch.setenv("DOJO_COURSE", str(Path(__file__).parent / "course_example"))
    for answer in (0, 1, 7, True):
        reply = predict("small_steps", "sum-of-centred", answer)
        assert reply.correct is None and "a letter in quotes" in reply.text and "A, B" in reply.text
    assert predict("small_steps", "sum-of-centred", "A").correct
    assert predict("small_steps", "outlier", 27).correct is False  # a number question


# --- for authors ---------------------------------------------------------------------------------------------


def test_build_writes_the_notebooks_and_check_finds_old_ones(tmp_path):
    assert "is not up to date" in dojo("build", "--check", code=1)
    assert "exercises.ipynb: written" in dojo("build")
    assert "up to date" in dojo("build", "--check")
    (tmp_path / "course" / "chapters" / "adding" / "exercises.ipynb").write_text("{}")
    dojo("build", "--check", code=1)


def test_lint_by_reading():
    dojo("build")
    told = dojo("lint", "--fast", code=1)
    assert "graders/adding/test_one.py" in told and "problem" in told


def test_new_exercise():
    told = dojo("new", "exercise", "adding", "three", "--after", "one")
    assert "test_three.py" in told and "dojo lint three" in told
    assert "three" in dojo("status")
    dojo("new", "exercise", "adding", "three", code=2)


# --- the command itself --------------------------------------------------------------------------------------


def test_help_is_quick_and_loads_nothing_heavy():
    code = (
        "import sys, dojo.cli\n"
        "heavy = {'torch', 'streamlit', 'transformers', 'sqlalchemy', 'plotly', 'nbformat', 'pytest', 'numpy'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_every_command_has_help_with_an_example():
    assert "Exit codes" in dojo("--help")
    for name in ("serve", "start", "check", "watch", "hint", "solution", "grade", "lint", "new exercise"):
        assert "Example" in dojo(*name.split(), "--help"), name
    for name in ("status", "build", "doctor"):
        dojo(name, "--help")


def test_the_version_and_wrong_use():
    assert dojo("--version").startswith("dojo")
    assert "No such command" in dojo("chekc", code=2)
    assert "No such option" in dojo("check", "x.py", "--al", code=2)
