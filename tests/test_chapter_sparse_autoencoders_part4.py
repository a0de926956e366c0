"""Chapter 5, part 4: its pictures show what the prose says, and its references agree with other ways of computing."""

import re

import pytest
import torch
import torch.nn.functional as F

from dojo.course.load import load_course
from dojo.models import load_model, load_tokenizer
from solutions import sparse_autoencoders as reference
from tests.demos import bars, curves, matrix, run_demo, title

SITE = "blocks.3.hook_resid_pre"


@pytest.fixture(scope="module")
def chapter():
    return load_course().chapter("sparse_autoencoders")


@pytest.fixture
def show_demo(chapter, monkeypatch):
    return lambda id, **settings: run_demo(chapter, id, monkeypatch, **settings)
