"""otter-grader and nbgrader on the same exercise, for `verdict_latency.py --others`.

Each gets an environment of its own, and four tests (shape, rows, causality, torch's own attention), fewer than our grader has.
What is timed is the command that an instructor runs on one submission: `otter run`; `nbgrader autograde`.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

TESTS = {
    "shape": "assert attention_pattern(q, k).shape == (2, 3, 5, 5)",
    "rows": "assert torch.allclose(attention_pattern(q, k).sum(-1), torch.ones(2, 3, 5))",
    "causal": "assert torch.all(attention_pattern(q, k).triu(1) == 0)",
    "torch": "v = torch.eye(5).expand(2, 3, 5, 5)\n"
    "ours = F.scaled_dot_product_attention(q.transpose(1, 2), k.transpose(1, 2), v, is_causal=True)\n"
    "assert torch.allclose(attention_pattern(q, k), ours, atol=1e-5)",
}
SETUP = """\
import torch
import torch.nn.functional as F
torch.manual_seed(0)
q, k = torch.randn(2, 5, 3, 4), torch.randn(2, 5, 3, 4)"""


def ways(root: Path, solution: str) -> dict[str, Callable[[], object]]:
    """The two commands, ready to be timed; environments are made on the first call."""
    work = Path(tempfile.mkdtemp(prefix="dojo-others-"))
    otter, nbgrader = environment(root, "otter-grader==7.0.0"), environment(root, "nbgrader==0.9.6")
    return {
        "otter run": prepare_otter(otter, work / "otter", solution),
        "nbgrader autograde": prepare_nbgrader(nbgrader, work / "nbgrader", solution),
    }


def environment(root: Path, requirement: str) -> Path:
    """The bin folder of a virtual environment with torch and `requirement`."""
    folder = root / "benchmarks" / ".envs" / requirement.split("==")[0]
    if not (folder / "ready").exists():
        print(f"installing {requirement} (once)", file=sys.stderr)
        run([sys.executable, "-m", "venv", str(folder)], root)
        run([str(folder / "bin/pip"), "install", "-q", "torch==2.13.0", requirement, "ipykernel"], root)
        (folder / "ready").touch()
    return folder / "bin"


def prepare_otter(binaries: Path, work: Path, solution: str) -> Callable[[], object]:
    (work / "tests").mkdir(parents=True)
    cases = "".join(
        f"\n@test_case(points=1)\ndef test_{name}(attention_pattern):\n    {indent(SETUP)}\n    {indent(body)}\n"
        for name, body in TESTS.items()
    )
    test = (
        f"from otter.test_files import test_case\n\nOK_FORMAT = False\nname = 'attention_pattern'\npoints = 4\n{cases}"
    )
    (work / "tests" / "attention_pattern.py").write_text(test)
    write_notebook(work / "mine.ipynb", [code_cell(solution)])
    (work / "requirements.txt").write_text("torch\n")
    run([str(binaries / "otter"), "generate", "-t", "tests", "-o", "autograder.zip"], work)
    command = [str(binaries / "otter"), "run", "-a", "autograder.zip", "-o", "results", "mine.ipynb"]
    (work / "results").mkdir()
    run(command, work)
    score = json.loads((work / "results" / "results.json").read_text())
    assert all(t.get("score") == t.get("max_score") for t in score["tests"] if "score" in t), score
    return lambda: run(command, work)


def prepare_nbgrader(binaries: Path, work: Path, solution: str) -> Callable[[], object]:
    marks = {"schema_version": 3, "locked": False, "points": 0}
    answer = {"grade": False, "solution": True, "grade_id": "answer", "task": False}
    cells = [code_cell(f"### BEGIN SOLUTION\n{solution}\n### END SOLUTION", {"nbgrader": {**marks, **answer}})]
    for name, body in TESTS.items():
        graded = {"grade": True, "solution": False, "grade_id": name, "points": 1, "locked": True, "task": False}
        cells.append(code_cell(f"{SETUP}\n{body}", {"nbgrader": {**marks, **graded}}))
    source = work / "source" / "ps1"
    source.mkdir(parents=True)
    write_notebook(source / "mine.ipynb", cells)
    (work / "nbgrader_config.py").write_text("c = get_config()\nc.CourseDirectory.course_id = 'bench'\n")
    nbgrader = str(binaries / "nbgrader")
    run([nbgrader, "generate_assignment", "ps1"], work)
    submitted = work / "submitted" / "learner" / "ps1"
    shutil.copytree(work / "release" / "ps1", submitted)
    notebook = json.loads((submitted / "mine.ipynb").read_text())
    notebook["cells"][0]["source"] = solution
    (submitted / "mine.ipynb").write_text(json.dumps(notebook))
    command = [nbgrader, "autograde", "ps1", "--force"]
    run(command, work)
    return lambda: run(command, work)


def code_cell(source: str, metadata: dict | None = None) -> dict:
    blank = {"cell_type": "code", "execution_count": None, "outputs": []}
    return {**blank, "id": f"cell-{abs(hash(source)) % 10**8}", "metadata": metadata or {}, "source": source}


def write_notebook(path: Path, cells: list[dict]) -> None:
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    path.write_text(json.dumps({"cells": cells, "metadata": kernel, "nbformat": 4, "nbformat_minor": 5}))


def indent(code: str) -> str:
    return code.replace("\n", "\n    ")


def run(command: list[str], folder: Path) -> None:
    path = f"{Path(command[0]).parent}{os.pathsep}{os.environ['PATH']}"  # nbgrader calls a program of its environment by name
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, env={**os.environ, "PATH": path})
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} failed:\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}")
