"""Pictures: what they refuse, that tokens cannot inject HTML, and what reaches the sink."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
import torch

from dojo import show


@pytest.fixture
def events(monkeypatch):
    got: list[dict] = []
    monkeypatch.setattr(show, "sink", got.append)
    return got


def test_importing_show_imports_no_heavy_library():
    code = "import sys; from dojo import show; print([m for m in ('plotly', 'circuitsvis', 'torch', 'tqdm') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "[]"


def test_attention_escapes_tokens_and_asks_nobody():
    pattern = torch.eye(3).repeat(2, 1, 1)
    html = show.attention(pattern, ["<s>", "</script><script>alert(1)</script>", "a\nb"])._repr_html_()
    props = html[html.rindex("CircuitsVis.render(") :]
    assert "&lt;s&gt;" in props and json.dumps("a↵b") in props
    assert props.count("</script>") == 1, "only the closing tag of the picture's own script"
    assert "unpkg.com" not in props


def test_attention_of_the_wrong_shape_is_told_so():
    with pytest.raises(ValueError, match=r"\[head, query, key\] with 4 queries and keys.*\[2, 3, 3\]"):
        show.attention(torch.zeros(2, 3, 3), list("abcd"))


def test_a_heatmap_keeps_equal_labels_apart():
    figure = show.heatmap(torch.rand(3, 3), x=["the", "cat", "the"], y=["a", "a", "b"])
    assert list(figure.layout.xaxis.tickvals) == [0, 1, 2]
    assert list(figure.layout.xaxis.ticktext) == ["the", "cat", "the"]
    assert figure.layout.yaxis.autorange == "reversed"


def test_zero_centred_puts_white_at_zero():
    assert show.heatmap([[-1.0, 3.0]], zero_centred=True).data[0].zmid == 0


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: show.heatmap(torch.zeros(2, 2, 2)), r"matrix \[row, column\].*\[2, 2, 2\]"),
        (lambda: show.heatmap(torch.zeros(2, 3), x=["a"]), "1 column labels"),
        (lambda: show.lines({"loss": [1, 2, 3]}, x=[1, 2]), "'loss' has 3 values, but x has 2"),
        (lambda: show.bars([1.0, 2.0], ["a"]), "1 labels, 2 values"),
        (lambda: show.tokens(["a"], [1.0, 2.0]), "1 tokens, 2 values"),
    ],
)
def test_what_does_not_fit_is_told(call, words):
    with pytest.raises(ValueError, match=words):
        call()


def test_figures_are_readable_on_white_and_on_black():
    ink = [int(show.INK[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [v / 12.92 if v <= 0.03928 else ((v + 0.055) / 1.055) ** 2.4 for v in ink]
    light = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    assert 1.05 / (light + 0.05) > 4 and (light + 0.05) / (0.01 + 0.05) > 3.8
    figure = show.lines({"a": torch.arange(3.0), "b": [3, 2, 1]}, x_title="step", y_title="nats")
    assert figure.layout.paper_bgcolor == "rgba(0,0,0,0)" and figure.layout.showlegend


def test_tokens_are_escaped_and_carry_their_value():
    html = show.tokens(["<b>", "x"], [-1.0, 2.0], zero_centred=True, name="logit")._repr_html_()
    assert "&lt;b&gt;" in html and 'title="logit 2"' in html and "<b>" not in html.replace("</b>", "")


def test_display_goes_to_the_sink(events):
    show.display(show.lines({"a": [1, 2]}))
    show.display(show.text("<i>hello</i>"), slot="here")
    show.display({"plain": 1})
    assert [event["mime"] for event in events] == [show.PLOTLY, "text/html", "text/plain"]
    assert json.loads(events[0]["data"])["data"][0]["type"] == "scatter"
    assert events[1]["slot"] == "here" and "&lt;i&gt;" in events[1]["data"]
    assert len({event["slot"] for event in events}) == 3


def test_live_lines_replace_one_slot(events):
    live = show.live_lines("loss", title="loss", x_title="step")
    for step in range(50):
        live.add(step, train=1 / (step + 1), test=torch.tensor(0.5))
    show.display(live)
    assert len({event["slot"] for event in events}) == 1
    assert len(events) < 20, "redrawn a few times a second, not at each point"
    last = json.loads(events[-1]["data"])
    assert [trace["name"] for trace in last["data"]] == ["train", "test"]


def test_progress_yields_everything_and_says_so(events):
    assert list(show.progress([3, 1, 4], text="training")) == [3, 1, 4]
    assert events[-1] == {"kind": "progress", "done": 3, "total": 3, "text": "training"}
    assert list(show.progress((i for i in range(2)), text="unknown length")) == [0, 1]
    assert events[-1]["total"] is None


def test_without_sink_or_notebook_a_line_is_printed(capsys):
    show.display(show.lines({"a": [1]}, title="a curve"))
    show.display(show.text("sample"))
    assert capsys.readouterr().out == "[figure: a curve]\nsample\n"


def test_in_a_notebook_a_slot_is_replaced_in_place(monkeypatch):
    shown: list[tuple[str, str | None]] = []
    monkeypatch.setattr("dojo.show.output.in_ipython", lambda: True)
    monkeypatch.setattr("IPython.display.display", lambda obj, display_id=None: shown.append(("new", display_id)))
    monkeypatch.setattr("IPython.display.update_display", lambda obj, display_id: shown.append(("again", display_id)))
    live = show.live_lines("loss")
    live.add(0, train=1.0)
    assert live._repr_mimebundle_() == {"text/plain": ""}, "the figure stands above already"
    show.display("a sample")
    assert shown == [("new", live.slot), ("again", live.slot), ("new", None)]


def test_in_a_notebook_a_live_figure_is_one_output():
    nbformat, nbclient = pytest.importorskip("nbformat"), pytest.importorskip("nbclient")
    code = """
import time
from dojo import show
live = show.live_lines("loss")
for step in range(3):
    live.add(step, train=step)
    time.sleep(0.25)
live
"""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code)])
    nbclient.NotebookClient(notebook, kernel_name="python3", timeout=60).execute()
    figures = [output for output in notebook.cells[0].outputs if show.PLOTLY in output.get("data", {})]
    assert len(figures) == 1
    assert list(figures[0]["data"][show.PLOTLY]["data"][0]["y"]) == [0, 1, 2], "the last state stands"
