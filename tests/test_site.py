"""The site's parts without a browser: steps, prose, replies, verdicts, drafts; and every page once through AppTest."""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path

import pytest

SITE = Path(__file__).parents[1] / "streamlit_app"
sys.path.insert(0, str(SITE))

from ui import demo, nav, predict, prose, steps, verdict, world  # noqa: E402
from ui.jobs import Jobs  # noqa: E402

from dojo.course import Demo, ExerciseBlock, Given, Predict, load_course  # noqa: E402
from dojo.course.model import Option, Term, WrongNumber  # noqa: E402
from dojo.course.names import free_names, module_names  # noqa: E402
from dojo.grading.verdict import Value  # noqa: E402
from dojo.progress import Store  # noqa: E402


@pytest.fixture(scope="module")
def course():
    return load_course()


def test_every_block_of_a_chapter_is_on_exactly_one_page(course):
    for chapter in course.chapters:
        found = steps.steps(chapter)
        assert [block for step in found for block in step.blocks] == list(chapter.blocks)
        assert [step.id for step in found if step.exercise] == list(chapter.exercises)
        assert len({step.id for step in found}) == len(found)


def test_an_exercise_keeps_its_question_and_its_picture(course):
    for chapter in course.chapters:
        for step in steps.steps(chapter):
            for block in step.blocks:
                if isinstance(block, Demo) and block.exercise and step.exercise:
                    order = list(chapter.exercises)
                    assert order.index(block.exercise) <= order.index(step.id)
                if isinstance(block, ExerciseBlock):
                    assert block.exercise is step.exercise


def test_no_page_begins_with_what_belongs_to_the_one_before(course):
    for chapter in course.chapters:
        for step in steps.steps(chapter)[1:]:
            assert not isinstance(step.blocks[0], Demo | Predict)


def test_glossary_links_have_tooltips_and_keep_the_learner(course):
    from dataclasses import replace

    term = Term("residual stream", 'The *sum* of "all" outputs, $x$ and [[token]]s.', 1)
    small = replace(course, glossary={"residual stream": term})
    text = prose.prepare("Read the [[residual stream]] and `[[token]]`.", small, None, {"me": "k"})
    assert '[residual stream](glossary?term=residual-stream&me=k "The sum of ”all” outputs, x and tokens.")' in text
    assert "`[[token]]`" in text


def test_pictures_come_inside_the_page_and_formulas_stand_alone(course):
    chapter = course.chapters[0]
    text = prose.prepare("![alt](assets/residual_stream.svg)\n\n$$a + b$$", course, chapter, {})
    assert "![alt](data:image/svg+xml;base64," in text and "\n$$\na + b\n$$\n" in text


def test_somebodys_text_cannot_become_html_or_markdown():
    assert prose.plain_html("<img onerror=x> `a<b`") == "&lt;img onerror=x&gt; <code>a&lt;b</code>"
    escaped = nav.escape("[x](http://y) **b** $z$ :red[no] <i>")
    assert "\\[x\\]\\(http\\:" in escaped and "\\*\\*b\\*\\*" in escaped and "\\$z\\$" in escaped


def test_each_wrong_answer_gets_its_own_reply():
    choice = Predict("c", "?", "choice", 1, options=(Option("a", False, "no, because"), Option("b", True, "")))
    assert predict.feedback(choice, "a") == (False, "no, because")
    assert predict.feedback(choice, "b") == (True, "Yes.")
    wrong = (WrongNumber(1.0, "that is the sum"),)
    number = Predict("n", "?", "number", 1, answer=0.25, tolerance=0.01, wrong=wrong, otherwise="think again")
    assert predict.feedback(number, 0.255)[0]
    assert predict.feedback(number, 1.0) == (False, "that is the sum")
    assert predict.feedback(number, 7) == (False, "think again")


def test_the_cell_with_the_largest_difference_is_marked():
    one, other = [[1.0, 2.0], [3.0, None]], [[1.0, 2.5], [3.0, None]]
    assert verdict.worst(one, other) == (0, 1)
    assert verdict.worst(one, [[1.0, 2.0], [3.0, 4.0]]) == (1, 1)
    figure = verdict.heatmap(one, 1.0, 3.0, (0, 1))
    assert figure.layout.shapes[0].x0 == 0.5 and figure.layout.shapes[0].y0 == -0.5


def test_a_scalar_has_no_picture_and_a_vector_is_one_row():
    assert verdict.table(Value("3.0", [], data=None)) is None
    assert verdict.table(Value("[1, 2]", [2], data=[1, 2])) == [[1.0, 2.0]]


def test_figures_from_learners_lose_what_would_load_from_elsewhere():
    raw = {
        "data": [{"type": "scattergeo"}, {"type": "image", "source": "http://x/y"}, {"type": "bar", "y": [1]}],
        "layout": {"images": [{"source": "http://x"}], "title": {"text": "t"}},
    }
    figure = demo.figure_from(json.dumps(raw))
    assert figure == {"data": [{"type": "image"}, {"type": "bar", "y": [1]}], "layout": {"title": {"text": "t"}}}
    assert demo.figure_from('{"data": [{"type": "heatmap", "z": [[1]]}]}')
    assert demo.figure_from("nonsense") is None and demo.figure_from("[]") is None


def test_the_bundle_was_built_from_the_sources_beside_it():
    """If this fails: cd streamlit_app/editor && npm install --no-package-lock && npm run build"""
    editor = SITE / "editor"
    digest = hashlib.sha256()
    for path in [editor / "package.json", *sorted((editor / "src").iterdir())]:
        digest.update(path.read_bytes())
    first_line = (SITE / "static" / "editor.js").read_text(encoding="utf-8").split("\n", 1)[0]
    assert first_line == f"/* sources {digest.hexdigest()} */"


# --- drafts ---


@pytest.fixture
def drafts(tmp_path, monkeypatch):
    """A function that opens the same exercise in another session."""
    import streamlit as st
    from ui.editor import Draft

    store = Store(f"sqlite:///{tmp_path}/p.db")
    monkeypatch.setattr(world, "store", lambda: store)

    def session() -> Draft:
        monkeypatch.setattr(st, "session_state", {})
        return Draft(store.learner(), "me", "c", "e", "stub")

    yield session
    store.close()


def message(text: str, base: str, seq: int = 1, run: str = "r") -> dict:
    from ui.editor import digest

    return {"text": text, "base": digest(base), "run": run, "seq": seq}


def test_a_draft_is_stored_and_acknowledged(drafts):
    draft = drafts()
    assert draft.data()["fresh"]
    draft.take(message("a = 1", "stub"))
    assert draft.text() == "a = 1" and draft.data()["saved"]["seq"] == 1
    # The browser had not heard of that yet when it sent the next one.
    draft.take(message("a = 12", "stub", seq=2))
    assert draft.text() == "a = 12" and not draft.data()["conflict"]


def test_another_session_cannot_write_over_it_unasked(drafts):
    one, two = drafts(), drafts()
    one.take(message("one", "stub"))
    two.take(message("two", "stub", run="s"))
    data = two.data()
    assert two.text() == "one" and data["conflict"]["text"] == "one"
    two.take(message("two", "one", seq=2, run="s"))  # the learner chose to keep theirs
    assert one.text() == "two" and not two.data()["conflict"]


def test_the_same_message_twice_changes_nothing(drafts):
    one, two = drafts(), drafts()
    one.take(message("one", "stub"))
    two.take(message("two", "one", run="s"))
    one.take(message("one", "stub"))
    assert one.text() == "two"


def test_an_earlier_text_put_back_is_told_to_the_browser(drafts):
    draft = drafts()
    draft.take(message("a", "stub"))
    before = draft.data()["replace"]
    draft.replace("stub")
    data = draft.data()
    assert data["replace"] != before and data["text"] == "stub" and not data["fresh"]


# --- pages ---


@pytest.fixture
def app(tmp_path, monkeypatch):
    from streamlit.testing.v1 import AppTest

    class NoGrader:
        isolation = "none"

        def __init__(self, course):
            pass

        def close(self):
            pass

    monkeypatch.setenv("DOJO_HOME", str(tmp_path))
    monkeypatch.delenv("DOJO_DATABASE_URL", raising=False)
    monkeypatch.setattr("ui.jobs.Grader", NoGrader)
    for made in (world._course, world._store, world._jobs):
        made.cache_clear()
    yield AppTest.from_file(str(SITE / "app.py"), default_timeout=60)
    world._store().close()
    for made in (world._course, world._store, world._jobs):
        made.cache_clear()


def test_the_map_shows_every_exercise(app, course):
    app.run()
    assert not app.exception
    for chapter in course.chapters:
        for name in chapter.exercises:
            assert f"`{name}`" in "\n".join(link.label for link in app.get("page_link")), name


def one_verdict() -> None:
    from ui import verdict
    from ui.nav import Me

    from dojo.course import load_course
    from dojo.grading.verdict import Recognised, TestResult, Value, Verdict

    side = Value("tensor", [2, 2], "float32", [[0.5, 0.5], [1.0, 0.0]])
    other = Value("tensor", [2, 2], "float32", [[0.5, 0.5], [0.0, 1.0]])
    hostile = "<script>alert(1)</script> [x](http://y)"
    failed = TestResult("t", "Rows sum to 1.", "failed", f"They do not: {hostile}", side, other, "at [1, 0]")
    more = [TestResult("u", f"Sentence {i}.", "failed") for i in range(3)]
    told = Verdict(
        "c", "e", "failed", f"A row sums to 2. {hostile}", [failed, *more, TestResult("p", "Fine.", "passed")],
        Recognised("m", "You forgot the mask."), notes=[hostile], printed=hostile, isolation="L3", seed=5,
    )  # fmt: skip
    verdict.show(told, load_course().chapters[0], Me(1, "me", "", {}))


def test_a_verdict_shows_everything_and_lets_nothing_through():
    from streamlit.testing.v1 import AppTest

    app = AppTest.from_function(one_verdict, default_timeout=60).run()
    assert not app.exception
    html = "\n".join(element.proto.body for element in app.get("html"))
    assert html.index("A row sums to 2.") < html.index("You forgot the mask.") < html.index("Rows sum to 1.")
    assert "<script>" not in html and "&lt;script&gt;" in html and "L3" in html
    assert [e.label for e in app.expander] == ["3 more tests failed", "1 test passed", "What your code printed"]
    assert len(app.get("plotly_chart")) == 2
    assert "<script>" not in "\n".join(m.value for m in app.markdown)


@pytest.fixture
def jobs(course, tmp_path):
    made = object.__new__(Jobs)  # without a grader: only the modules that it would be given
    made.course, made.store = course, Store(f"sqlite:///{tmp_path / 'progress.db'}")
    yield made
    made.store.close()


def test_a_demo_has_the_given_code_above_it(course, jobs):
    for chapter in course.chapters:
        given = {n for block in chapter.blocks if isinstance(block, Given) for n in module_names(block.code)}
        for picture in chapter.demos.values():
            chunks = jobs.demo_submission(jobs.store.learner(), chapter, picture).chunks
            have = {name for chunk in chunks for name in module_names(chunk.source)}
            assert not (free_names(picture.code) & given) - have, f"{picture.id} of {chapter.id}"


@pytest.mark.parametrize(
    "chapter, exercise", [("induction_heads", "name_the_heads"), ("activation_patching", "name_the_circuit")]
)
def test_the_site_knows_whose_model_it_is(course, jobs, chapter, exercise):
    me, content = jobs.store.learner(), course.chapter(chapter)
    picture = next(d for d in content.demos.values() if d.exercise == exercise)
    for submission in (jobs.submission(me, content, exercise, "x = 1"), jobs.demo_submission(me, content, picture)):
        names: dict = {}
        for chunk in submission.chunks:
            if "LEARNER" in chunk.source:
                exec(chunk.source.split("\n\n\n")[-1], names)
        assert names["LEARNER"] == jobs.store.alias(me)
