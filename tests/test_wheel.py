"""The wheel: one package, with the course and the site inside, that grades and keeps its solutions from learners."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

TRY = """
import dojo
from dojo.course import load_course
from dojo.grading import Grader
from dojo.grading.submission import from_text

course = load_course()
print(dojo.__file__)
assert "_course" in str(course.root), course.root
right = course.chapters[0].exercises["embed"].solution
spy = f'''
import os, torch
def embed(tokens, W_E, W_pos):
    found = [os.path.join(at, f) for at, _, files in os.walk({str(course.root)!r}) for f in files]
    print("FOUND", sorted(f for f in found if "/models/" not in f), any("small-lm" in f for f in found))
    return tokens
'''
with Grader(course, only=[("transformer_from_scratch", "embed")], slots=1, demos=False) as grader:
    verdict = grader.grade(from_text(right), "transformer_from_scratch", "embed")
    assert verdict.passed, verdict
    verdict = grader.grade(from_text(spy), "transformer_from_scratch", "embed")
    assert not verdict.passed
    print(grader.isolation)
    print(verdict.printed.splitlines()[0])
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "-q",
        "--no-deps",
        "--no-build-isolation",
        "-w",
        str(folder),
        str(ROOT),
    ]
    subprocess.run(command, check=True, capture_output=True)
    return next(folder.glob("*.whl"))


def test_one_package_with_all_that_a_learner_needs(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0] for name in names} == {"dojo", f"{wheel.name.split('-py3')[0]}.dist-info"}
    for needed in (
        "dojo/_course/chapters/course.toml",
        "dojo/_course/chapters/transformer_from_scratch/exercises.ipynb",
        "dojo/_course/solutions/transformer_from_scratch.py",
        "dojo/_course/graders/transformer_from_scratch/test_embed.py",
        "dojo/_course/models/small-lm/model.safetensors",
        "dojo/_site/app.py",
        "dojo/_site/.streamlit/config.toml",
        "dojo/_site/static/editor.js",
    ):
        assert needed in names
    assert not [name for name in names if "node_modules" in name or "__pycache__" in name or "/tests/" in name]
    assert wheel.stat().st_size < 30e6


def test_grades_from_the_wheel_and_hides_the_solutions(wheel: Path, tmp_path: Path) -> None:
    target = tmp_path / "installed"
    subprocess.run(
        [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", str(target), str(wheel)],
        check=True,
        capture_output=True,
    )
    environment = {k: v for k, v in os.environ.items() if not k.startswith("DOJO")} | {"PYTHONPATH": str(target)}
    done = subprocess.run([sys.executable, "-c", TRY], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    where, isolation, found = done.stdout.splitlines()
    assert where.startswith(str(target))
    if isolation.startswith(("L2", "L3")):
        assert found == "FOUND [] True", "the sandbox shows the models, and nothing else of the course"
