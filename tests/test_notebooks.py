"""Every solutions notebook runs top to bottom, and every check in it passes."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from dojo.course import load_course

COURSE = load_course()


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("chapter", [c.id for c in COURSE.chapters])
def test_solutions_notebook_runs_and_passes(chapter: str, monkeypatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")  # other tests run beside it, and two threads would wait for each other
    folder = Path(COURSE.root) / "chapters" / chapter
    notebook = nbformat.read(folder / "solutions.ipynb", as_version=4)
    NotebookClient(
        notebook, timeout=400, kernel_name="python3", resources={"metadata": {"path": str(folder)}}
    ).execute()
    checks = [c for c in notebook.cells if c.metadata.get("dojo", {}).get("role") == "check"]
    assert len(checks) == len(COURSE.chapter(chapter).exercises)
    for cell in checks:
        shown = "".join(o.get("data", {}).get("text/html", "") for o in cell.outputs)
        assert "is right" in shown, f"{cell.source}: {shown[:500] or 'no verdict'}"
