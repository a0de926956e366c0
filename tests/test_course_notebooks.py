"""The generated notebooks: valid, reproducible, readable, and usable as they are."""

import ast
import json
import shutil
from pathlib import Path

import nbclient
import nbformat
import pytest

from dojo.course import load_course
from dojo.course.notebooks import build, github_name, notebook_text

EXAMPLE = Path(__file__).parent / "course_example"
ROOTS = [EXAMPLE, Path(__file__).parent.parent]


def notebooks(root):
    course = load_course(root)
    for chapter in course.chapters:
        for kind in ("exercises", "solutions"):
            yield course, chapter, kind, notebook_text(course, chapter, kind)


def cells(root=EXAMPLE, kind="exercises"):
    text = next(text for _, _, k, text in notebooks(root) if k == kind)
    return {cell["id"]: cell for cell in json.loads(text)["cells"]}


def source(cell):
    return "".join(cell["source"])


@pytest.mark.parametrize("root", ROOTS)
def test_valid_and_the_same_every_time(root):
    for course, chapter, kind, text in notebooks(root):
        nbformat.validate(json.loads(text))
        assert text == notebook_text(load_course(root), chapter, kind)
        data = json.loads(text)
        assert (data["nbformat"], data["nbformat_minor"]) == (4, 5)
        assert text == json.dumps(data, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
        ids = [cell["id"] for cell in data["cells"]]
        assert len(set(ids)) == len(ids)
        assert all(not cell.get("outputs") for cell in data["cells"])
        assert all(cell["metadata"]["dojo"]["role"] for cell in data["cells"])
        for name in course.chapter(chapter.id).exercises:
            place = ids.index(f"{name}-prose")
            assert ids[place + 1 : place + 3] == [
                f"{name}-{'stub' if kind == 'exercises' else 'solution'}",
                f"{name}-check",
            ]


@pytest.mark.parametrize("root", ROOTS)
def test_code_cells_are_python(root):
    for *_, text in notebooks(root):
        for cell in json.loads(text)["cells"]:
            if cell["cell_type"] == "code":
                ast.parse(source(cell).replace("%pip", "pip = 1  #"))


def test_one_line_of_source_is_one_line_of_the_file():
    for cell in cells().values():
        assert all(line.endswith("\n") for line in cell["source"][:-1])
        assert not any("\n" in line.rstrip("\n") for line in cell["source"])


def test_a_change_of_one_exercise_changes_only_its_cells(tmp_path):
    """Readable diffs: no id further down depends on what stands above."""
    root = tmp_path / "course"
    shutil.copytree(EXAMPLE, root)
    before = cells(root)
    path = root / "chapters/small_steps/chapter.md"
    path.write_text(path.read_text().replace("How many values are there?", "How many are there?"))
    after = cells(root)
    assert list(before) == list(after)
    assert [id for id in before if before[id] != after[id]] == ["mean-prose"]


def test_solutions_hold_the_reference_and_exercises_do_not():
    exercises, solutions = cells(), cells(kind="solutions")
    assert "NotImplementedError" in source(exercises["mean-stub"])
    assert "fsum" not in "".join(map(source, exercises.values()))
    assert "fsum" in source(solutions["mean-solution"])
    assert "statistics.mean" in source(solutions["mean-after"])
    assert source(exercises["mean-check"]) == "check(mean)"


def test_prose_cell():
    text = source(cells()["mean-prose"])
    assert text.startswith("### Exercise: `mean`\n")
    assert text.count("<details>") == text.count("</details>") == 4
    assert "[stream](https://github.com/example/small-course/blob/main/chapters/glossary.md#residual-stream)" in text
    assert "$$\n\\bar x" in text
    assert "`[[1, 2], [3, 4]]`" in source(cells()["averages"])


def test_questions():
    exercises, solutions = cells(), cells(kind="solutions")
    assert "* **A.** Zero\n* **B.** Their mean" in source(exercises["predict-sum-of-centred"])
    assert source(exercises["predict-sum-of-centred-answer"]).startswith(
        'answer = ...  # "A" to "B"\npredict("small_steps"'
    )
    assert source(solutions["predict-sum-of-centred-answer"]) == 'predict("small_steps", "sum-of-centred", "A")'
    assert source(solutions["predict-outlier-answer"]) == 'predict("small_steps", "outlier", 27.25)'


def test_colab_badge_only_where_the_repository_is_on_github(tmp_path):
    assert "colab-badge" in source(cells()["title"])
    root = tmp_path / "course"
    shutil.copytree(EXAMPLE, root)
    toml = root / "chapters/course.toml"
    toml.write_text(toml.read_text().replace("https://github.com/example/small-course", "https://git.example.org/x/y"))
    course = load_course(root)
    assert github_name(course) is None
    text = notebook_text(course, course.chapters[0], "exercises")
    assert "colab" not in text.lower().replace("fresh colab", "")
    assert "[mean](../glossary.md#mean)" in text


def test_pictures_are_found_from_where_the_notebook_is_read(tmp_path):
    raw = "https://raw.githubusercontent.com/example/small-course/main/chapters/small_steps/assets/line.svg"
    assert f"![A straight line.]({raw})" in source(cells()["running-totals"])
    course = load_course(EXAMPLE)
    text = notebook_text(course, course.chapters[0], "exercises", tmp_path)
    target = text.split("![A straight line.](")[1].split(")")[0]
    assert (tmp_path / target).resolve() == EXAMPLE / "chapters/small_steps/assets/line.svg"


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["exercises", "solutions"])
def test_the_notebook_runs(kind, monkeypatch):
    """In a real kernel: the references pass, the stubs are unwritten, questions answer; only demos of stubs raise."""
    monkeypatch.setenv("DOJO_COURSE", str(EXAMPLE))
    course = load_course(EXAMPLE)
    notebook = nbformat.reads(notebook_text(course, course.chapters[0], kind), 4)
    nbclient.NotebookClient(notebook, timeout=120, kernel_name="python3", allow_errors=True).execute()
    shown = {cell.id: str(cell.get("outputs", "")) for cell in notebook.cells}
    wanted = "is right" if kind == "solutions" else "is not written yet"
    assert all(wanted in shown[f"{name}-check"] for name in ("mean", "Total"))
    assert ("Right: " in shown["predict-outlier-answer"]) == (kind == "solutions")
    outputs = [(cell.id, output) for cell in notebook.cells for output in cell.get("outputs", [])]
    raised = {(id, output.ename) for id, output in outputs if output.output_type == "error"}
    demos = {("mean-demo", "NotImplementedError"), ("demo-1", "NotImplementedError")}
    assert raised == (set() if kind == "solutions" else demos)


def test_build_writes_only_what_changed(tmp_path):
    root = tmp_path / "course"
    shutil.copytree(EXAMPLE, root)
    folder = root / "chapters/small_steps"
    (folder / "exercises.ipynb").unlink()
    course = load_course(root)
    assert build(course, check=True) == [folder / "exercises.ipynb"]
    assert not (folder / "exercises.ipynb").exists()
    assert build(course) == [folder / "exercises.ipynb"]
    assert build(course) == build(course, check=True) == []


def test_setup_takes_no_time_where_everything_is_there():
    text = source(cells()["setup"])
    assert text.index("find_spec") < text.index("%pip install -q mechinterp-dojo")
    assert "\n    %pip" in text  # only inside the condition
