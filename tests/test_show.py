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


# --- points, patterns side by side, sliders ---


def test_points_say_what_they_are_and_how_they_correlate():
    x = torch.tensor([[0.0, 1.0], [2.0, 3.0]])
    figure = show.scatter(x, 2 * x + 1, labels=["a", "<b>", "c", "d"], title="Effects", diagonal=True, correlation=True)
    assert figure.layout.title.text == "Effects, correlation 1.00"
    assert list(figure.data[0].x) == [0.0, 7.0] and list(figure.data[0].y) == [0.0, 7.0], "the diagonal spans all"
    assert list(figure.data[1].y) == [1.0, 3.0, 5.0, 7.0]
    assert "nan" in show.scatter([1, 1, 1], [1, 2, 3], correlation=True).layout.title.text


def test_patterns_stand_in_rows_and_keep_equal_tokens_apart():
    figure = show.patterns(torch.rand(6, 3, 3), ["the", "cat", "the"], names=[f"0.{i}" for i in range(6)])
    assert len(figure.data) == 6 and {trace.coloraxis for trace in figure.data} == {"coloraxis"}
    assert (figure.layout.coloraxis.cmin, figure.layout.coloraxis.cmax) == (0, 1)
    assert len(set(figure.data[0].x)) == 3
    rows = {axis.domain for axis in figure.select_yaxes()}
    assert len(rows) == 2, "four heads a row"


def frames_of(values):
    return {step: show.heatmap([[value, 0.0]], zero_centred=True, title=f"at {step}") for step, value in values.items()}


def test_a_slider_moves_only_what_differs_and_keeps_colours():
    figure = show.slider(frames_of({0: 1.0, 100: -4.0, 250: 2.0}), label="training step", start=100)
    slider = figure.layout.sliders[0]
    assert [step.label for step in slider.steps] == ["0", "100", "250"] and slider.active == 1
    assert slider.currentvalue.prefix == "training step "
    assert figure.data[0].z[0][0] == -4.0 and figure.layout.title.text == "at 100"
    assert [frame.data[0].z[0][0] for frame in figure.frames] == [1.0, -4.0, 2.0]
    assert (figure.data[0].zmin, figure.data[0].zmax) == (-4.0, 4.0), "a colour means the same at every step"
    assert set(figure.frames[0].data[0].to_plotly_json()) == {"type", "z"}
    assert [frame.layout.title.text for frame in figure.frames] == ["at 0", "at 100", "at 250"]


def test_a_slider_gives_curves_one_axis_for_all_steps():
    figure = show.slider({s: show.lines({"a": [s, 10 * s], "b": [0, 0]}, x=[1, 2]) for s in (1, 2)})
    low, high = figure.layout.yaxis.range
    assert low < 0 and 20 < high < 25
    assert figure.layout.xaxis.range is None, "x does not change"
    assert all(list(frame.traces) == [0] for frame in figure.frames), "b stays"


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: show.slider({}), "at least one figure"),
        (lambda: show.slider(frames_of({0: 1.0}), start=7), r"start \(7\) among its steps: \['0'\]"),
        (lambda: show.slider({0: show.lines({"a": [1]}), 1: show.lines({"a": [1], "b": [2]})}), "same traces.*2"),
        (lambda: show.scatter([1, 2], [1, 2], labels=["a"]), "2 x, 2 y, 1 labels"),
        (lambda: show.patterns(torch.zeros(2, 3, 3), list("abc"), names=["one"]), "2 heads, 1 names"),
        (lambda: show.patterns(torch.zeros(2, 3, 4), list("abc")), r"show.patterns needs.*\[2, 3, 4\]"),
    ],
)
def test_figures_that_do_not_fit_are_told(call, words):
    with pytest.raises(ValueError, match=words):
        call()
