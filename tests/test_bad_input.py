"""Honest mistakes that leave nothing to grade: each gets one sentence that a beginner understands."""

import re
from concurrent.futures import ThreadPoolExecutor

import pytest

from dojo.course import load_course
from dojo.grading import Grader
from dojo.grading.submission import Submission, from_path, from_text

CHAPTER = "transformer_from_scratch"
RIGHT = """
import torch

def attention_pattern(q, k):
    scores = torch.einsum("bqhd,bkhd->bhqk", q, k) / q.shape[-1] ** 0.5
    later = torch.ones(q.shape[1], k.shape[1]).triu(1).bool()
    return scores.masked_fill(later, -torch.inf).softmax(-1)
"""
RESULT = "    return scores.masked_fill(later, -torch.inf).softmax(-1)"


@pytest.fixture(scope="module")
def grader():
    with Grader(load_course(), only=[(CHAPTER, "attention_pattern"), (CHAPTER, "LayerNorm")], slots=2) as made:
        made.wait_until_warm()
        yield made


def ending(line: str) -> str:
    return RIGHT.replace(RESULT, line)


# name -> (source, status, phrases that the learner reads, in the headline or the notes)
BAD = {
    "does not parse": (RIGHT.replace("def attention_pattern(q, k):", "def attention_pattern(q, k)"), "error",
                       ["not valid Python", "Line 4", "colon"]),
    "an open bracket": (RIGHT.replace("softmax(-1)", "softmax(-1"), "error", ["not valid Python", r"'\(' was never closed"]),
    "indented wrongly": (RIGHT.replace("    later", "      later"), "error", ["not valid Python", "indented further"]),
    "imports what is not there": ("import torchvision_extra\n" + RIGHT, "error",
                                  ["not installed here", "torchvision_extra", "stopped before it"]),
    "imports it where it is needed": (ending("    import jax\n    return q"), "failed", ["not installed here", "jax", "line"]),
    "a name that torch does not have": (RIGHT.replace("torch.einsum", "torch.einsums"), "failed", ["einsums", "line 5"]),
    "a misspelt name": (RIGHT.replace("later, -", "latter, -"), "failed", ["name that it does not define", "latter"]),
    "is defined twice": (RIGHT + "\n\ndef attention_pattern(q, k):\n    return q\n", "failed",
                         ["`attention_pattern` is defined twice", "lines 4 and 10", "last"]),
    "is another name": (RIGHT.replace("attention_pattern", "attention_patern"), "error",
                        ["`attention_pattern` is not defined", "`attention_patern`: is it misspelt"]),
    "is a class": ("class attention_pattern:\n    pass\n", "error", ["should be a function", "a class"]),
    "is a number": ("attention_pattern = 3\n", "error", ["should be a function", "a whole number"]),
    "is empty": ("", "error", ["not defined"]),
    "is a stub": ("def attention_pattern(q, k):\n    raise NotImplementedError\n", "unwritten", ["not written yet"]),
    "returns nothing": (ending("    scores.masked_fill(later, -torch.inf).softmax(-1)"), "failed", ["None", "`return` missing"]),
    "is only a comment": ("def attention_pattern(q, k):\n    pass  # later\n", "failed", ["None", "`return` missing"]),
    "returns a list": (ending(RESULT + ".tolist()"), "failed", ["is a list, expected a tensor"]),
    "returns an array": (ending(RESULT + ".numpy()"), "failed", ["numpy array, expected a tensor"]),
    "returns a pair": (ending(RESULT + ", q"), "failed", ["is a tuple, expected a tensor"]),
    "returns float64": (ending(RESULT + ".double()"), "failed", ["dtype float64, expected float32"]),
    "returns whole numbers": (ending(RESULT + ".long()"), "failed", ["dtype int64, expected float32"]),
    "returns another device": (ending(RESULT + ".to('meta')"), "failed", ["meta", "holds no numbers"]),
    "asks for a GPU": (ending(RESULT + ".cuda()"), "failed", ["CUDA|NVIDIA|cuda"]),
    "returns a sparse tensor": (ending(RESULT + ".to_sparse()"), "failed", ["to_dense"]),
    "has its axes in another order": (ending(RESULT + ".transpose(0, 1)"), "failed", ["axes stand in another order"]),
    "returns one axis too few": (ending(RESULT + "[0]"), "failed", ["3 axes instead of 4"]),
    "is full of nan": (ending(RESULT + " * torch.nan"), "failed", ["nan"]),
    "changes its input in place": (RIGHT.replace("    scores", "    q /= 2\n    scores", 1), "failed",
                                   ["changed its input `q` in place", "clone"]),
    "takes one argument": (RIGHT.replace("(q, k)", "(q)"), "failed", ["takes 1 positional argument"]),
    "takes three arguments": (RIGHT.replace("(q, k):", "(q, k, mask):"), "failed", ["missing 1 required .* 'mask'"]),
    "divides by zero": (ending("    return 1 / 0"), "failed", ["ZeroDivisionError", "line 7"]),
    "multiplies what does not fit": (ending("    return q @ k"), "failed", ["line 7"]),
    "calls itself": (ending("    return attention_pattern(q, k)"), "failed", ["calls itself without end"]),
    "never ends": (ending("    while True: pass"), "stopped", ["Stopped after 10 s", "loop that never ends"]),
    "asks for too much memory": (ending("    return torch.ones(10**10)"), "stopped", ["more memory than"]),
    "exits": (ending("    exit()"), "failed", ["end the program"]),
    "waits for somebody to type": (ending("    return input('shape? ')"), "failed", ["waits for somebody to type"]),
    "opens a file of its own": (ending("    return torch.load('weights.pt')"), "failed", ["file that is not there", "weights"]),
    "downloads": (ending("    import urllib.request\n    return urllib.request.urlopen('http://localhost:9')"), "failed",
                  ["not allowed|urlopen"]),
    "raises while it is loaded": ("raise ValueError('my own check')\n" + RIGHT, "error", ["my own check", "not defined"]),
    "asserts what is not so": (RIGHT + "\nassert attention_pattern(torch.ones(1, 2, 1, 1), torch.ones(1, 2, 1, 1)) is None\n",
                               "passed", ["AssertionError"]),
}  # fmt: skip


@pytest.fixture(scope="module")
def verdicts(grader):
    with ThreadPoolExecutor(grader.slots) as threads:
        found = threads.map(lambda bad: grader.grade(from_text(bad[0]), CHAPTER, "attention_pattern"), BAD.values())
        return dict(zip(BAD, found, strict=True))


@pytest.mark.parametrize("name", BAD)
def test_each_is_told_in_words(name, verdicts):
    _, status, phrases = BAD[name]
    verdict = verdicts[name]
    told = "\n".join([verdict.headline, *verdict.notes, *(test.message for test in verdict.tests)])
    assert verdict.status == status, told
    for phrase in phrases:
        assert re.search(phrase, "\n".join([verdict.headline, *verdict.notes])), told
    for ours in ("Traceback", "dojo/grading", "RemoteError", "Mismatch", "site-packages", "not your fault"):
        assert ours not in told, told


def test_megabytes_of_print_are_cut_and_counted(grader):
    source = RIGHT.replace("    scores", "    print('x' * 1_000_000)\n    scores", 1)
    verdict = grader.grade(from_text(source), CHAPTER, "attention_pattern")
    assert verdict.status == "passed", "printing is no crime"
    assert len(verdict.printed) <= 64 * 1024
    assert any(re.search(r"printed [\d,]+ characters more than are kept", note) for note in verdict.notes)


def test_a_function_where_a_class_is_asked(grader):
    source = "def LayerNorm(d_model, eps=1e-5):\n    return lambda x: x\n"
    verdict = grader.grade(from_text(source), CHAPTER, "LayerNorm")
    assert verdict.status == "error" and "should be a class, but it is a function" in verdict.headline


def test_a_class_that_forgot_its_super(grader):
    source = (
        "import torch\nfrom torch import nn\n\nclass LayerNorm(nn.Module):\n    def __init__(self, d_model, eps=1e-5):\n"
        "        self.weight = nn.Parameter(torch.ones(d_model))\n"
    )
    verdict = grader.grade(from_text(source), CHAPTER, "LayerNorm")
    assert verdict.status == "failed" and "before Module.__init__() call" in verdict.headline


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("mine.txt", b"x = 1", "neither a .py nor an .ipynb"),
        ("mine.py", b"\xff\xfe\x00\xd8", "UTF-8|not valid|text"),
        ("mine.py", b"x = 1\x00", "null byte"),
        ("mine.py", b"x = '\xe9'", "UTF-8"),
        ("mine.py", b"x = 1\n" * 1_000_000, "larger than|limit"),
        ("mine.py", b"x = " + b"(" * 5000 + b")" * 5000, "too many nested|nested too deeply"),
        ("mine.ipynb", b"", "empty"),
        ("mine.ipynb", b"{", "not valid JSON"),
        ("mine.ipynb", b"[]", "not a notebook"),
        ("mine.ipynb", b'{"cells": [], "nbformat": 3}', "old notebook format"),
    ],
    ids=[
        "another kind",
        "binary",
        "null byte",
        "latin-1",
        "huge",
        "deep",
        "empty",
        "cut off",
        "a list",
        "an old format",
    ],
)
def test_files_that_cannot_be_used(grader, tmp_path, name, content, says):
    (tmp_path / name).write_bytes(content)
    verdict = grader.grade(from_path(tmp_path / name), CHAPTER, "attention_pattern")
    assert verdict.status == "error"
    assert name in verdict.headline and re.search(says, verdict.headline), verdict.headline


def test_no_problem_reaches_a_process(grader):
    """What cannot be used is told at once, while every slot may be taken."""
    assert grader.grade(Submission(problem="No."), CHAPTER, "attention_pattern").headline == "No."
