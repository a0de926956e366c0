"""Chapter 5, part 4: its pictures show what the prose says, and its references agree with other ways of computing."""

import pytest

from dojo.course.load import load_course
from tests.demos import run_demo

SITE = "blocks.3.hook_resid_pre"


@pytest.fixture(scope="module")
def chapter():
    return load_course().chapter("sparse_autoencoders")


@pytest.fixture
def show_demo(chapter, monkeypatch):
    return lambda id, **settings: run_demo(chapter, id, monkeypatch, **settings)
