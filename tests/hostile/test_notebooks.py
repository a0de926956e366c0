"""Notebooks and files built to hurt whoever reads them: a sentence or a few notes, soon, and never an exception."""

from __future__ import annotations

import json
import os
import random
import time
import zipfile
from pathlib import Path

import pytest

from dojo.grading.submission import Submission, from_path, from_text

pytestmark = pytest.mark.hostile

RIGHT = "def attention_pattern(q, k):\n    return q"


def cell(source: object = RIGHT, **more: object) -> dict:
    return {
        "cell_type": "code",
        "id": "a",
        "metadata": {},
        "outputs": [],
        "execution_count": None,
        "source": source,
    } | more


def notebook(*cells: object, **more: object) -> str:
    return json.dumps({"cells": list(cells), "metadata": {}, "nbformat": 4, "nbformat_minor": 5} | more)


def nested(levels: int, opening: str = "[", closing: str = "]") -> str:
    return opening * levels + closing * levels


# name -> (content of the file, phrase in its problem; "" where it must be read and yield attention_pattern all the same)
NOTEBOOKS: dict[str, tuple[str | bytes, str]] = {
    "empty": ("", "empty"),
    "only white space": (" \n\t" * 1000, "empty"),
    "not JSON": ("def attention_pattern(q, k): ...", "not valid JSON"),
    "cut off": (notebook(cell())[:-30], "not valid JSON"),
    "two of them": (notebook(cell()) * 2, "not valid JSON"),
    "bytes": (random.Random(1).randbytes(10_000), "UTF-8"),
    "UTF-16 without an end": (b"\xff\xfe{\x00\xd8", "UTF-8"),
    "a number": ("1" * 100_000, "damaged|not a notebook|not valid"),
    "a number of a thousand digits in it": (notebook(cell(), nbformat=10**1000), "format|damaged|not"),
    "a list": ("[]", "not a notebook"),
    "nothing": ("null", "not a notebook"),
    "no cells": ('{"nbformat": 4}', "no `cells`"),
    "cells of text": ('{"nbformat": 4, "cells": "attention_pattern"}', "no `cells`"),
    "a format of text": (notebook(cell(), nbformat="4"), "no `nbformat`"),
    "a format to come": (notebook(cell(), nbformat=7), "format 7"),
    "nested lists": (nested(100_000), "nested too deeply"),
    "nested objects": (nested(100_000, '{"a":', "}").replace("{}", "1"), "nested too deeply|not valid JSON"),
    "nested in the metadata": (notebook(cell())[:-1] + ', "x": ' + nested(50_000) + "}", "nested too deeply"),
    "a million small lists": ("[" + "[]," * 1_200_000 + "[]]", "too much data"),
    "thousands of cells": (notebook(*[cell("x = 1")] * 5000), "5,000 cells"),
    "a cell of two megabytes": (notebook(cell("x = '" + "a" * 2_000_000 + "'")), "characters of code"),
    "many large cells": (notebook(*[cell("x = '" + "a" * 100_000 + "'")] * 20), "characters of code"),
    "outputs of thirty megabytes": (notebook(cell(outputs=["x" * 30_000_000])), "larger than 20 MB"),
    "outputs of ten megabytes": (notebook(cell(outputs=[{"data": "x" * 10_000_000}])), ""),
    "another language": (notebook(cell(), metadata={"language_info": {"name": "julia\x1b[2J"}}), "julia"),
    "kinds of all sorts": (
        notebook(None, 1, "x", [], {}, cell(None), cell(5), cell({"a": 1}), cell([1, 2]), cell()),
        "",
    ),
    "metadata of all sorts": (
        notebook(cell(metadata=7), cell(metadata={"dojo": [1]}), cell(metadata={"dojo": {"role": {}}})),
        "",
    ),
    "deep parentheses": (notebook(cell("x = " + nested(5000, "(", ")")), cell()), ""),
    "deep unary": (notebook(cell("x = " + "-" * 100_000 + "1"), cell()), ""),
    "deep blocks": (notebook(cell("\n".join(" " * i + "if 1:" for i in range(200))), cell()), ""),
    "a long chain": (notebook(cell("x = a" + ".a" * 50_000), cell()), ""),
    "a null byte": (notebook(cell("x = '\0'"), cell()), ""),
    "half a surrogate pair": (notebook(cell('x = "\ud800"'), cell()), ""),
    "terminal commands": (notebook(cell("\x1b]0;owned\x07 ("), cell()), ""),
    "magics without end": (notebook(cell("\n".join(["%matplotlib inline", "!rm -rf /", "x = !ls"] * 300)), cell()), ""),
    "a magic over many lines": (notebook(cell("!echo " + "a \\\n" * 5000), cell()), ""),
    "a shell cell": (notebook(cell("%%bash\nrm -rf /\ndef attention_pattern"), cell()), ""),
    "a cell that defines a thousand times": (notebook(*[cell()] * 1000), ""),
    "keys that are there twice": ('{"cells": [], ' + notebook(cell())[1:], ""),
}


def read(path: Path) -> tuple[Submission, float]:
    started = time.monotonic()
    return from_path(path), time.monotonic() - started


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_notebook(name, tmp_path):
    content, problem = NOTEBOOKS[name]
    path = tmp_path / "mine.ipynb"
    path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass"))
    submission, seconds = read(path)
    told = "\n".join([submission.problem or "", *submission.notes])
    assert seconds < 10
    assert len(told) < 5000 and "\x1b" not in told
    told.encode()
    if problem:
        assert submission.problem is not None
        assert any(phrase in submission.problem for phrase in problem.split("|")), submission.problem
        assert "mine.ipynb" in submission.problem and not submission.chunks
    else:
        assert submission.problem is None, told
        for chunk in submission.chunks:
            compile(chunk.source, chunk.name, "exec")
        assert any("attention_pattern" in chunk.source for chunk in submission.chunks)


def test_a_zip_that_calls_itself_a_notebook(tmp_path):
    path = tmp_path / "mine.ipynb"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("zeros", bytes(10_000_000))
    submission, _ = read(path)
    assert submission.problem is not None


def test_things_that_are_not_files(tmp_path):
    os.mkfifo(tmp_path / "pipe.py")
    (tmp_path / "loop.py").symlink_to(tmp_path / "loop.py")
    (tmp_path / "zeros.py").symlink_to("/dev/zero")
    (tmp_path / "folder.ipynb").mkdir()
    for name in ("pipe.py", "loop.py", "zeros.py", "folder.ipynb", "not-there.py", "x" * 500 + ".py"):
        submission, seconds = read(tmp_path / name)
        assert submission.problem is not None and seconds < 5, name


@pytest.mark.parametrize(
    "text",
    ["(" * 100_000, "x = " + "(" * 1000 + ")" * 1000, "\n".join("\t" * i + "while 1:" for i in range(300)), "\\\n" * 50_000,
     "x = " + " + ".join(["1"] * 50_000), "lambda: " * 20_000 + "0", "f'" + "{" * 5000, "'''", "\x00", "\ud800", "\ufeff" * 10,
     "@a\n" * 20_000 + "def f(): pass", "x = 9" + "9" * 10_000, "def f(" + ",".join(f"a{i}" for i in range(20_000)) + "): pass"],
    ids=range(14),
)  # fmt: skip
def test_text_that_is_hard_to_parse(text):
    started = time.monotonic()
    submission = from_text(text)
    assert time.monotonic() - started < 10
    assert submission.problem is None or 10 < len(submission.problem) < 2000


def test_500_mutated_notebooks(tmp_path):
    source = random.Random(0)
    original = notebook(
        cell(), cell("%%time\nx = 1"), cell(["a = 1\n", "b"]), {"cell_type": "markdown", "source": "text"}
    ).encode()
    for number in range(500):
        data = bytearray(original)
        for _ in range(source.randint(1, 10)):
            place = source.randrange(len(data))
            if source.random() < 0.5:
                data[place] = source.randrange(256)
            else:
                data[place:place] = data[source.randrange(len(data)) :][: source.randint(1, 40)]
        path = tmp_path / f"{number}.ipynb"
        path.write_bytes(data)
        from_path(path)
