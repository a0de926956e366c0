"""Verdicts as text, HTML and gradebook entries: everything told, nothing of a learner's let loose."""

from __future__ import annotations

import io
import json
import re
from html.parser import HTMLParser

import pytest
from rich.console import Console

from dojo.grading.verdict import Recognised, Value, Verdict
from dojo.grading.verdict import TestResult as Result
from dojo.report import to_gradescope, to_html, to_row, to_terminal, to_text
from dojo.report.content import differs, formatter, grid

EVIL = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'& \x1b[2J\x1b]0;owned\x07 \u202eevil [red]markup[/] \r"


def failing() -> Verdict:
    expected = Value("…", [2, 2, 3, 3], "float32", [[1.0, 0, 0], [0.5, 0.5, 0], [0.2, 0.3, 0.5]], "[1, 0, :, :]")
    actual = Value("…", [2, 2, 3, 3], "float32", [[1.0, 0, 0], [0.5, 0.5, 0], [0.2, -0.7, None]], "[1, 0, :, :]")
    return Verdict(
        "transformer_from_scratch",
        "attention_pattern",
        "failed",
        "The pattern differs. (2 of 4 tests pass.)",
        tests=[
            Result("test_shape[2]", "The pattern has one row a query.", "passed"),
            Result("test_shape[3]", "The pattern has one row a query.", "passed"),
            Result(
                "test_rows",
                "Every row sums to one.",
                "failed",
                "The pattern differs in 2 of 36 entries.",
                expected,
                actual,
                "largest difference at [1, 0, 2, 1] (batch 1, head 0, query 2, key 1): -0.7, expected 0.3",
                'File "editor", line 3, in attention_pattern\n    return q @ k',
            ),
            Result("test_last", "A query sees itself.", "skipped", "not run"),
        ],
        mistake=Recognised("softmax_over_queries", "You take the softmax over queries."),
        notes=["`f` is defined twice (cells 5 and 9); the last one counts"],
        printed="hello\nworld\n",
        isolation="L3 namespaces, Landlock",
        seed=41,
        seconds=0.08,
    )


def evil() -> Verdict:
    value = Value(EVIL, None, EVIL, None, EVIL)
    return Verdict(
        "c",
        EVIL,
        "error",
        EVIL + "\n" + EVIL,
        [Result(EVIL, EVIL, "failed", EVIL, value, value, EVIL, EVIL)],
        Recognised(EVIL, EVIL),
        EVIL,
        [EVIL],
        EVIL,
        EVIL,
    )


def big(rows: int, columns: int, data=None) -> Verdict:
    value = Value("t", [rows, columns], "float32", data or [[0.25] * columns for _ in range(rows)])
    return Verdict("c", "e", "failed", "No.", [Result("t", "s", "failed", "m", value, value)])


def terminal(verdict: Verdict, width: int = 100, **kwargs) -> str:
    console = Console(file=io.StringIO(), width=width, **kwargs)
    to_terminal(verdict, console)
    return console.file.getvalue()


class Page(HTMLParser):
    """The tags, attributes and text of a piece of HTML; fails where tags do not match."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags, self.attributes, self.words, self.open = set(), set(), [], []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)


def test_a_terminal_tells_everything():
    text = terminal(failing())
    for words in (
        "✗ attention_pattern  The pattern differs. (2 of 4 tests pass.)  (0.08 s)",
        "✓ The pattern has one row a query.  (2 cases)",
        "✗ Every row sums to one.",
        "The pattern differs in 2 of 36 entries.",
        "shape [2, 2, 3, 3], float32, slice [1, 0, :, :]",
        "largest difference at [1, 0, 2, 1]",
        "This looks like",
        "You take the softmax over queries.",
        "Note: `f` is defined twice",
        "Your code printed",
        "Same inputs again: --seed 41",
        "in attention_pattern",
    ):
        assert words in text, words
    rows = [line for line in text.split("\n") if "0.200" in line]
    assert len(rows) == 1 and "0.300" in rows[0] and "-0.700" in rows[0] and "nan/inf" in rows[0]


def test_colours_mark_only_what_differs():
    text = terminal(failing(), force_terminal=True, color_system="standard")
    assert len(re.findall(r"\x1b\[1;4;31m", text)) == 2


def test_plain_text_has_no_escape_codes():
    assert "\x1b" not in to_text(failing()) and "Every row sums to one." in to_text(failing())


def test_nothing_of_a_learner_acts_on_the_terminal():
    text = terminal(evil(), width=200)
    assert "\x1b" not in text and "\x07" not in text and "\u202e" not in text and "\r" not in text
    assert "[red]markup[/]" in text  # shown as it is, not obeyed


@pytest.mark.parametrize("width", [20, 40, 300])
def test_narrow_terminals(width):
    assert max(map(len, terminal(failing(), width=width).split("\n"))) <= width
    terminal(evil(), width=width)


def test_html_tells_everything_and_is_well_formed():
    page = Page(to_html(failing()))
    text = "".join(page.words)
    for words in (
        "The pattern differs. (2 of 4 tests pass.)",
        "Every row sums to one.",
        "This looks like:",
        "2 of 36",
        "slice [1, 0, :, :]",
        "hello",
        "in attention_pattern",
        "defined twice",
        "Same inputs again: check(attention_pattern, seed=41)",
        "-0.700",
    ):
        assert words in text, words
    assert {"table", "td", "details"} <= page.tags
    assert to_html(failing()).count("box-shadow") == 2


def test_html_of_a_hostile_verdict_holds_only_our_own_tags():
    page = Page(to_html(evil()))
    assert page.tags <= {"div", "span", "strong", "pre", "details", "summary", "table", "tr", "td", "br"} - {"br"}
    assert page.attributes <= {"style", "class", "title", "colspan"}
    assert "http" not in to_html(failing()) and "<script" not in to_html(evil())


def test_html_sets_no_colour_that_a_theme_would_fight():
    """Text inherits its colour; backgrounds are translucent: legible on light and dark."""
    html = to_html(failing())
    assert set(re.findall(r"(?<![-\w])color:([^;\"]+)", html)) <= {
        "inherit",
        *(f"rgb({c})" for c in ("0,158,115", "213,94,0", "128,128,128", "230,159,0")),
    }
    assert all(b == "transparent" or b.startswith("rgba(") for b in re.findall(r"background:([^;\"]+)", html))


@pytest.mark.parametrize("shape", [(1, 1), (64, 64), (1, 64), (64, 1), (3, 11)])
def test_matrices_of_every_size_are_cut_to_what_can_be_read(shape):
    html = to_html(big(*shape))
    Page(html)
    assert html.count("<td") <= 2 * (25 * 25) and len(html) < 600_000
    assert max(map(len, terminal(big(*shape), width=120).split("\n"))) <= 120


def test_numbers_stand_side_by_side_in_one_form():
    assert formatter([[1, 2]], [[3, None]])(2) == "2"
    assert formatter([[1, 2]], [[0.5]])(2) == "2.000"
    assert formatter([[True, False]])(True) == "True"
    assert formatter([[1e-9, 2e-7]])(1e-9) == "1.00e-09"
    assert formatter([[123456.7]])(123456.7) == "1.23e+05"
    assert formatter([[0.0]])(0.0) == "0.000" and formatter([[None]])(None) == "nan/inf"


def test_what_differs():
    assert differs([[1.0, None]], [[1.00001, None]]) == [[False, False]]
    assert differs([[1.0, 2.0]], [[1.0, 2.0, 3.0], [4.0]]) == [[False, False, True], [True]]
    assert differs([[1.0], [2.0]], [[2.0]]) == [[True]]


def test_a_vector_is_one_row_and_a_list_of_words_is_text():
    assert grid(Value("", [2], "", [1.0, 2.0])) == [[1.0, 2.0]]
    assert grid(Value("", None, "", ["a"])) is None and grid(Value("x")) is None and grid(None) is None
    Page(to_html(Verdict("c", "e", "failed", "h", [Result("t", "s", "failed", "m", Value("['a']"), Value("[]"))])))


def test_endless_output_is_cut():
    verdict = failing()
    verdict.printed = "x" * 60_000 + "\n" * 3000
    assert "…" in terminal(verdict) and len(terminal(verdict)) < 20_000
    verdict.printed = "y\n" * 30_000
    assert "more lines" in terminal(verdict) and len(to_html(verdict)) < 30_000


def test_only_the_first_failures_are_shown_in_full():
    value = Value("1.0", [], "float32", [1.0])
    tests = [Result(f"t{i}", f"Sentence {i}.", "failed", f"Message {i}.", value, value) for i in range(6)]
    text = terminal(Verdict("c", "e", "failed", "No.", tests))
    assert text.count("expected") == 1 and all(f"Message {i}." in text for i in range(4))
    assert "Message 4." not in text and "and 2 more fail" in text
    page = "".join(Page(to_html(Verdict("c", "e", "failed", "No.", tests))).words)
    assert page.count("expected") == 1 and "Message 3." in page and "Message 4." not in page and "and 2 more" in page


def test_the_diagnosis_stands_straight_under_the_headline():
    lines = terminal(failing()).split("\n")
    assert "attention_pattern" in lines[0] and "This looks like" in lines[1]


def test_isolation_is_told_only_where_it_is_weak():
    verdict = failing()
    assert "Isolation" not in terminal(verdict) + to_html(verdict)
    verdict.isolation = "L0 own process with limits only: for practice, not for marks"
    assert "Isolation: L0" in terminal(verdict) and "Isolation: L0" in to_html(verdict)
    verdict.isolation = "none (live objects)"
    assert "Isolation: none" in terminal(verdict) and "Isolation" not in to_html(verdict)
    assert "Same inputs again: check(attention_pattern, seed=41)" in terminal(verdict)


def differing(size: int, low: float = -1.0, at: tuple[int, int] = (0, 0), by: float | None = 3.0) -> Verdict:
    expected = [[round(low + ((7 * i + 3 * j) % 17) / 17, 3) for j in range(size)] for i in range(size)]
    actual = [row[:] for row in expected]
    actual[at[0]][at[1]] = None if by is None else actual[at[0]][at[1]] + by
    values = [Value("t", [size, size], "float32", data) for data in (expected, actual)]
    return Verdict("c", "e", "failed", "No.", [Result("t", "s", "failed", "m", *values)])


def cells(text: str) -> list[str]:
    return re.findall(r"\S*(?:\d\.\d|nan|…)\S*", text)


@pytest.mark.parametrize("by", [3.0, None])
@pytest.mark.parametrize("size", [6, 9, 19])
def test_no_number_is_ever_cut_short(size, by):
    at = (size - 2, size - 1)
    text = terminal(differing(size, at=at, by=by), width=80)
    lines = text.split("\n")
    assert max(map(len, lines)) <= 80
    assert all(re.fullmatch(r"-?\d\.\d{2,3}|nan/inf|…", cell) for cell in cells(text)), text
    assert len(set(map(len, re.findall(r"\.\d+", text)))) == 1  # all with the same number of decimals
    number = round(-1 + ((7 * at[0] + 3 * at[1]) % 17) / 17, 3) + 3
    worst = ["nan/inf"] if by is None else [f"{number:.2f} ", f"{number:.3f} "]
    assert any(form in text for form in worst)  # the largest difference is among what is shown
    assert ("…" in text) == ("columns " in text) == (size == 19)
    titles = [line.strip() for line in lines if "expected" in line or "yours" in line]
    assert titles == ["expected", "yours"]
    if size < 19:
        assert sum(len(cells(line)) == size for line in lines) == 2 * size


def test_two_decimals_where_that_brings_both_side_by_side_and_hides_nothing():
    text = terminal(differing(6, low=0.0), width=80)
    assert "expected" in text and re.search("expected +yours", text) and not re.search(r"\d\.\d{3}", text)
    text = terminal(differing(6, low=0.0, by=0.004), width=80)
    assert not re.search("expected +yours", text) and re.search(r"\d\.\d{3}", text)


def test_one_side_and_other_shapes():
    value, other = Value("t", [1, 30], "f", [[0.5] * 30]), Value("t", [2, 3], "f", [[0.5] * 3] * 2)
    for pair in (
        (value, None),
        (None, value),
        (value, other),
        (other, value),
        (value, Value("word " * 60)),
        (Value("x"),),
    ):
        for width in (20, 80):
            text = terminal(Verdict("c", "e", "failed", "No.", [Result("t", "s", "failed", "m", *pair)]), width=width)
            assert max(map(len, text.split("\n"))) <= width


@pytest.mark.parametrize("status", ["passed", "failed", "unwritten", "blocked", "error", "stopped"])
def test_every_status_with_nothing_else(status):
    verdict = Verdict("c", "e", status, "A headline.\n\n    x = (\n        ^")
    assert "A headline." in terminal(verdict) and "        ^" in terminal(verdict)
    assert "<pre" in to_html(verdict) and Page(to_html(verdict))


def test_of_an_unwritten_exercise_the_tests_are_announced_and_not_failed():
    tests = [
        Result(f"t[{i}]", "Rows sum to one.", "failed", "not written", trace="NotImplementedError") for i in range(3)
    ]
    verdict = Verdict("c", "e", "unwritten", "`e` is not written yet.", tests)
    for text in (terminal(verdict), "".join(Page(to_html(verdict)).words)):
        assert "Hints: dojo hint e" in terminal(verdict)
        assert text.count("Rows sum to one.") == 1 and "NotImplemented" not in text and "✗" not in text


# --- gradebooks ----------------------------------------------------------------------------------------------


def test_a_row_is_weighted_by_importance():
    passed = Verdict("c", "embed", "passed", "Right.", [Result("t", "s", "passed"), Result("u", "s", "skipped")])
    row = to_row("ada.py", [failing(), passed], {"attention_pattern": 3, "embed": 1}, ["a note"])
    assert row["attention_pattern"] == 0.5 and row["embed"] == 1.0 and row["passed"] == 1
    assert row["total"] == pytest.approx((3 * 0.5 + 1) / 4) and list(row)[:3] == ["submission", "total", "passed"]
    assert row["notes"].startswith("a note; `f` is defined twice")
    assert to_row("x", [], {})["total"] == 0.0


def test_a_name_or_note_is_no_formula():
    row = to_row("=cmd|'/C calc'!A0", [], {}, ["@SUM(1)\nx"])
    assert row["submission"].startswith("'=") and row["notes"] == "'@SUM(1) x"


def test_gradescope():
    passed = Verdict("c", "embed", "passed", "Right.", [Result("t", "s", "passed")])
    results = to_gradescope((v for v in (failing(), passed)), {"attention_pattern": 4})
    assert results["score"] == 3.0 and [t["max_score"] for t in results["tests"]] == [4.0, 1.0]
    assert [t["status"] for t in results["tests"]] == ["failed", "passed"]
    assert results["tests"][0]["visibility"] == "visible" and "Every row" in results["tests"][0]["output"]
    json.dumps(results)
    assert "\x1b" not in json.dumps(to_gradescope([evil()]))
