"""`dojo.transformer`: the course's Transformer is there in later chapters, in the sandbox too, and hidden in chapter 1."""

import inspect

import pytest
import torch

import dojo.transformer
from dojo.course import load_course
from dojo.grading import Grader
from dojo.grading.submission import from_text

FIRST, LATER = ("transformer_from_scratch", "embed"), ("induction_heads", "previous_token_score")
BORROWED = "from dojo.transformer import embed\n"


@pytest.fixture(scope="module")
def grader():
    with Grader(load_course(), only=[FIRST, LATER], slots=1) as made:
        made.wait_until_warm()
        yield made


def test_it_is_the_reference():
    config = dojo.transformer.Config(d_vocab=7, d_model=6, n_ctx=5, n_layers=2, n_heads=2, d_head=3, d_mlp=4)
    assert dojo.transformer.Transformer(config)(torch.tensor([[1, 2, 3]])).shape == (1, 3, 7)
    assert "W_E[tokens]" in inspect.getsource(dojo.transformer.embed)  # its source can be read
    with pytest.raises(ImportError):
        exec("from dojo.transformer import NoSuchName")


def test_chapter_1_cannot_borrow_its_answers(grader):
    verdict = grader.grade(from_text(BORROWED), *FIRST)
    assert not verdict.passed and "hidden" in verdict.headline
    by_the_model = "from dojo import load_model\nembed = type(load_model('small-lm'))\n"
    assert not grader.grade(from_text(by_the_model), *FIRST).passed


def test_a_later_chapter_has_it(grader):
    right = """
def previous_token_score(pattern):
    import dojo.transformer
    assert dojo.transformer.Transformer
    return pattern.diagonal(offset=-1, dim1=-2, dim2=-1).mean(dim=(0, -1))
"""
    assert grader.grade(from_text(right), *LATER).passed


@pytest.mark.parametrize("chapter, found", [(FIRST[0], False), (LATER[0], True)])
def test_demos(grader, chapter, found):
    code = "from dojo import load_model\ntype(load_model('induction')).__name__"
    outputs = grader.demo(from_text(""), chapter, code, seconds=20)
    assert ("Transformer'" in outputs[-1].data or outputs[-1].data.strip("'") == "Transformer") == found, outputs
