"""Submissions: good ones keep what they define, hostile and broken ones end as a sentence."""

from __future__ import annotations

import json
import os
import time

import pytest

from dojo.grading.submission import Submission, from_path, from_text


def notebook(*sources, **extra) -> str:
    cells = [
        source
        if not isinstance(source, str)
        else {"cell_type": "code", "source": source.splitlines(True), "metadata": {}, "outputs": []}
        for source in sources
    ]
    return json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells, **extra})


@pytest.fixture
def hand_in(tmp_path):
    def write(text: str | bytes, name: str = "mine.ipynb") -> Submission:
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass"))
        return from_path(path)

    return write


def names_defined(submission: Submission) -> dict:
    space: dict = {}
    for chunk in submission.chunks:
        exec(compile(chunk.source, chunk.name, "exec"), space)
    space.pop("__builtins__", None)
    return space


# --- text and .py --------------------------------------------------------------------------------------------


def test_text_is_one_chunk_word_for_word():
    got = from_text("def f(x):\n    return x + 1\n\nprint('hello')\n")
    assert got.problem is None and got.notes == []
    assert [(c.name, c.source, c.line) for c in got.chunks] == [
        ("editor", "def f(x):\n    return x + 1\n\nprint('hello')\n", 1)
    ]


def test_windows_line_ends_and_a_byte_order_mark_are_no_trouble(hand_in):
    got = hand_in("\ufeffdef f(x):\r\n    return 'é'\r\n", "mine.py")
    assert got.problem is None and names_defined(got)["f"](1) == "é"
    got = hand_in("def f(x):\n    return 3\n".encode("utf-16"), "mine.py")
    assert got.problem is None and names_defined(got)["f"](1) == 3


def test_calls_of_check_and_get_ipython_in_a_file_become_pass():
    got = from_text("get_ipython().run_line_magic('time', '')\ndef f(): return 1\ncheck(\n f\n)\nx = 2\n", "mine.py")
    assert names_defined(got).keys() == {"f", "x"}
    assert got.chunks[0].source.count("\n") == 6 and got.chunks[0].source.split("\n")[5] == "x = 2"


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("def f(x):\n    y = (x + 1\n    return y\n", 2, "'(' was never closed"),
        ("def f(x)\n    return x\n", 1, "a colon ':' is missing here"),
        ("def f(x):\nreturn x\n", 2, "must be indented by four spaces"),
        ("x = 1\n    y = 2\n", 2, "indented further"),
        ("def f(x):\n    if x:\n        y = 1\n      z = 2\n", 4, "matches none of the lines above"),
        ("def f(x):\n\ty = 1\n        return y\n", 3, "mixes tabs and spaces"),
        ("x = 'abc\n", 1, "a quote that opens on this line"),
        ("x = '''abc\n\n", 1, "triple quote"),
        ("x = 1)\n", 1, "closes a bracket that was never opened"),
        ("x = [1)\n", 1, "cannot close the bracket"),
        ("return 3\n", 1, "is the line indented enough?"),
        ("x =\u00a01\n", 1, "invisible character"),
        ("x = “a”\n", 1, "typographic quote"),
        ("x = = 1\n", 1, "Python cannot read this"),
        ("x = 1\0\n", 1, "null byte"),
        ("if x = 1:\n    pass\n", 1, "Maybe you meant '=='"),
    ],
)
def test_a_syntax_error_is_told_in_plain_words_with_its_line(text, line, words):
    got = from_text(text, "mine.py")
    assert got.chunks == [] and got.problem is not None
    assert f"Line {line}: " in got.problem and words in got.problem and got.problem.startswith("mine.py")


def test_the_caret_points_at_the_place():
    problem = from_text("def f(x):\n    y = (x + 1\n    return y\n").problem
    assert problem is not None
    line, caret = problem.split("\n")[-2:]
    assert line.strip() == "y = (x + 1" and line[caret.index("^")] == "("


def test_of_a_very_long_line_only_the_part_around_the_caret_is_shown():
    problem = from_text("x = [" + "1, " * 5000 + ") + [" + "2, " * 5000 + "]").problem
    assert problem is not None and len(problem) < 500
    line, caret = problem.split("\n")[-2:]
    assert line[caret.index("^")] == ")"


@pytest.mark.parametrize(
    "text",
    [
        "-" * 100_000 + "1",
        "not " * 50_000 + "1",
        "+".join(["1"] * 150_000),
        "a" + ".b" * 100_000,
        "(" * 10_000,
        "{" * 150 + "a",
        "lambda:" * 5_000 + "(",
        "9" * 5_000,
        "x = '\ud800'",
        "x" * 2_000_000,
        "\x1b[31m = (",
        "@" + "a." * 400 + "overload\ndef f(): 0",
    ],
)
def test_hostile_text_ends_as_a_sentence_and_soon(text):
    started = time.monotonic()
    got = from_text(text)
    assert time.monotonic() - started < 3
    assert got.problem is None or (len(got.problem) < 600 and "\x1b" not in got.problem)
    (got.problem or "".join(c.source for c in got.chunks)).encode()  # can be stored and sent


def test_a_name_defined_twice_is_noted():
    got = from_text("def f(): 1\n\nclass g: 0\n\ndef f(): 2\n", "mine.py")
    assert got.notes == ["`f` is defined twice (lines 1 and 5); the last one counts"]
    got = from_text("try:\n    def f(): 1\nexcept E:\n    def f(): 2\n", "mine.py")
    assert got.notes == []
    got = from_text("".join(f"def {'f' * 500}{i // 2}(): 0\n" for i in range(1000)))
    assert len(got.notes) <= 20 and all(len(note) < 200 for note in got.notes)


# --- notebooks -----------------------------------------------------------------------------------------------


def test_a_notebook_keeps_what_it_defines(hand_in):
    got = hand_in(
        notebook(
            "import math\nimport os; print(os)\n",
            {"cell_type": "markdown", "source": "# Title", "metadata": {}},
            "def f(x):\n    return x\n\nf(3)\nprint(\n  f(4),\n)\ny = f(5)\ny\n",
            "check(f)",
            "assert f(1) == 2",
            "for step in range(10):\n    print(step)\n",
            "if True:\n    def g(): return 7\n",
            "",
        )
    )
    assert got.problem is None and got.notes == []
    assert [chunk.name for chunk in got.chunks] == ["cell 1", "cell 3", "cell 7"]
    space = names_defined(got)
    assert space["f"](1) == 1 and space["g"]() == 7 and space["y"] == 5
    lines = got.chunks[1].source.split("\n")
    assert lines[7] == "y = f(5)" and "print" not in got.chunks[1].source


def test_line_numbers_stay_where_a_removed_statement_shares_its_line(hand_in):
    got = hand_in(notebook("é = 1; print('é',\n 2); z = 3; print(z)\ndef f(): return é + z\n"))
    assert names_defined(got)["f"]() == 4
    assert got.chunks[0].source.split("\n")[2].startswith("def f")


@pytest.mark.parametrize("role", ["demo", "check", "predict"])
def test_cells_with_our_own_roles_are_passed_over(hand_in, role):
    cell = {"cell_type": "code", "source": "def f(): 1", "metadata": {"dojo": {"role": role}}}
    kept = {"cell_type": "code", "source": "def f(): 2", "metadata": {"dojo": {"role": "exercise"}}}
    got = hand_in(notebook(cell, kept))
    assert [c.name for c in got.chunks] == ["cell 2"] and got.notes == []


def test_of_a_setup_cell_only_the_imports_count(hand_in):
    source = "import math\nif True:\n    %pip install dojo\nfrom dojo import check, show\nfrom os import path\nx = 1\n"
    got = hand_in(notebook({"cell_type": "code", "source": source, "metadata": {"dojo": {"role": "setup"}}}))
    assert names_defined(got).keys() == {"math", "path"}


def test_magics_are_taken_out_and_strings_and_remainders_are_left_alone(hand_in):
    source = '''%matplotlib inline
!pip install "einops \\
  >= 0.8" 'don"t
?len
files = !ls
def f(a, b):
    """Usage:
    %magic is not one here
    !nor here
    """
    if a:
        !echo hi
    return (a
            % b)
f??
'''
    got = hand_in(notebook(source))
    assert got.notes == [] and got.problem is None
    f = names_defined(got)["f"]
    assert f(7, 4) == 3 and "%magic is not one here" in f.__doc__ and "!nor here" in f.__doc__
    assert got.chunks[0].source.split("\n")[5] == "def f(a, b):"


def test_cell_magics(hand_in):
    got = hand_in(
        notebook(
            "%%time\ndef f(): return 1\n",
            "%%bash\necho hi\n",
            "%%writefile x.py\ndef g(): 1\n",
            "\n\n%%capture out\ndef h(): return 2\n",
        )
    )
    assert names_defined(got).keys() == {"f", "h"}
    assert got.notes == ["cell 3 starts with %%writefile and was passed over"]


def test_a_cell_that_does_not_parse_is_named_and_the_rest_counts(hand_in):
    got = hand_in(notebook("def f(): return 1", "x = 1\n\ny = (2,\n", "def f(): return 3", "def g(): return 4"))
    assert got.problem is None and names_defined(got)["f"]() == 3
    assert got.notes == [
        "cell 2 does not parse: line 3: '(' was never closed",
        "`f` is defined twice (cells 1 and 3); the last one counts",
    ]


def test_a_cell_indented_as_a_whole_is_read_as_jupyter_reads_it(hand_in):
    assert names_defined(hand_in(notebook("    def f():\n        return 1\n")))["f"]() == 1


def test_many_bad_cells_do_not_make_many_notes(hand_in):
    assert len(hand_in(notebook(*["x = ("] * 500)).notes) == 21


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "empty"),
        ("{", "not valid JSON"),
        ("def f(): 1", "not valid JSON"),
        ("[]", "not a notebook"),
        ("{}", "no `nbformat`"),
        ('{"nbformat": 4}', "no `cells`"),
        ('{"nbformat": 4, "cells": {}}', "no `cells`"),
        ('{"nbformat": 3, "worksheets": []}', "old notebook format 3"),
        ('{"nbformat": 7, "cells": []}', "format 7"),
        ("[" * 200_000, "nested too deeply"),
        ('{"a":' * 100_000, "nested too deeply"),
        ("[]," * 2_000_000, "too much data"),
        ("9" * 10_000, "not valid JSON"),
        (b"\xff\xfe\x00", "not UTF-8"),
        (b'{"nbformat": 4, "cells": ["\xe9"]}', "not UTF-8"),
        (b"PK\x03\x04" + bytes(range(256)), "not UTF-8"),
        (" " * 21_000_000, "larger than 20 MB"),
        (notebook(*["x = 1"] * 2001), "2,001 cells"),
        (notebook(*["x = '" + "a" * 10_000 + "'"] * 200), "more than 1,000,000 characters of code"),
        (notebook(metadata={"language_info": {"name": "R"}}), "in R"),
    ],
)
def test_a_file_that_is_no_notebook_gets_a_sentence(hand_in, text, words):
    got = hand_in(text)
    assert got.chunks == [] and got.problem is not None and words in got.problem, got.problem
    assert got.problem.startswith("mine.ipynb") and len(got.problem) < 300


def test_damaged_cells_are_passed_over(hand_in):
    code = {"cell_type": "code", "metadata": {}}
    got = hand_in(
        notebook(
            3,
            None,
            {},
            {"cell_type": 5},
            code,
            code | {"source": 3},
            code | {"source": ["a", 3]},
            code | {"source": "x = 1", "metadata": None},
            code | {"source": "y = 1", "metadata": {"dojo": []}},
            code | {"source": "z = 1", "metadata": {"dojo": {"role": ["demo"]}}},
            code | {"source": "bad = '\ud800'"},
        )
    )
    assert got.problem is None and len(got.notes) == 7
    assert {"x", "y", "z"} <= names_defined(got).keys()


# --- the file system -----------------------------------------------------------------------------------------


def test_what_is_not_a_file_gets_a_sentence(tmp_path):
    (tmp_path / "folder.py").mkdir()
    (tmp_path / "a.py").symlink_to(tmp_path / "b.py")
    (tmp_path / "b.py").symlink_to(tmp_path / "a.py")
    (tmp_path / "zero.py").symlink_to("/dev/zero")
    (tmp_path / "mine.txt").write_text("x = 1")
    os.mkfifo(tmp_path / "pipe.ipynb")
    (tmp_path / "dir" / "x").mkdir(parents=True)
    for name, words in {
        "folder.py": "is a folder",
        "dir": "is a folder",
        "a.py": "leads back to itself",
        "zero.py": "not an ordinary file",
        "pipe.ipynb": "not an ordinary file",
        "mine.txt": "neither a .py nor an .ipynb",
        "gone.py": "There is no file gone.py",
        "mine.txt/x.py": "There is no file x.py",
        "x\0.py": "cannot be read",
        "x" * 300 + ".py": "too long",
    }.items():
        problem = from_path(tmp_path / name).problem
        assert problem is not None and words in problem, (name, problem)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text("x = 1")
    path.chmod(0)
    assert "permission is denied" in (from_path(path).problem or "")


def test_a_file_name_that_would_act_on_a_terminal_is_made_harmless(tmp_path):
    path = os.fsencode(tmp_path) + b"/\x1b[2J\xff.py"
    with open(path, "wb") as file:
        file.write(b"x = (")
    problem = from_path(os.fsdecode(path)).problem
    assert problem is not None and "\x1b" not in problem
    problem.encode()
